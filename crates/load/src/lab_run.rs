//! Learners at once, doing the whole lab: one run for each number of them.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use futures::future::join_all;
use lab::Lab;
use tokio::time::Instant;

use crate::learner::Learner;
use crate::recorder::{Recorded, Recorder};
use crate::served::Served;
use crate::{limit, plan, report, usage};

/// How often the server and what it has started are looked at.
const WATCH: Duration = Duration::from_secs(1);

/// What to run.
#[derive(Clone, Debug, Args)]
pub struct LabOptions {
    /// The program to serve with: a release build of `headwater`.
    #[arg(long)]
    pub headwater: PathBuf,
    /// Numbers of learners, each for a run of its own against a fresh server.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1_000])]
    pub learners: Vec<u32>,
    /// How long each learner stays, in minutes, in all runs or in one run after the other. Waiting for the lab itself comes
    /// on top. Left out, an hour with 1,000 learners, and with others as long as makes as many requests a second.
    #[arg(long, value_delimiter = ',')]
    pub minutes: Vec<f64>,
    /// Within how many minutes all of them come.
    #[arg(long, default_value_t = 1.0)]
    pub ramp: f64,
    /// The seed that all plans are drawn from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Processors that the server is bound to, as taskset takes them, such as 0,1.
    #[arg(long)]
    pub server_cores: Option<String>,
}

/// What came of one run.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub learners: u32,
    /// How long each learner stayed.
    pub minutes: f64,
    pub recorded: Recorded,
    /// How long it took, from the first learner's coming to the last one's going.
    pub lasted: Duration,
    /// Processor time, in seconds: of the server, of the functions it ran, of this generator, of the whole machine.
    pub server: f64,
    pub functions: f64,
    pub generator: f64,
    pub machine: f64,
    /// The most memory that the server used.
    pub memory: u64,
}

/// Runs all and prints the report. Exit status 1: something failed, or took longer than it may.
pub async fn run(options: LabOptions) -> anyhow::Result<ExitCode> {
    ensure!(options.minutes.iter().all(|minutes| *minutes > 0.0 && *minutes <= 600.0), "--minutes is from 0 to 600");
    let runs = runs(&options.learners, &options.minutes)?;
    ensure!(options.ramp >= 0.0 && options.ramp <= 600.0, "--ramp is from 0 to 600");
    usage::raise_open_files()?;
    eprintln!("load: the generator's own limit");
    let limit = limit::measure().await?;
    let lab = Arc::new(Lab::embedded());
    let mut outcomes = Vec::new();
    for (learners, minutes) in runs {
        eprintln!("load: {learners} learners, who stay for {minutes} minutes");
        outcomes.push(one(&options, learners, minutes, Arc::clone(&lab)).await?);
    }
    print!("{}", report::lab(&options, &outcomes, limit));
    let kept = outcomes.iter().all(report::keeps_bounds);
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Each number of learners with the minutes that they stay.
fn runs(learners: &[u32], minutes: &[f64]) -> anyhow::Result<Vec<(u32, f64)>> {
    if minutes.is_empty() {
        return Ok(learners.iter().map(|learners| (*learners, f64::from(*learners) * 60.0 / 1000.0)).collect());
    }
    if let [minutes] = minutes {
        return Ok(learners.iter().map(|learners| (*learners, *minutes)).collect());
    }
    ensure!(
        learners.len() == minutes.len(),
        "--minutes has {} numbers and --learners {}: give one number of minutes for all, or one for each",
        minutes.len(),
        learners.len()
    );
    Ok(learners.iter().copied().zip(minutes.iter().copied()).collect())
}

async fn one(options: &LabOptions, learners: u32, minutes: f64, lab: Arc<Lab>) -> anyhow::Result<Outcome> {
    let mut served = Served::start(&options.headwater, options.server_cores.as_deref(), learners, None).await?;
    let length = |minutes: f64| Duration::from_secs_f64(minutes * 60.0);
    let plans = plan::class(&lab, learners, length(options.ramp), length(minutes), options.seed);
    let recorder = Arc::new(Recorder::default());
    let (us, beginning) = (std::process::id(), Instant::now() + Duration::from_millis(500));
    let (server_before, we_before, machine_before) = (usage::of(served.process)?, usage::of(us)?, usage::machine()?);
    let working: Vec<_> = plans
        .into_iter()
        .map(|plan| {
            let learner = Learner::new(&served.pages, Arc::clone(&lab), Arc::clone(&recorder));
            tokio::spawn(learner.work(plan, beginning))
        })
        .collect();
    let mut all = std::pin::pin!(join_all(working));
    let mut watch = tokio::time::interval(WATCH);
    let (mut memory, mut functions) = (0, usage::Descendants::default());
    loop {
        tokio::select! {
            ended = &mut all => {
                ensure!(ended.iter().all(Result::is_ok), "a learner's task broke off");
                break;
            }
            _ = watch.tick() => {
                ensure!(served.runs(), "the server ended while learners were at work");
                memory = memory.max(usage::of(served.process)?.memory);
                functions.look(served.process)?;
            }
        }
    }
    let lasted = beginning.elapsed();
    let (server, we, machine) = (usage::of(served.process)?, usage::of(us)?, usage::machine()?);
    let outcome = Outcome {
        learners,
        minutes,
        recorded: recorder.so_far(),
        lasted,
        server: server.time - server_before.time,
        functions: functions.time(),
        generator: we.time - we_before.time,
        machine: machine - machine_before,
        memory,
    };
    served.stop().await?;
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_for_all_runs_or_for_each() {
        assert_eq!(runs(&[100, 1_000], &[]).unwrap(), [(100, 6.0), (1_000, 60.0)]);
        assert_eq!(runs(&[100, 1_000], &[9.0]).unwrap(), [(100, 9.0), (1_000, 9.0)]);
        assert_eq!(runs(&[100, 1_000], &[6.0, 60.0]).unwrap(), [(100, 6.0), (1_000, 60.0)]);
        assert!(runs(&[100], &[6.0, 60.0]).is_err());
    }
}
