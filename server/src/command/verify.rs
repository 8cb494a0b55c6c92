//! `headwater verify`

mod report;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use checks::{CheckResult, Clients, Consent, Step, Subject, VerdictKind, caller_identity, run_step};
use clap::{Args, ValueEnum};
use lab::Variables;
use time::OffsetDateTime;

use crate::checking;
use crate::connect::http_client_of;

use self::report::Report;

/// How long a step that is settling is left alone before it is looked at again.
const PAUSE: Duration = Duration::from_secs(5);

/// What to verify, where, and how to tell it.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// Step to verify, by its name or number, such as `delivery-stream` or `1`; may be given several times. All steps but
    /// the clean-up if left out: a lab that is cleaned up has nothing else to show.
    #[arg(long = "step", value_name = "STEP", value_parser = parse_step)]
    steps: Vec<Step>,
    /// What counts the clicks: `sql-application` (in the sandbox only), `tumbling-window` or `flink`.
    #[arg(long, default_value = "tumbling-window")]
    engine: lab::Engine,
    /// Profile of the shared AWS configuration files; the default credential chain if left out.
    #[arg(long, env = "AWS_PROFILE")]
    profile: Option<String>,
    /// Region that the lab runs in; the profile's or the environment's if left out.
    #[arg(long)]
    region: Option<String>,
    /// Endpoint in place of AWS, such as a sandbox's `http://127.0.0.1:4566`.
    #[arg(long, env = "AWS_ENDPOINT_URL")]
    endpoint_url: Option<String>,
    /// Account that the credentials must belong to, twelve digits.
    #[arg(long)]
    account: Option<String>,
    /// A name of the learner's own, such as `table=Counts`; may be given several times.
    #[arg(long = "name", value_name = "NAME=VALUE")]
    names: Vec<String>,
    /// Also run the checks that invoke the learner's functions with trial events. They may cost a little, and write a trial
    /// item to the table.
    #[arg(long)]
    invoke: bool,
    /// Look again for up to so many seconds while something is settling: being created, or buffered.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
    /// How the result is written to standard output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines to read.
    Text,
    /// One JSON object.
    Json,
    /// JUnit XML, as CI systems read it.
    Junit,
}

/// How it went, worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// At least one check found that something is missing or wrong.
    NotPassed,
    /// At least one check could not tell.
    CouldNotTell,
    /// Every check passed.
    Passed,
}

impl Outcome {
    /// What all these results together say.
    pub fn of<'a>(results: impl IntoIterator<Item = &'a CheckResult>) -> Self {
        results.into_iter().map(|result| Self::of_one(result.verdict.kind())).min().unwrap_or(Self::CouldNotTell)
    }

    fn of_one(kind: VerdictKind) -> Self {
        match kind {
            VerdictKind::Pass => Self::Passed,
            VerdictKind::NotYet | VerdictKind::Wrong | VerdictKind::Elsewhere => Self::NotPassed,
            VerdictKind::NoPermission | VerdictKind::Settling | VerdictKind::ServiceFault => Self::CouldNotTell,
        }
    }

    /// 0 pass, 1 not passed, 2 could not tell.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::NotPassed => 1,
            Self::CouldNotTell => 2,
        }
    }
}

/// Verifies and prints. The exit status tells the outcome; what keeps it from looking at all ends with 2, too.
pub async fn run(options: VerifyOptions) -> ExitCode {
    match verify(&options).await {
        Ok(report) => {
            print!("{}", report.written(options.format));
            ExitCode::from(report.outcome().exit_code())
        }
        Err(error) => {
            eprintln!("headwater verify: {error:#}");
            ExitCode::from(Outcome::CouldNotTell.exit_code())
        }
    }
}

async fn verify(options: &VerifyOptions) -> anyhow::Result<Report> {
    let config = sdk_config(options).await?;
    let region = config.region().map(ToString::to_string).context("no region is set: give one with --region")?;
    let identity = caller_identity(&config).await.context("AWS does not tell whose credentials these are")?;
    if let Some(expected) = &options.account
        && *expected != identity.account
    {
        bail!("these credentials belong to account {}, not to {expected}", identity.account);
    }
    let subject = subject(options, &identity.account, &region)?;
    let other_regions = checks::enabled_regions(&config).await;
    let clients = Clients::new(&config, other_regions);
    let consent = if options.invoke { Consent::Invoke } else { Consent::No };
    let started = OffsetDateTime::now_utc();
    let mut results = Vec::new();
    let mut needs_invoke = Vec::new();
    for step in steps(options) {
        for result in look(step, &clients, &subject, consent, options.wait).await {
            if !options.invoke && result.name.needs_consent() {
                needs_invoke.push(result.name);
            } else {
                results.push(result);
            }
        }
    }
    Ok(Report { subject, started, results, needs_invoke })
}

/// Looks at a step, again and again while something is settling and there is time.
async fn look(step: Step, clients: &Clients, subject: &Subject, consent: Consent, wait: u64) -> Vec<CheckResult> {
    let end = tokio::time::Instant::now() + Duration::from_secs(wait);
    loop {
        let results = run_step(step, clients, subject, consent, OffsetDateTime::now_utc()).await;
        let settling = results.iter().any(|result| result.verdict.kind() == VerdictKind::Settling);
        if !settling || tokio::time::Instant::now() + PAUSE > end {
            return results;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn sdk_config(options: &VerifyOptions) -> anyhow::Result<SdkConfig> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = &options.region {
        loader = loader.region(Region::new(region.clone()));
    }
    if let Some(endpoint) = &options.endpoint_url {
        let _: hyper::Uri = endpoint.parse().with_context(|| format!("{endpoint} is not an address"))?;
        loader = loader.endpoint_url(endpoint);
        if let Some(client) = http_client_of(endpoint) {
            loader = loader.http_client(client);
        }
    }
    Ok(loader.load().await)
}

fn subject(options: &VerifyOptions, account: &str, region: &str) -> anyhow::Result<Subject> {
    let endpoint = options.endpoint_url.as_deref().unwrap_or_default();
    let mut variables = Variables::defaults_for(options.engine, account, region, endpoint);
    for setting in &options.names {
        let (name, value) = setting.split_once('=').with_context(|| format!("--name {setting:?} is not NAME=VALUE"))?;
        variables.set(name, value).map_err(|error| {
            let known = Variables::CHOSEN.join(", ");
            anyhow::anyhow!("--name {setting:?}: {} Names to choose are {known}.", error.message)
        })?;
    }
    Ok(checking::names(&variables))
}

fn steps(options: &VerifyOptions) -> Vec<Step> {
    if options.steps.is_empty() {
        return Step::ALL.into_iter().filter(|step| *step != Step::CleanUp).collect();
    }
    // In the lab's order and once each, however they were given.
    Step::ALL.into_iter().filter(|step| options.steps.contains(step)).collect()
}

fn parse_step(text: &str) -> Result<Step, String> {
    let by_number = text.parse::<usize>().ok().and_then(|number| Step::ALL.get(number).copied());
    by_number.or_else(|| text.parse().ok()).ok_or_else(|| {
        let known: Vec<&str> = Step::ALL.iter().map(|step| step.slug()).collect();
        format!("the steps are {}, or their numbers from 0", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_goes_by_name_or_number() {
        assert_eq!(parse_step("1"), Ok(Step::DeliveryStream));
        assert_eq!(parse_step("clean-up"), Ok(Step::CleanUp));
        assert!(parse_step("7").unwrap_err().contains("delivery-stream"));
    }

    #[test]
    fn the_worst_verdict_decides() {
        use VerdictKind::{NoPermission, NotYet, Pass, ServiceFault, Settling, Wrong};
        let outcome =
            |kinds: &[VerdictKind]| kinds.iter().map(|kind| Outcome::of_one(*kind)).min().unwrap().exit_code();
        assert_eq!(outcome(&[Pass, Pass]), 0);
        assert_eq!(outcome(&[Pass, NoPermission]), 2);
        assert_eq!(outcome(&[Settling, ServiceFault]), 2);
        assert_eq!(outcome(&[Wrong, NoPermission]), 1);
        assert_eq!(outcome(&[NotYet]), 1);
        assert_eq!(Outcome::of([]), Outcome::CouldNotTell, "no result is no pass");
    }
}
