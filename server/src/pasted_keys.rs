//! Refuses forms into which somebody pasted AWS keys, before anything reads, keeps or logs them.
//!
//! Headwater never needs a key. What arrives by accident is refused as a whole, and the learner is told to retire it.

use std::borrow::Cow;

use app::error::BackendError;
use app::model::{Notice, Tone, about};

/// What is told, without a word of what was pasted.
pub const MESSAGE: &str = "This holds what looks like an AWS access key, so it was not read and not kept. Headwater never asks \
                           for keys. If it is a real one, retire it in the AWS console now: it has been in a web form.";
/// Characters of a secret access key.
const SECRET_LENGTH: usize = 40;
/// Characters of an access key's id behind its prefix.
const ID_LENGTH: usize = 16;
/// Settings whose values are secrets, as in environment variables and configuration files.
const SECRET_SETTINGS: [&str; 3] = ["aws_secret_access_key", "aws_session_token", "secretaccesskey"];

/// Whether one of the fields of a form (`application/x-www-form-urlencoded`) holds a key.
pub fn are_in_form(form: &[u8]) -> bool {
    form_urlencoded::parse(form).any(|(name, value)| are_in(&value) || are_in(&name))
}

/// Whether the text holds an access key's id, a secret key on a line of its own, or a setting of one.
pub fn are_in(text: &str) -> bool {
    has_key_id(text) || has_secret_setting(text) || text.lines().any(is_secret_key)
}

/// The notice for a post without script, and the form that it is about.
pub fn notice(path: &str, form: &[u8]) -> Notice {
    let field = |name: &str| form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value);
    let plain = |name: Option<Cow<'_, str>>| -> String {
        let name = name.unwrap_or_default();
        name.chars().filter(|character| character.is_ascii_alphanumeric() || *character == '-').take(64).collect()
    };
    let about: Cow<'_, str> = match path.rsplit('/').next().unwrap_or_default() {
        "start" => about::START.into(),
        "resume" => about::RESUME.into(),
        "perform" => about::action(&plain(field("action"))).into(),
        "answer" => about::question(&plain(field("question"))).into(),
        "save-names" => about::NAMES.into(),
        "start-demo" => about::DEMO.into(),
        "unlock" | "prepare-account" | "find-account" | "confirm-account" => about::CONNECT.into(),
        "join" => about::JOIN.into(),
        "hand" | "rename-in-class" | "leave-class" | "put-away-hint" => about::CLASS.into(),
        _ => about::CHECKS.into(),
    };
    Notice::new(about, Tone::Bad, MESSAGE)
}

/// The refusal for a post with script.
pub fn refusal() -> BackendError {
    BackendError::Refused { message: MESSAGE.to_owned() }
}

/// Ids of long-term keys begin with AKIA, those of sessions with ASIA (IAM, "Understanding unique ID prefixes").
fn has_key_id(text: &str) -> bool {
    ["AKIA", "ASIA"].iter().any(|prefix| {
        text.match_indices(prefix).any(|(position, _)| {
            let before = text[..position].chars().next_back();
            let id: usize = text[position + prefix.len()..]
                .chars()
                .take_while(|character| character.is_ascii_uppercase() || character.is_ascii_digit())
                .count();
            id >= ID_LENGTH && !before.is_some_and(|character| character.is_ascii_alphanumeric())
        })
    })
}

fn has_secret_setting(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    SECRET_SETTINGS.iter().any(|setting| {
        text.match_indices(setting).any(|(position, _)| {
            let value = text[position + setting.len()..].trim_start_matches(['"', '\'', ' ', '=', ':']);
            let length =
                value.chars().take_while(|character| character.is_ascii_alphanumeric() || "/+=".contains(*character));
            length.count() >= ID_LENGTH
        })
    })
}

/// 40 characters of base64 with upper and lower case and a digit; a SHA-1 in hex has no upper case beside lower.
fn is_secret_key(line: &str) -> bool {
    let line = line.trim();
    let has = |kind: fn(&u8) -> bool| line.as_bytes().iter().any(kind);
    line.len() == SECRET_LENGTH
        && line.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'/' || byte == b'+')
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    // As AWS's documentation has them: no account's keys.
    const ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    #[test]
    fn keys_are_known_wherever_they_stand() {
        let texts = [
            ID.to_owned(),
            format!("my key is {ID}, thanks"),
            "ASIAIOSFODNN7EXAMPLE".to_owned(),
            format!("  {}1 ", &SECRET[..39]),
            format!("first line\n{}2\nlast", &SECRET[..39]),
            format!("[default]\naws_secret_access_key = {SECRET}"),
            format!("export AWS_SECRET_ACCESS_KEY=\"{SECRET}\""),
            format!("{{\"SecretAccessKey\": \"{SECRET}\"}}"),
            "AWS_SESSION_TOKEN=IQoJb3JpZ2luX2VjEXAMPLE/".to_owned(),
        ];
        for text in texts {
            assert!(are_in(&text), "{text}");
        }
    }

    #[test]
    fn what_the_lab_asks_for_is_no_key() {
        let lab = lab::Lab::embedded();
        let variables = lab::Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566");
        for file in [lab::PREPROCESS_CODE, lab::OUTPUT_CODE, lab::SQL_CODE] {
            assert!(!are_in(&lab.file(file, &variables).unwrap()), "{file}");
        }
        for text in [
            "clickstream-123456789012-us-east-1",
            "arn:aws:iam::123456789012:role/HeadwaterLab",
            "K7QM-2XRD-9HTV-W4BC",
            "headwater-0123456789abcdef0123456789abcdef",
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "EURASIA",
            "aws_secret_access_key",
        ] {
            assert!(!are_in(text), "{text}");
        }
    }

    #[test]
    fn every_field_of_a_form_is_looked_at() {
        assert!(are_in_form(format!("slug=connect&fields%5Bbucket%5D={ID}").as_bytes()));
        assert!(are_in_form(b"code=aws_secret_access_key%3DwJalrXUtnFEMI%2FK7MDENG%2FbPx"));
        assert!(!are_in_form(b"slug=connect&fields%5Bbucket%5D=my-bucket"));
    }

    #[test]
    fn the_notice_stands_at_its_form_and_holds_nothing_of_the_key() {
        let form = format!("action=create-bucket&fields%5Bbucket%5D={ID}");
        let notice = notice("/api/perform", form.as_bytes());
        assert_eq!(notice.about, "action/create-bucket");
        assert!(notice.kept.is_empty() && !notice.message.contains(ID));
    }
}
