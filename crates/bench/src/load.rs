//! Calls made as fast as they are answered, for a bounded time.

use std::future::Future;
use std::time::{Duration, Instant};

use clap::Args;
use futures::future::try_join_all;

use crate::target::Target;

/// How a client puts load on its targets.
#[derive(Clone, Debug, Args)]
pub struct LoadOptions {
    /// What to measure, each as NAME=URL. The rounds take turns, so that a change of the machine's mood meets all.
    #[arg(long = "target", required = true)]
    pub targets: Vec<Target>,
    /// Rounds for each target.
    #[arg(long, default_value_t = 5)]
    pub rounds: u32,
    /// Length of a round in seconds.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// Calls of the one client that may be under way at a time.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub calls: u32,
}

impl LoadOptions {
    /// How long a round lasts: from 100 ms to a minute, whatever was asked for.
    pub fn round(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.1, 60.0))
    }

    /// The client in the words of the report.
    pub fn how(&self) -> String {
        match self.calls {
            1 => "Rust SDK, one call at a time".to_owned(),
            calls => format!("Rust SDK, {calls} calls at a time"),
        }
    }
}

/// Makes calls until `round` is over and those under way are answered. `call` gets the number of the call and tells how many
/// things it brought in; the answer is their sum and their number a second.
pub async fn drive<F, C>(callers: u32, round: Duration, call: F) -> anyhow::Result<(u64, f64)>
where
    F: Fn(u64) -> C,
    C: Future<Output = anyhow::Result<u64>>,
{
    let begin = Instant::now();
    let caller = |caller: u32| {
        let call = &call;
        async move {
            let mut accepted = 0;
            let mut number = u64::from(caller);
            while begin.elapsed() < round {
                accepted += call(number).await?;
                number += u64::from(callers);
            }
            anyhow::Ok(accepted)
        }
    };
    let accepted: u64 = try_join_all((0..callers).map(caller)).await?.into_iter().sum();
    Ok((accepted, accepted as f64 / begin.elapsed().as_secs_f64()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Mutex;

    use super::*;

    #[tokio::test]
    async fn every_call_has_a_number_of_its_own_and_counts() {
        let seen = Mutex::new(Vec::new());
        let call = |number| {
            seen.lock().unwrap().push(number);
            async move {
                tokio::task::yield_now().await;
                Ok(3)
            }
        };
        let (accepted, rate) = drive(4, Duration::from_millis(20), call).await.unwrap();
        let seen = seen.into_inner().unwrap();
        assert_eq!(accepted, 3 * seen.len() as u64);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), seen.len());
        assert!((0..4).all(|caller| seen.contains(&caller)));
        assert!(rate > 0.0 && rate <= accepted as f64 / 0.02);
    }

    #[tokio::test]
    async fn a_failed_call_ends_the_round() {
        let call = |_| async { Err(anyhow::anyhow!("refused")) };
        assert!(drive(2, Duration::from_secs(60), call).await.is_err());
    }
}
