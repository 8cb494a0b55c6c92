//! Looking for the noted secrets in the logs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use aho_corasick::AhoCorasick;

use crate::KINDS;

/// What was looked for and what was found.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many different secrets of each kind were noted.
    pub secrets: BTreeMap<String, usize>,
    pub logs: usize,
    pub log_bytes: u64,
    /// Kind of a secret and the log that holds it. Never the secret.
    pub leaks: BTreeSet<(String, String)>,
}

/// Looks for all secrets noted in `folder` in all logs kept there.
pub fn look(folder: &Path) -> io::Result<Findings> {
    let mut secrets: BTreeMap<String, String> = BTreeMap::new();
    for line in fs::read_to_string(folder.join("secrets").join("noted"))?.lines() {
        let (kind, secret) = line.split_once('\t').ok_or_else(|| broken(line))?;
        let secret =
            hex::decode(secret).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| broken(line))?;
        secrets.insert(secret, kind.to_owned());
    }
    let mut findings = Findings::default();
    for kind in secrets.values() {
        *findings.secrets.entry(kind.clone()).or_default() += 1;
    }
    let forms: Vec<(String, &String)> =
        secrets.iter().flat_map(|(secret, kind)| forms(secret).into_iter().map(move |form| (form, kind))).collect();
    let search = AhoCorasick::new(forms.iter().map(|(form, _)| form)).map_err(io::Error::other)?;
    for entry in fs::read_dir(folder.join("logs"))? {
        let entry = entry?;
        findings.logs += 1;
        findings.log_bytes += entry.metadata()?.len();
        for found in search.stream_find_iter(BufReader::new(File::open(entry.path())?)) {
            let (_, kind) = &forms[found?.pattern()];
            findings.leaks.insert(((*kind).clone(), entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(findings)
}

impl Findings {
    /// The kinds that no test minted.
    pub fn missing_kinds(&self) -> Vec<&'static str> {
        KINDS.into_iter().filter(|kind| !self.secrets.contains_key(*kind)).collect()
    }
}

/// As a log may write it: plain, in JSON, in a form or URL.
fn forms(secret: &str) -> BTreeSet<String> {
    let json = secret.replace('/', "\\/");
    let form = secret.replace('%', "%25").replace('/', "%2F").replace('+', "%2B").replace('=', "%3D");
    BTreeSet::from([
        secret.to_owned(),
        json,
        form.replace("%2F", "%2f").replace("%2B", "%2b").replace("%3D", "%3d"),
        form,
    ])
}

fn broken(line: &str) -> io::Error {
    // Not the line, which may hold a secret.
    io::Error::new(io::ErrorKind::InvalidData, format!("a note of {} characters cannot be read", line.len()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot set itself up fails")]
mod tests {
    use super::*;

    fn audit(log: &str) -> Findings {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("secrets")).unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        let note = |kind: &str, secret: &str| format!("{kind}\t{}\n", hex::encode(secret));
        let notes = note("resume code", "K7QM-2XRD-9HTV-W4BC") + &note("secret access key", "abc/def+ghi=");
        fs::write(folder.path().join("secrets/noted"), notes).unwrap();
        fs::write(folder.path().join("logs/server.log"), log).unwrap();
        look(folder.path()).unwrap()
    }

    #[test]
    fn a_secret_is_found_in_whatever_form_it_is_logged() {
        for (log, kind) in [
            ("code=K7QM-2XRD-9HTV-W4BC", "resume code"),
            ("a key abc/def+ghi= in clear", "secret access key"),
            (r#"{"secret":"abc\/def+ghi="}"#, "secret access key"),
            ("body=abc%2Fdef%2Bghi%3D", "secret access key"),
            ("body=abc%2fdef%2bghi%3d", "secret access key"),
        ] {
            let findings = audit(&format!("first line\n{log}\nlast line\n"));
            assert_eq!(findings.leaks, BTreeSet::from([(kind.to_owned(), "server.log".to_owned())]), "{log}");
        }
    }

    #[test]
    fn what_is_no_secret_is_not_found_and_what_was_not_minted_is_told() {
        let findings = audit("a learner began\nK7QM-2XRD-9HTV-W4B\n");
        assert!(findings.leaks.is_empty());
        assert_eq!((findings.logs, findings.secrets["resume code"]), (1, 1));
        assert!(findings.missing_kinds().contains(&"session cookie"));
        assert!(!findings.missing_kinds().contains(&"resume code"));
    }
}
