//! The tables of options in `docs/operations.md` are written from the command line itself:
//! `UPDATE_DOCS=1 cargo test -p server options_table`.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command};

use crate::command::command_line;

/// The commands whose options stand in the document.
const COMMANDS: [&[&str]; 2] = [&["serve"], &["sandbox", "serve"]];

#[test]
fn the_document_lists_every_option() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let mut written = document.clone();
    let command = command_line();
    for names in COMMANDS {
        let found = names.iter().fold(&command, |command, name| command.find_subcommand(name).unwrap());
        written = with_table(&written, &names.join(" "), &table(found, &command));
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &written).unwrap();
    } else {
        assert_eq!(
            document, written,
            "docs/operations.md is not up to date: run UPDATE_DOCS=1 cargo test -p server options_table"
        );
    }
}

#[test]
fn what_is_deployed_names_only_variables_that_exist() {
    let command = command_line();
    let mut known = vec!["HEADWATER_CACHE".to_owned(), "HEADWATER_CONFIG".to_owned()];
    for names in COMMANDS {
        let found = names.iter().fold(&command, |command, name| command.find_subcommand(name).unwrap());
        let options = found.get_arguments().chain(command.get_arguments());
        known.extend(options.filter_map(Arg::get_env).map(|name| name.to_string_lossy().into_owned()));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        for word in words.filter(|word| word.starts_with("HEADWATER_")) {
            assert!(known.iter().any(|name| name == word), "there is no option with the variable {word}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen} variables are too few for what is deployed");
}

fn with_table(document: &str, command: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- options of {command} -->\n"), "<!-- end of options -->");
    let (before, rest) = document.split_once(&begin).unwrap_or_else(|| panic!("no place for the options of {command}"));
    let (_, after) = rest.split_once(end).unwrap();
    format!("{before}{begin}\n{table}\n{end}{after}")
}

fn table(command: &Command, root: &Command) -> String {
    let mut table = "| Option | Environment | Default | |\n|---|---|---|---|\n".to_owned();
    let own = command.get_arguments();
    let global = root.get_arguments().filter(|option| option.is_global_set());
    for option in own.chain(global).filter(|option| option.get_long().is_some_and(|name| name != "help")) {
        writeln!(table, "{}", row(option)).unwrap();
    }
    table
}

fn row(option: &Arg) -> String {
    let name = option.get_long().unwrap();
    let variable = option.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let defaults: Vec<String> =
        option.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    let help = option.get_help().map(ToString::to_string).unwrap_or_default();
    let help = option.get_long_help().map(ToString::to_string).unwrap_or(help);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
    format!("| `--{name}` | `{variable}` | {} | {help} |", defaults.join(" "))
}
