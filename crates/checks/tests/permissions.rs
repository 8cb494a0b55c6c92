//! `docs/permissions.md` is written from the table of calls: `UPDATE_DOCS=1 cargo test -p checks --test permissions`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeMap, fmt::Write, path::Path};

use checks::{
    CheckName, Engine, Subject,
    api_calls::{self, Access, ApiCall, Resource},
    policy,
};

const INTRODUCTION: &str = "\
# Permissions

Every AWS call that Headwater makes in a learner's account, what it is for, and the IAM action that allows it. The guard \
inside each SDK client refuses any other call before it is sent.

This page is written from the table in `crates/checks/src/api_calls/table.rs`. Do not edit it: change the table, then run \
`UPDATE_DOCS=1 cargo test -p checks --test permissions`.

What Headwater makes for a learner in the sandbox, by the buttons of the page, is not in it: in an AWS account the learner \
makes everything.
";

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (access, title, text) in [
        (Access::Read, "Calls that read", "They change nothing."),
        (
            Access::ConsentedInvoke,
            "Calls that run the learner's code",
            "They are made when the learner presses the button that says so, and never again by themselves.",
        ),
        (
            Access::DemoSend,
            "Calls that send",
            "They are made when the learner sends demo clicks or a file, and by nothing else.",
        ),
    ] {
        write!(page, "\n## {title}\n\n{text}\n\n").unwrap();
        page.push_str("| Call | IAM action | On | Engines | What for | Used by |\n|---|---|---|---|---|---|\n");
        for call in api_calls::ALL.into_iter().filter(|call| call.access == access) {
            writeln!(page, "{}", row(call)).unwrap();
        }
    }
    page.push_str("\n## The policies\n\n");
    page.push_str("What `checks::policy` makes of the lab's own names. A session policy may have 2,048 characters.\n");
    for engine in Engine::ALL {
        let policy = policy(&Subject::new_for(engine, "111122223333", "us-east-1")).unwrap();
        let characters = policy.chars().count();
        let policy: serde_json::Value = serde_json::from_str(&policy).unwrap();
        let pretty = serde_json::to_string_pretty(&policy).unwrap();
        write!(page, "\n### `{engine}`\n\n{characters} characters without the spaces.\n\n```json\n{pretty}\n```\n")
            .unwrap();
    }
    page
}

fn row(call: &ApiCall) -> String {
    let action =
        if call.resource == Resource::Nothing { "none needed".to_owned() } else { format!("`{}`", call.action) };
    let region = if call.in_other_regions { ", any region" } else { "" };
    let engines = if call.engines.len() == Engine::ALL.len() {
        "all".to_owned()
    } else {
        call.engines.iter().map(|engine| engine.slug()).collect::<Vec<_>>().join(", ")
    };
    format!("| `{call}` | {action} | {}{region} | {engines} | {} | {} |", call.resource.title(), call.why, users(call))
}

/// The checks, by step, and the other parts.
fn users(call: &ApiCall) -> String {
    let mut by_step: BTreeMap<checks::Step, Vec<&str>> = BTreeMap::new();
    for check in call.checks {
        by_step.entry(check.step()).or_default().push(short(*check));
    }
    let steps = by_step.into_iter().map(|(step, checks)| match checks.as_slice() {
        [check] => format!("`{step}.{check}`"),
        checks => format!("`{step}.{{{}}}`", checks.join(",")),
    });
    steps.chain(call.parts.iter().map(|part| part.title().to_owned())).collect::<Vec<_>>().join(", ")
}

fn short(check: CheckName) -> &'static str {
    check.as_str().split_once('.').map_or(check.as_str(), |(_, short)| short)
}

#[test]
fn the_page_of_permissions_is_that_of_the_table() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/permissions.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page,
        "docs/permissions.md is not up to date: run UPDATE_DOCS=1 cargo test -p checks --test permissions"
    );
}

#[test]
fn each_call_has_a_user_and_the_engines_of_its_checks() {
    for call in api_calls::ALL {
        assert!(!call.checks.is_empty() || !call.parts.is_empty(), "{call} is used by nothing");
        assert!(call.why.ends_with('.'), "{call}");
        for check in call.checks {
            let common = check.engines().iter().any(|engine| call.engines.contains(engine));
            assert!(common, "{check} uses {call}, and no engine has both");
        }
        for engine in call.engines.iter().filter(|_| call.parts.is_empty()) {
            let is_used = call.checks.iter().any(|check| check.engines().contains(engine));
            assert!(is_used, "{call} is made with {engine} by no check");
        }
    }
}

#[test]
fn no_call_stands_twice() {
    let mut names: Vec<String> = api_calls::ALL.iter().map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), api_calls::ALL.len());
}

/// A client that is made past `clients.rs` would have no guard.
#[test]
fn every_client_of_this_crate_is_guarded() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let program = text.split("#[cfg(test)]").next().unwrap();
            let program: String = program.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let made = program.matches("::Client::new(").count() + program.matches("Client::from_conf(").count();
            let guarded = program.matches("interceptor(Guard::of(").count();
            assert_eq!(made, guarded, "the SDK clients made in {}, and those with a guard", path.display());
        }
    }
}
