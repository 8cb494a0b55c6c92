//! Options that are secrets: given themselves, or by a file that holds them.

use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretString;

/// The secret of the option `name` or of the file of `name-file`; `None` where neither is given.
pub fn read_secret(
    name: &str,
    value: Option<&SecretString>,
    file: Option<&Path>,
) -> anyhow::Result<Option<SecretString>> {
    let path = match (value, file) {
        (Some(_), Some(_)) => anyhow::bail!("both {name} and {name}-file are given; leave one out"),
        (Some(value), None) => return Ok(Some(value.clone())),
        (None, None) => return Ok(None),
        (None, Some(path)) => path,
    };
    let told = || format!("the file of {name}-file, {}, cannot be read", path.display());
    let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).with_context(told)?);
    let secret = text.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!secret.is_empty(), "the file of {name}-file, {}, is empty", path.display());
    Ok(Some(SecretString::from(secret)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_secret_comes_from_one_place() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "from the file\n").unwrap();
        let given = SecretString::from("given");
        let text = |secret: Option<SecretString>| secret.map(|secret| secret.expose_secret().to_owned());
        assert_eq!(text(read_secret("x", None, None).unwrap()), None);
        assert_eq!(text(read_secret("x", Some(&given), None).unwrap()).as_deref(), Some("given"));
        assert_eq!(text(read_secret("x", None, Some(&file)).unwrap()).as_deref(), Some("from the file"));
        let both = read_secret("x", Some(&given), Some(&file)).unwrap_err().to_string();
        assert_eq!(both, "both x and x-file are given; leave one out");
        std::fs::write(&file, "\n").unwrap();
        assert!(read_secret("x", None, Some(&file)).unwrap_err().to_string().ends_with("is empty"));
        let absent = read_secret("x", None, Some(&folder.path().join("no"))).unwrap_err().to_string();
        assert!(absent.contains("cannot be read"), "{absent}");
    }
}
