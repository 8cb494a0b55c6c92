//! Asynchronous invocations (`InvocationType: Event`): kept until they are done, and tried again when they fail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;

use super::errors::too_many_requests;
use super::invoke::Request;
use super::store::{self, Function};
use super::{Inner, Lambda, limits, report};
use crate::fair_share::{FairShare, Share};
use crate::{AccountId, AwsError, Scope};

/// Waits before the second and the third attempt, as AWS.
const RETRY_AFTER_MS: [i64; 2] = [60_000, 120_000];
/// How long an event is tried, as AWS.
const MAX_AGE_MS: i64 = 6 * 3600 * 1000;
/// Wait after an attempt that did not reach the function.
const BUSY_AFTER_MS: i64 = 1000;
/// Events under way at a time, those of all accounts together. Each holds its payload in memory.
const MOST_UNDER_WAY: usize = 4 * limits::MAX_AT_WORK;
/// Longest time until the queue is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Tells the task that runs events that there is something to do, and which events are under way.
pub(super) struct Events {
    changed: Notify,
    /// What is left of [`MOST_UNDER_WAY`]. An account's own events wait at the number that it may run at a time.
    places: FairShare,
    under_way: Mutex<HashMap<i64, Share>>,
}

/// An event without its id.
type Row = (String, String, String, String, Vec<u8>, i64, i64);

impl Default for Events {
    fn default() -> Self {
        Self {
            changed: Notify::new(),
            places: FairShare::new(MOST_UNDER_WAY, limits::MAX_CONCURRENT),
            under_way: Mutex::default(),
        }
    }
}

impl Events {
    /// Notes as under way, of these events in their order, what can begin now, and tells which. An account whose events fill
    /// its share is passed over, so that no other account waits for it.
    fn begin(&self, due: &[(i64, AccountId)]) -> Vec<i64> {
        let mut under_way = self.under_way();
        let mut begun = Vec::new();
        for (id, account) in due {
            let mut place = self.places.share(account);
            if !under_way.contains_key(id) && place.grow(1) {
                under_way.insert(*id, place);
                begun.push(*id);
            }
        }
        begun
    }

    /// Notes that an event is no longer under way.
    fn end(&self, id: i64) {
        self.under_way().remove(&id);
        self.changed.notify_one();
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<i64, Share>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lambda {
    /// Keeps an event. Once this returns, the event survives whatever happens to the process.
    pub(super) async fn accept_event(&self, function: &Function, request: Request) -> Result<(), AwsError> {
        let now = report::now_ms();
        let mut transaction = self.inner.database.write().await?;
        let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM lambda_event WHERE account_id = ?")
            .bind(function.scope.account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if waiting >= limits::MAX_WAITING_EVENTS {
            return Err(too_many_requests("Too many asynchronous invocations are waiting."));
        }
        sqlx::query(
            "INSERT INTO lambda_event
                 (account_id, region, function_name, request_id, payload, attempts, accepted_ms, due_ms)
             VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
        )
        .bind(function.scope.account.as_str())
        .bind(function.scope.region.as_str())
        .bind(&function.name)
        .bind(&request.request_id)
        .bind(request.payload.as_ref())
        .bind(now)
        .bind(now)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.inner.events.changed.notify_one();
        Ok(())
    }

    /// Runs events as they become due, until the last handle to the service is gone.
    pub(super) async fn run_events(inner: Weak<Inner>) {
        loop {
            let Some(strong) = inner.upgrade() else { return };
            let lambda = Self { inner: strong };
            let wait = match lambda.start_due_events().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "asynchronous invocations wait");
                    LOOK_AGAIN
                }
            };
            let events = Arc::clone(&lambda.inner.events);
            drop(lambda);
            let _ = tokio::time::timeout(wait, events.changed.notified()).await;
        }
    }

    /// Starts what is due and tells how long to wait for more.
    async fn start_due_events(&self) -> Result<Duration, AwsError> {
        let now = report::now_ms();
        // Without the payloads, which are read when an event begins. Those under way are among them.
        let rows: Vec<(i64, String)> =
            sqlx::query_as("SELECT event_id, account_id FROM lambda_event WHERE due_ms <= ? ORDER BY due_ms, event_id")
                .bind(now)
                .fetch_all(self.inner.database.read())
                .await?;
        let due: Vec<(i64, AccountId)> = rows
            .into_iter()
            .map(|(id, account)| Ok((id, account.parse().map_err(AwsError::internal)?)))
            .collect::<Result<_, AwsError>>()?;
        for id in self.inner.events.begin(&due) {
            let lambda = self.clone();
            tokio::spawn(async move {
                if let Err(error) = lambda.run_event(id).await {
                    tracing::warn!(%error, "an asynchronous invocation could not be settled");
                }
                lambda.inner.events.end(id);
            });
        }
        let next: Option<i64> = sqlx::query_scalar("SELECT MIN(due_ms) FROM lambda_event WHERE due_ms > ?")
            .bind(now)
            .fetch_one(self.inner.database.read())
            .await?;
        let wait = next.map_or(LOOK_AGAIN, |due| Duration::from_millis((due - now).unsigned_abs()));
        Ok(wait.min(LOOK_AGAIN))
    }

    async fn run_event(&self, id: i64) -> Result<(), AwsError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT account_id, region, function_name, request_id, payload, attempts, accepted_ms
             FROM lambda_event WHERE event_id = ?",
        )
        .bind(id)
        .fetch_optional(self.inner.database.read())
        .await?;
        // Its function was deleted meanwhile, and the event with it.
        let Some((account, region, name, request_id, payload, attempts, accepted_ms)) = row else { return Ok(()) };
        let scope = Scope {
            account: account.parse().map_err(AwsError::internal)?,
            region: region.parse().map_err(AwsError::internal)?,
        };
        let Some(function) = store::find(&self.inner.database, &scope, &name).await? else {
            return self.settle(id, None).await;
        };
        let request = Request { request_id, payload: Bytes::from(payload), client_context: None };
        let retry = match self.run(&function, request).await {
            Ok(invocation) if invocation.function_error.is_none() => None,
            Ok(_) => {
                let wait = usize::try_from(attempts).ok().and_then(|attempts| RETRY_AFTER_MS.get(attempts));
                wait.map(|wait| (attempts + 1, *wait))
            }
            Err(error) if error.status == 404 => None,
            Err(_) => Some((attempts, BUSY_AFTER_MS)),
        };
        let now = report::now_ms();
        let retry = retry.filter(|(_, wait)| now + wait - accepted_ms < MAX_AGE_MS);
        self.settle(id, retry.map(|(attempts, wait)| (attempts, now + wait))).await
    }

    /// Forgets an event, or notes its attempts and when it is due again.
    async fn settle(&self, id: i64, again: Option<(i64, i64)>) -> Result<(), AwsError> {
        let mut transaction = self.inner.database.write().await?;
        match again {
            None => sqlx::query("DELETE FROM lambda_event WHERE event_id = ?").bind(id),
            Some((attempts, due_ms)) => {
                sqlx::query("UPDATE lambda_event SET attempts = ?, due_ms = ? WHERE event_id = ?")
                    .bind(attempts)
                    .bind(due_ms)
                    .bind(id)
            }
        }
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_events_of_some_accounts_do_not_hold_up_another() {
        let events = Events::default();
        let account = |number: i64| -> AccountId { format!("{number:012}").parse().unwrap() };
        // A hundred events each of three accounts, all before the one of the fourth.
        let mut due: Vec<(i64, AccountId)> = (0..300).map(|id| (id, account(id / 100))).collect();
        due.push((300, account(3)));
        let begun = events.begin(&due);
        assert!(begun.contains(&300), "{begun:?}");
        assert_eq!(begun.len(), 3 * limits::MAX_CONCURRENT + 1);
        assert!(events.begin(&due).is_empty());
        events.end(begun[0]);
        let next = events.begin(&due[1..]);
        assert_eq!(next, [limits::MAX_CONCURRENT as i64]);
    }
}
