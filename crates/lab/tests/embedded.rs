//! The lab that is built in.

use std::collections::BTreeSet;
use std::path::Path;

use lab::{
    COUNT_CODE, Engine, FLINK_CODE, FieldKind, HintTier, Lab, OUTPUT_CODE, PREPROCESS_CODE, SQL_CODE, Step, Variables,
    lint, render, render_inline,
};

fn variables() -> Variables {
    Variables::defaults("123456789012", "us-east-1", "http://127.0.0.1:4566")
}

/// The lab of each engine, with names for it.
fn labs() -> [(Lab, Variables); 3] {
    Engine::ALL.map(|engine| {
        let variables = Variables::defaults_for(engine, "123456789012", "us-east-1", "http://127.0.0.1:4566");
        (Lab::embedded_for(engine), variables)
    })
}

#[test]
fn it_lints_clean_and_is_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("content");
    let faults: Vec<String> = lint(&folder).iter().map(ToString::to_string).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(Lab::load(&folder).unwrap(), Lab::embedded());
    for engine in Engine::ALL {
        let lab = Lab::embedded_for(engine);
        assert_eq!(lab.engine, engine);
        assert_eq!(Lab::load_for(&folder, engine).unwrap(), lab);
    }
}

#[test]
fn it_has_the_seven_steps() {
    let [names, others @ ..] = labs().map(|(lab, _)| lab.steps.into_iter().map(|step| step.slug).collect::<Vec<_>>());
    assert!(others.iter().all(|other| *other == names), "{others:?}");
    let lab = Lab::embedded();
    let steps: Vec<(usize, &str)> = lab.steps.iter().map(|step| (step.number, step.slug.as_str())).collect();
    insta::assert_debug_snapshot!(steps, @r#"
    [
        (
            0,
            "connect",
        ),
        (
            1,
            "delivery-stream",
        ),
        (
            2,
            "ingest",
        ),
        (
            3,
            "preprocess",
        ),
        (
            4,
            "streaming-sql",
        ),
        (
            5,
            "results",
        ),
        (
            6,
            "clean-up",
        ),
    ]
    "#);
    assert_eq!(lab.step("ingest").unwrap().number, 2);
    assert!(lab.step("nowhere").is_none());
}

/// Other parts of Headwater know these names.
#[test]
fn checks_and_actions_keep_their_names() {
    let mut names = String::new();
    for (lab, _) in labs() {
        names.push_str(&format!("{}\n", lab.engine));
        for step in &lab.steps {
            for check in &step.checks {
                names.push_str(&format!("  check {}\n", check.name));
            }
            for action in &step.actions {
                let fields: Vec<&str> = action.fields.iter().map(|field| field.name.as_str()).collect();
                names.push_str(&format!("  action {} ({})\n", action.name, fields.join(", ")));
                assert_eq!(step.action(&action.name), Some(action));
            }
        }
    }
    insta::assert_snapshot!(names);
}

#[test]
fn a_learner_chooses_only_names_that_the_lab_uses() {
    for (lab, _) in labs() {
        let offered: Vec<&str> = lab.variables.iter().map(|variable| variable.name.as_str()).collect();
        let used: Vec<&str> = Variables::CHOSEN.into_iter().filter(|name| lab.engine.uses(name)).collect();
        assert_eq!(offered, used, "{}", lab.engine);
    }
}

/// Where the page makes nothing, it must not say so with a form.
#[test]
fn flink_has_no_forms() {
    let (lab, _) = &labs()[2];
    assert_eq!(lab.engine, Engine::Flink);
    assert!(lab.steps.iter().all(|step| step.actions.is_empty()));
}

#[test]
fn no_name_is_left_open_anywhere() {
    for (lab, variables) in labs() {
        lab.steps.iter().for_each(|step| no_name_is_left_open_in(step, &variables));
    }
}

fn no_name_is_left_open_in(step: &Step, variables: &Variables) {
    let mut texts = vec![
        render(&step.background, variables),
        render(&step.instructions_page, variables),
        render(&step.instructions_cli, variables),
        render_inline(&step.aim, variables),
    ];
    texts.extend(step.hints.iter().map(|hint| render(&hint.text, variables)));
    for question in &step.questions {
        texts.push(render_inline(&question.prompt, variables));
        for answer in &question.answers {
            texts.push(render_inline(&answer.text, variables));
            texts.push(render_inline(&answer.explanation, variables));
        }
    }
    for action in &step.actions {
        texts.push(render_inline(&action.description, variables));
        for field in &action.fields {
            texts.push(render_inline(&field.help, variables));
            let default = field.default_value(variables);
            assert!(!default.contains("{{"), "{}.{}: {default}", action.name, field.name);
        }
    }
    for program in [step.catch_up.script(variables), step.catch_up.terraform(variables)] {
        assert!(!program.contains("{{"), "{}: {program}", step.slug);
    }
    for text in texts {
        assert!(!text.as_str().contains("{{"), "{}: {}", step.slug, text.as_str());
        assert!(!text.as_str().contains("<script"), "{}", step.slug);
    }
}

#[test]
fn hints_come_mildest_first() {
    for step in labs().into_iter().flat_map(|(lab, _)| lab.steps) {
        let tiers: Vec<HintTier> = step.hints.iter().map(|hint| hint.tier).collect();
        assert_eq!(tiers, HintTier::ALL, "{}", step.slug);
    }
}

/// A page offers a copy button for each, so that ids must not repeat.
#[test]
fn code_blocks_have_ids_of_their_own() {
    for (lab, variables) in labs() {
        let mut ids = BTreeSet::new();
        for step in &lab.steps {
            for text in [&step.background, &step.instructions_page, &step.instructions_cli] {
                let html = render(text, &variables).into_string();
                for rest in html.split("<pre id=\"").skip(1) {
                    let id = rest.split('"').next().unwrap().to_owned();
                    assert!(ids.insert(id.clone()), "{id} is used twice");
                }
            }
        }
        assert!(ids.contains("code-delivery-stream-cli-1"), "{ids:?}");
    }
}

/// What is pasted is what is read: the shell text of the page, unescaped, is
/// the text that tests run.
#[test]
fn cli_blocks_are_the_text_of_the_page() {
    for (lab, variables) in labs() {
        for step in &lab.steps {
            let html = render(&step.instructions_cli, &variables).into_string();
            let shown: Vec<String> = html
                .split("<code class=\"language-bash\">")
                .skip(1)
                .map(|rest| {
                    let code = rest.split("</code>").next().unwrap();
                    code.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
                })
                .collect();
            assert_eq!(shown, step.cli_blocks(&variables), "{}", step.slug);
            assert!(!shown.is_empty());
        }
    }
}

#[test]
fn the_code_is_given_with_the_learners_names() {
    let lab = Lab::embedded();
    let mut variables = variables();
    variables.set("window_seconds", "120").unwrap();
    let sql = lab.file(SQL_CODE, &variables).unwrap();
    assert!(sql.contains("INTERVAL '120' SECOND(3)"));
    assert!(!sql.contains("{{") && !sql.contains("'60'"), "{sql}");
    assert!(lab.file(PREPROCESS_CODE, &variables).unwrap().contains("def handler(event, context):"));
    assert!(lab.file(OUTPUT_CODE, &variables).unwrap().contains("def handler(event, context):"));
    assert_eq!(lab.file("lab.toml", &variables), None);
    let flink = Lab::embedded_for(Engine::Flink).file(SQL_CODE, &variables).unwrap();
    assert!(flink.contains("TABLE(TUMBLE(") && flink.contains("INTERVAL '120' SECOND(3)"), "{flink}");
    for (lab, _) in labs() {
        assert_eq!(lab.file(FLINK_CODE, &variables).is_some(), lab.engine == Engine::Flink);
    }
}

#[test]
fn the_forms_open_with_the_whole_code() {
    for (engine, step, action, file) in [
        (Engine::SqlApplication, "preprocess", "create-preprocess-function", PREPROCESS_CODE),
        (Engine::SqlApplication, "streaming-sql", "create-application", SQL_CODE),
        (Engine::SqlApplication, "results", "create-output-function", OUTPUT_CODE),
        (Engine::TumblingWindow, "preprocess", "create-preprocess-function", PREPROCESS_CODE),
        (Engine::TumblingWindow, "streaming-sql", "create-count-function", COUNT_CODE),
    ] {
        let lab = Lab::embedded_for(engine);
        let action = lab.step(step).unwrap().action(action).unwrap();
        let code = action.fields.iter().find(|field| matches!(field.kind, FieldKind::Code { .. })).unwrap();
        let file = lab.file(file, &variables()).unwrap();
        assert_eq!(code.default_value(&variables()).trim_end(), file.trim_end());
    }
}

#[test]
fn it_travels_as_json() {
    let lab = Lab::embedded();
    let json = serde_json::to_string(&lab).unwrap();
    assert_eq!(serde_json::from_str::<Lab>(&json).unwrap(), lab);
}
