//! Doing a step for the learner.

use std::collections::BTreeMap;
use std::time::Duration;

use app::model::Performed;
use lab::{Engine, Lab, Variables};
use secrecy::ExposeSecret as _;

use super::world::World;
use crate::actions::{self, Workbench};
use crate::catch_up::{is_passing, planned_by};

/// The calls of each action in an account that has what the earlier ones made, against what the page says beforehand.
#[tokio::test]
async fn the_calls_that_are_shown_are_the_calls_that_are_made() {
    let world = World::start().await;
    let sandbox = world.headwater.sandbox();
    for engine in [Engine::SqlApplication, Engine::TumblingWindow] {
        let account = sandbox.new_account().await.unwrap();
        let key = sandbox.create_access_key(&account).await.unwrap();
        let sdk = world.sdk(&key.id, key.secret.expose_secret());
        let lab = Lab::embedded_for(engine);
        let variables = Variables::defaults_for(engine, account.as_str(), "us-east-1", &world.endpoint);
        let mut workbench = Workbench::new(&sdk, &lab, variables.clone());
        for step in &lab.steps {
            for action in step.actions.iter().filter(|action| action.name != "stop-application") {
                let fields: BTreeMap<String, String> =
                    action.fields.iter().map(|field| (field.name.clone(), field.default_value(&variables))).collect();
                let performed = loop {
                    match actions::run(&mut workbench, &action.name, &fields).await {
                        Ok(performed) => break performed,
                        // The calls of a refused attempt are noted as well: begin again without them.
                        Err(error) if is_passing(&error.to_string()) => drop(workbench.take_calls()),
                        Err(error) => panic!("{}: {error}", action.name),
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                };
                let Performed { calls, .. } = performed;
                let shown: Vec<&str> = planned_by(&action.name, &variables).into_iter().map(|(call, _)| call).collect();
                // An empty bucket needs no deletion of objects, and is listed once.
                let shown: Vec<&str> = match action.name.as_str() {
                    "delete-bucket" => vec![shown[0], shown[3]],
                    _ => shown,
                };
                assert_eq!(calls, shown, "{}", action.name);
            }
        }
    }
}
