//! What may be typed for an account.

use app::error::BackendError;
use secrecy::{ExposeSecret as _, SecretString};

use super::{invalid, is_login};

/// Longest login: that of an e-mail address.
const LOGIN: usize = 254;
/// Longest shown name, in characters.
const NAME: usize = 80;
/// Characters that a password has.
const PASSWORD: std::ops::RangeInclusive<usize> = 10..=200;

/// A login as it is compared; of one that is too long, no more than is needed to find that it is not there.
pub(super) fn as_login(typed: &str) -> String {
    typed.trim().chars().take(LOGIN + 1).collect::<String>().to_lowercase()
}

/// A login for a new account: an e-mail address or a plain name.
pub(super) fn login(typed: &str) -> Result<String, BackendError> {
    let login = as_login(typed);
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-+@".contains(&byte);
    let begins_well = login.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if (2..=LOGIN).contains(&login.len()) && begins_well && login.bytes().all(is_allowed) {
        return Ok(login);
    }
    Err(invalid("login", "A login is an e-mail address, or a name of letters, digits and . _ - + without spaces."))
}

/// A name to be shown.
pub(super) fn name(typed: &str) -> Result<String, BackendError> {
    let name = typed.trim();
    match name.chars().count() {
        0 => Err(invalid("name", "Enter the name by which learners and colleagues know you.")),
        length if length > NAME => Err(invalid("name", format!("That is too long: {NAME} characters at most."))),
        _ if name.chars().any(char::is_control) => Err(invalid("name", "A name is one line of text.")),
        _ => Ok(name.to_owned()),
    }
}

/// Whether a password may be chosen. Length is what counts; rules about its characters make none better.
pub(super) fn check_password(field: &str, password: &SecretString, login: &str) -> Result<(), BackendError> {
    let length = password.expose_secret().chars().count();
    if length < *PASSWORD.start() {
        let message = format!("Use {} characters or more; a few words in a row are good.", PASSWORD.start());
        return Err(invalid(field, message));
    }
    if length > *PASSWORD.end() {
        return Err(invalid(field, format!("That is too long: {} characters at most.", PASSWORD.end())));
    }
    if is_login(password, login) {
        return Err(invalid(field, "Use something else than your login."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_in_lower_case_and_without_surprises() {
        assert_eq!(login(" Ada@Example.org ").unwrap(), "ada@example.org");
        assert_eq!(login("ada").unwrap(), "ada");
        for odd in ["", "a", "@ada", "a b", "ada\u{0}", "ada\u{430}", "<b>x", &"a".repeat(255)] {
            assert!(login(odd).is_err(), "{odd:?}");
        }
        assert!(as_login(&"a".repeat(10_000)).len() <= 255);
    }

    #[test]
    fn a_password_is_long_and_not_the_login() {
        let check = |text: &str| check_password("password", &SecretString::from(text), "ada@example.org").is_ok();
        assert!(check("ten chars!") && check(&"ü".repeat(200)));
        for weak in ["nine char", "", &"x".repeat(201), "Ada@Example.ORG"] {
            assert!(!check(weak), "{weak}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(name("  Ada Lovelace ").unwrap(), "Ada Lovelace");
        for odd in ["", "  ", "a\nb", &"x".repeat(81)] {
            assert!(name(odd).is_err(), "{odd:?}");
        }
    }
}
