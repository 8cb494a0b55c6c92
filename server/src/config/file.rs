//! The configuration file: TOML whose keys are the long names of options, such as `data-dir = "/var/lib/headwater"`.
//!
//! Its values become defaults of the command line, so that clap reads, checks and tells them like all others, and a flag or
//! a variable of the environment wins.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command};
use thiserror::Error;
use toml::{Table, Value};

/// The option that names the file.
const OPTION: &str = "config";
/// Options that no file can set.
const NOT_IN_FILES: [&str; 3] = [OPTION, "help", "version"];
/// The commands whose options a file may set.
const COMMANDS: [&[&str]; 2] = [&["serve"], &["sandbox", "serve"]];
/// How alike a key and an option must be for the one to be taken for a misspelling of the other, 0 to 1.
const ALIKE: f64 = 0.7;

/// Why a configuration file is not used.
#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("the configuration file {path} cannot be read: {cause}")]
    Read { path: PathBuf, cause: std::io::Error },
    #[error("the configuration file {path} is not TOML: {cause}")]
    Parse { path: PathBuf, cause: toml::de::Error },
    #[error("the configuration file {path} has the unknown key {key:?}{}", hint(.nearest.as_deref()))]
    UnknownKey { path: PathBuf, key: String, nearest: Option<String> },
    #[error("in the configuration file {path}, {key} must be a text, a number, true or false, or a list of those")]
    NotAValue { path: PathBuf, key: String },
    #[error("in the configuration file {path}: {message}")]
    Refused { path: PathBuf, message: String },
}

fn hint(nearest: Option<&str>) -> String {
    match nearest {
        Some(nearest) => format!("; did you mean {nearest:?}?"),
        None => "; `headwater serve --help` lists the options, whose names are the keys".to_owned(),
    }
}

/// The option that names the file, for all commands.
pub fn config_option() -> Arg {
    Arg::new(OPTION)
        .long(OPTION)
        .env("HEADWATER_CONFIG")
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("TOML file with options; its keys are the long names of the options. Flags and the environment win")
}

/// A command line with the defaults of a file.
pub struct Configured {
    pub command: Command,
    /// The options that the file sets.
    pub from_file: BTreeSet<String>,
}

/// The same command line, with what the file that `arguments` or the environment name says as defaults.
pub fn with_file(command: Command, arguments: &[OsString]) -> Result<Configured, ConfigError> {
    // What is wrong with the arguments otherwise is told when they are read in earnest.
    let matches = command.clone().ignore_errors(true).try_get_matches_from(arguments);
    let Some(path) = matches.ok().as_ref().and_then(named_file) else {
        return Ok(Configured { command, from_file: BTreeSet::new() });
    };
    let text = std::fs::read_to_string(&path).map_err(|cause| ConfigError::Read { path: path.clone(), cause })?;
    let values = read(&path, &text, &command)?;
    Ok(Configured { command: with_defaults(command, &values), from_file: values.into_keys().collect() })
}

fn named_file(matches: &ArgMatches) -> Option<PathBuf> {
    let deeper = matches.subcommand().and_then(|(_, matches)| named_file(matches));
    deeper.or_else(|| matches.try_get_one::<PathBuf>(OPTION).ok().flatten().cloned())
}

/// The values by option.
fn read(path: &Path, text: &str, command: &Command) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let table: Table = text.parse().map_err(|cause| ConfigError::Parse { path: path.to_owned(), cause })?;
    let options = options(command);
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let Some(option) = options.get(key.as_str()) else {
            let alike = |name: &&str| strsim::jaro_winkler(name, &key);
            let nearest = options.keys().copied().max_by(|one, other| alike(one).total_cmp(&alike(other)));
            let nearest = nearest.filter(|name| alike(name) >= ALIKE).map(str::to_owned);
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key, nearest });
        };
        let texts = texts(&value).ok_or_else(|| ConfigError::NotAValue { path: path.to_owned(), key: key.clone() })?;
        check(option, &key, &texts).map_err(|message| ConfigError::Refused { path: path.to_owned(), message })?;
        values.insert(key, texts);
    }
    Ok(values)
}

/// All options that a file may set, by their long names.
fn options(command: &Command) -> BTreeMap<&str, &Arg> {
    let commands = COMMANDS
        .iter()
        .map(|path| path.iter().try_fold(command, |command, name| command.find_subcommand(name)).unwrap_or(command));
    let all = std::iter::once(command).chain(commands).flat_map(Command::get_arguments);
    all.filter_map(|option| Some((option.get_long()?, option)))
        .filter(|(name, _)| !NOT_IN_FILES.contains(name))
        .collect()
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        _ => None,
    };
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => Some(vec![text(value)?]),
    }
}

/// What clap has against the value, which as a default would be our own mistake and not the file's.
fn check(option: &Arg, key: &str, texts: &[String]) -> Result<(), String> {
    if texts.len() > 1 && !matches!(option.get_action(), ArgAction::Append) {
        return Err(format!("{key} takes one value, not {}", texts.len()));
    }
    let arguments = texts.iter().map(|text| format!("--{key}={text}"));
    let alone = Command::new("headwater").arg(option.clone().required(false));
    match alone.try_get_matches_from(std::iter::once("headwater".to_owned()).chain(arguments)) {
        Ok(_) => Ok(()),
        Err(error) => {
            let told = error.to_string();
            let first = told.lines().next().unwrap_or_default();
            Err(first.trim_start_matches("error: ").to_owned())
        }
    }
}

fn with_defaults(command: Command, values: &BTreeMap<String, Vec<String>>) -> Command {
    command
        .mut_args(|option| match option.get_long().and_then(|name| values.get(name)) {
            Some(texts) => option.default_values(texts.clone()),
            None => option,
        })
        .mut_subcommands(|command| with_defaults(command, values))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use clap::parser::ValueSource;

    use super::*;
    use crate::command::Cli;

    fn command() -> Command {
        Cli::command().arg(config_option())
    }

    fn parsed(file: &str, arguments: &[&str]) -> Result<ArgMatches, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("headwater.toml");
        std::fs::write(&path, file).unwrap();
        let mut all: Vec<OsString> =
            vec!["headwater".into(), arguments[0].into(), "--config".into(), path.clone().into()];
        all.extend(arguments[1..].iter().map(OsString::from));
        let command =
            with_file(command(), &all).map_err(|error| error.to_string().replace(&*path.to_string_lossy(), "FILE"))?;
        command.command.try_get_matches_from(all).map_err(|error| error.to_string())
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file =
            "data-dir = '/from/file'\nmax-learners = 7\nsecure-cookie = true\ntrusted-proxy = ['10.0.0.0/8', '::1']";
        let matches = parsed(file, &["serve", "--max-learners", "9"]).unwrap();
        let (_, serve) = matches.subcommand().unwrap();
        assert_eq!(serve.get_one::<PathBuf>("data_dir"), Some(&PathBuf::from("/from/file")));
        assert_eq!(serve.value_source("data_dir"), Some(ValueSource::DefaultValue));
        assert_eq!(serve.get_one::<u32>("max_learners"), Some(&9));
        assert_eq!(serve.get_one::<bool>("secure_cookie"), Some(&true));
        assert_eq!(serve.get_many::<ipnet::IpNet>("trusted_proxy").unwrap().count(), 2);
        let matches = parsed(file, &["serve", "--secure-cookie=false"]).unwrap();
        assert_eq!(matches.subcommand().unwrap().1.get_one::<bool>("secure_cookie"), Some(&false));
        let matches = parsed(file, &["backup", "/to"]).unwrap();
        assert_eq!(matches.subcommand().unwrap().1.get_one::<PathBuf>("data_dir"), Some(&PathBuf::from("/from/file")));
    }

    #[test]
    fn what_a_file_may_not_say_is_told() {
        for (file, told) in [
            ("data_dir = 'x'", "FILE has the unknown key \"data_dir\"; did you mean \"data-dir\"?"),
            ("max-learnrs = 1", "did you mean \"max-learners\"?"),
            ("zzz = 1", "`headwater serve --help` lists the options"),
            ("config = 'x'", "has the unknown key \"config\""),
            ("listen = 'nowhere'", "in the configuration file FILE: invalid value 'nowhere' for '--listen"),
            ("max-learners = -1", "invalid value '-1'"),
            ("listen = ['127.0.0.1:1', '127.0.0.1:2']", "listen takes one value, not 2"),
            ("[listen]\nx = 1", "listen must be a text"),
            ("listen = ", "is not TOML"),
        ] {
            let refused = parsed(file, &["serve"]).unwrap_err();
            assert!(refused.contains(told), "{file}: {refused}");
        }
        let absent = with_file(command(), &["headwater", "serve", "--config", "/nowhere"].map(OsString::from));
        assert!(absent.err().unwrap().to_string().contains("cannot be read"));
    }

    #[test]
    fn every_option_has_a_flag_a_variable_and_a_help() {
        command().debug_assert();
        let command = command();
        let options = options(&command);
        assert!(options.len() > 20, "{}", options.len());
        for (name, option) in options {
            assert!(option.get_env().is_some(), "{name} has no variable");
            assert!(option.get_help().is_some(), "{name} has no help");
        }
    }
}
