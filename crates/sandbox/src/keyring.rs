//! Access keys and temporary credentials. No secret is stored: each is derived from the sandbox's master key.
//!
//! - The secret of an access key is an HMAC of its id under the master key, so that the database holds ids only.
//! - A session token is a signed statement of who the session is and when it ends, so that sessions need no storage.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use time::OffsetDateTime;

use crate::master_key::MasterKey;
use crate::{AccessKey, AccountId, AwsError, Database, Principal};

/// The name of the IAM user that a learner's own access keys belong to.
const LEARNER_USER: &str = "learner";
/// The name of the IAM user that this server itself acts as in a learner's account.
const SERVICE_USER: &str = "headwater";
/// How many long-lived access keys an account may have, as AWS allows an IAM user.
const MAX_ACCESS_KEYS: usize = 2;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Mints credentials and tells whose a presented access key is. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Keyring {
    master: MasterKey,
    database: Database,
    /// The long-lived keys by id: every signed request looks here, so it is kept in memory beside the database.
    known: Arc<RwLock<HashMap<String, KeyOwner>>>,
}

#[derive(Clone)]
struct KeyOwner {
    account: AccountId,
    user: &'static str,
}

/// What a long-lived access key's owner may know of it after it was minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyMetadata {
    pub id: String,
    pub created: OffsetDateTime,
}

/// Temporary credentials for an assumed role, as STS `AssumeRole` answers them.
#[derive(Clone, Debug)]
pub(crate) struct SessionCredentials {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: SecretString,
    pub expiration: OffsetDateTime,
}

/// Whom a session acts as.
pub(crate) struct RoleSession<'a> {
    pub account: &'a AccountId,
    /// The role's name without path.
    pub role: &'a str,
    /// The role's unique id, `AROA...`.
    pub role_id: &'a str,
    pub session_name: &'a str,
    /// A policy that narrows what the session may do.
    pub policy: Option<&'a str>,
}

/// Whose key was presented. The signature is still to be verified, with `secret`.
pub(crate) struct KnownKey {
    pub account: AccountId,
    pub principal: Principal,
    pub secret: SecretString,
    /// The policy that the session was given.
    pub session_policy: Option<String>,
}

/// Why a presented access key or session token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyRefused {
    UnknownAccessKey,
    InvalidSessionToken,
    ExpiredSessionToken,
}

/// What a session token states, under the master key's signature.
#[derive(Serialize, Deserialize)]
struct SessionStatement {
    access_key_id: String,
    account: String,
    role: String,
    role_id: String,
    session: String,
    /// Seconds since 1970.
    expires: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
}

impl Keyring {
    /// Reads the known access keys.
    pub(crate) async fn open(database: Database, master: MasterKey) -> Result<Self, AwsError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT access_key_id, account_id FROM access_key").fetch_all(database.read()).await?;
        let mut known = HashMap::with_capacity(rows.len());
        for (id, account) in rows {
            let account = account.parse().map_err(AwsError::internal)?;
            known.insert(id, KeyOwner { account, user: LEARNER_USER });
        }
        Ok(Self { master, database, known: Arc::new(RwLock::new(known)) })
    }

    /// How many accounts there are.
    pub(crate) async fn count_accounts(&self) -> Result<u32, AwsError> {
        Ok(sqlx::query_scalar("SELECT COUNT(*) FROM account").fetch_one(self.database.read()).await?)
    }

    /// Makes an account without keys.
    pub(crate) async fn new_account(&self) -> Result<AccountId, AwsError> {
        loop {
            // The first digit is never zero, since spreadsheets and YAML readers drop it.
            let digits = rand::rng().random_range(100_000_000_000_u64..1_000_000_000_000).to_string();
            let mut transaction = self.database.write().await?;
            let made = sqlx::query("INSERT INTO account (account_id, created_ms) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(&digits)
                .bind(now_ms())
                .execute(&mut *transaction)
                .await?
                .rows_affected();
            transaction.commit().await?;
            if made == 1 {
                return digits.parse().map_err(AwsError::internal);
            }
        }
    }

    /// Mints a long-lived key. `NoSuchEntity` if there is no such account, `LimitExceeded` if it has two keys already.
    pub(crate) async fn create_access_key(&self, account: &AccountId) -> Result<AccessKey, AwsError> {
        let mut transaction = self.database.write().await?;
        let accounts: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if accounts == 0 {
            return Err(
                AwsError::client("NoSuchEntity", format!("The account {account} does not exist.")).with_status(404)
            );
        }
        let keys: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM access_key WHERE account_id = ?")
            .bind(account.as_str())
            .fetch_one(&mut *transaction)
            .await?;
        if keys >= MAX_ACCESS_KEYS as i64 {
            return Err(AwsError::client(
                "LimitExceeded",
                format!("Cannot exceed quota for AccessKeysPerUser: {MAX_ACCESS_KEYS}"),
            )
            .with_status(409));
        }
        let id = random_id("AKIA", 16);
        sqlx::query("INSERT INTO access_key (access_key_id, account_id, created_ms) VALUES (?, ?, ?)")
            .bind(&id)
            .bind(account.as_str())
            .bind(now_ms())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        self.remember(&id, account, LEARNER_USER);
        Ok(AccessKey { secret: self.secret_of(&id), id })
    }

    /// Revokes a long-lived key at once. `NoSuchEntity` if the account has no such key.
    pub(crate) async fn delete_access_key(&self, account: &AccountId, id: &str) -> Result<(), AwsError> {
        let mut transaction = self.database.write().await?;
        let deleted = sqlx::query("DELETE FROM access_key WHERE access_key_id = ? AND account_id = ?")
            .bind(id)
            .bind(account.as_str())
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        transaction.commit().await?;
        if deleted == 0 {
            return Err(AwsError::client("NoSuchEntity", format!("The Access Key with id {id} cannot be found."))
                .with_status(404));
        }
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }

    /// The long-lived keys of an account, the oldest first.
    pub(crate) async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKeyMetadata>, AwsError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT access_key_id, created_ms FROM access_key WHERE account_id = ? ORDER BY created_ms, access_key_id",
        )
        .bind(account.as_str())
        .fetch_all(self.database.read())
        .await?;
        rows.into_iter()
            .map(|(id, created_ms)| {
                let created = OffsetDateTime::from_unix_timestamp_nanos(i128::from(created_ms) * 1_000_000)
                    .map_err(AwsError::internal)?;
                Ok(AccessKeyMetadata { id, created })
            })
            .collect()
    }

    /// The key with which this server acts in a learner's account. It is derived from the account, known from the first
    /// call on, never stored and never counted among the learner's keys.
    pub(crate) fn service_credentials(&self, account: &AccountId) -> AccessKey {
        let id = format!("AKIA{}", self.derived_id("service access key", account.as_str(), 16));
        self.remember(&id, account, SERVICE_USER);
        AccessKey { secret: self.secret_of(&id), id }
    }

    /// Temporary credentials for a role. The caller has checked that the role may be assumed.
    pub(crate) fn session_credentials(
        &self,
        session: &RoleSession<'_>,
        duration: std::time::Duration,
    ) -> Result<SessionCredentials, AwsError> {
        let access_key_id = random_id("ASIA", 16);
        let expiration = OffsetDateTime::now_utc() + duration;
        let statement = SessionStatement {
            access_key_id: access_key_id.clone(),
            account: session.account.to_string(),
            role: session.role.to_owned(),
            role_id: session.role_id.to_owned(),
            session: session.session_name.to_owned(),
            expires: expiration.unix_timestamp(),
            policy: session.policy.map(str::to_owned),
        };
        let statement = serde_json::to_vec(&statement).map_err(AwsError::internal)?;
        let seal = self.hmac("session token", &statement).finalize().into_bytes();
        let session_token = format!("{}.{}", URL_SAFE_NO_PAD.encode(&statement), URL_SAFE_NO_PAD.encode(seal));
        Ok(SessionCredentials {
            secret_access_key: self.secret_of(&access_key_id),
            access_key_id,
            session_token: session_token.into(),
            expiration,
        })
    }

    /// Whose key this is, given the session token that came with it, if any.
    pub(crate) fn look_up(&self, access_key_id: &str, session_token: Option<&str>) -> Result<KnownKey, KeyRefused> {
        let Some(token) = session_token else {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let owner = known.get(access_key_id).ok_or(KeyRefused::UnknownAccessKey)?;
            let principal = Principal::User { name: owner.user.to_owned(), access_key_id: access_key_id.to_owned() };
            let secret = self.secret_of(access_key_id);
            return Ok(KnownKey { account: owner.account.clone(), principal, secret, session_policy: None });
        };
        let statement = self.read_token(token).ok_or(KeyRefused::InvalidSessionToken)?;
        if statement.access_key_id != access_key_id {
            return Err(KeyRefused::InvalidSessionToken);
        }
        if statement.expires <= OffsetDateTime::now_utc().unix_timestamp() {
            return Err(KeyRefused::ExpiredSessionToken);
        }
        let principal = Principal::AssumedRole {
            role: statement.role,
            role_id: statement.role_id,
            session: statement.session,
            access_key_id: statement.access_key_id,
        };
        let account = statement.account.parse().map_err(|_| KeyRefused::InvalidSessionToken)?;
        let secret = self.secret_of(access_key_id);
        Ok(KnownKey { account, principal, secret, session_policy: statement.policy })
    }

    /// The unique id of an account's own user, `AIDA...`.
    pub(crate) fn user_id(&self, account: &AccountId, user: &str) -> String {
        format!("AIDA{}", self.derived_id("user id", &format!("{account}/{user}"), 17))
    }

    /// The secret of an access key id, whether or not such a key was ever minted.
    pub(crate) fn secret_of(&self, access_key_id: &str) -> SecretString {
        let derived = self.hmac("secret access key", access_key_id.as_bytes()).finalize().into_bytes();
        // Thirty bytes are forty characters of base64, the length of an AWS secret.
        STANDARD.encode(&derived[..30]).into()
    }

    fn remember(&self, id: &str, account: &AccountId, user: &'static str) {
        let owner = KeyOwner { account: account.clone(), user };
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned(), owner);
    }

    fn read_token(&self, token: &str) -> Option<SessionStatement> {
        let (statement, seal) = token.split_once('.')?;
        let statement = URL_SAFE_NO_PAD.decode(statement).ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        self.hmac("session token", &statement).verify_slice(&seal).ok()?;
        serde_json::from_slice(&statement).ok()
    }

    fn derived_id(&self, purpose: &str, of: &str, length: usize) -> String {
        let derived = self.hmac(purpose, of.as_bytes()).finalize().into_bytes();
        derived.iter().take(length).map(|byte| char::from(BASE32[usize::from(byte & 31)])).collect()
    }

    /// The purpose keeps a value that is derived for one use from being valid for another.
    fn hmac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        let mut hmac = self.master.hmac();
        hmac.update(purpose.as_bytes());
        hmac.update(b"\0");
        hmac.update(message);
        hmac
    }
}

impl SessionCredentials {
    /// The environment variables by which AWS SDKs and CLIs take up these credentials.
    pub(crate) fn environment(&self) -> [(&'static str, &str); 3] {
        [
            ("AWS_ACCESS_KEY_ID", &self.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.expose_secret()),
            ("AWS_SESSION_TOKEN", self.session_token.expose_secret()),
        ]
    }
}

/// A unique id in the form of AWS: a prefix that tells the kind, then base32 characters.
pub(crate) fn random_id(prefix: &str, length: usize) -> String {
    let mut random = rand::rng();
    let mut id = prefix.to_owned();
    id.extend((0..length).map(|_| char::from(BASE32[random.random_range(0..BASE32.len())])));
    id
}

fn now_ms() -> i64 {
    (OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000) as i64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn keyring(folder: &tempfile::TempDir) -> Keyring {
        let database = Database::open(&folder.path().join("sandbox.sqlite3")).await.unwrap();
        Keyring::open(database, MasterKey::for_tests()).await.unwrap()
    }

    fn session<'a>(account: &'a AccountId) -> RoleSession<'a> {
        RoleSession { account, role: "Reader", role_id: "AROA", session_name: "test", policy: None }
    }

    #[tokio::test]
    async fn keys_have_the_form_of_aws_and_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder).await;
        let account = keys.new_account().await.unwrap();
        let key = keys.create_access_key(&account).await.unwrap();
        assert!(key.id.starts_with("AKIA") && key.id.len() == 20, "{}", key.id);
        assert_eq!(key.secret.expose_secret().len(), 40);

        let known = keyring(&folder).await.look_up(&key.id, None).unwrap();
        assert_eq!(known.account, account);
        assert_eq!(known.secret.expose_secret(), key.secret.expose_secret());
    }

    #[tokio::test]
    async fn an_account_has_two_keys_at_most_and_a_deleted_key_is_gone_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder).await;
        let account = keys.new_account().await.unwrap();
        let other = keys.new_account().await.unwrap();
        let first = keys.create_access_key(&account).await.unwrap();
        let second = keys.create_access_key(&account).await.unwrap();
        assert_eq!(keys.create_access_key(&account).await.unwrap_err().code, "LimitExceeded");
        let listed: Vec<String> = keys.access_keys(&account).await.unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(listed.len(), 2);
        assert!(listed.contains(&first.id) && listed.contains(&second.id));

        assert_eq!(keys.delete_access_key(&other, &first.id).await.unwrap_err().code, "NoSuchEntity");
        keys.delete_access_key(&account, &first.id).await.unwrap();
        assert_eq!(keys.look_up(&first.id, None).err(), Some(KeyRefused::UnknownAccessKey));
        assert!(keys.look_up(&second.id, None).is_ok());
        keys.create_access_key(&account).await.unwrap();

        let nobody = "000000000000".parse().unwrap();
        assert_eq!(keys.create_access_key(&nobody).await.unwrap_err().code, "NoSuchEntity");
    }

    #[tokio::test]
    async fn the_servers_own_key_is_not_one_of_the_learners() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder).await;
        let account = keys.new_account().await.unwrap();
        let own = keys.service_credentials(&account);
        assert_eq!(own.id, keys.service_credentials(&account).id);
        assert_eq!(keys.look_up(&own.id, None).unwrap().account, account);
        assert!(keys.access_keys(&account).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_session_token_counts_for_its_key_until_it_expires() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder).await;
        let account = keys.new_account().await.unwrap();
        let one = keys.session_credentials(&session(&account), Duration::from_secs(900)).unwrap();
        let two = keys.session_credentials(&session(&account), Duration::from_secs(900)).unwrap();
        let ended = keys.session_credentials(&session(&account), Duration::ZERO).unwrap();
        let look_up = |id: &str, token: &str| keys.look_up(id, Some(token)).map(|known| known.principal);

        let token = one.session_token.expose_secret();
        assert_eq!(
            look_up(&one.access_key_id, token),
            Ok(Principal::AssumedRole {
                role: "Reader".to_owned(),
                role_id: "AROA".to_owned(),
                session: "test".to_owned(),
                access_key_id: one.access_key_id.clone(),
            })
        );
        assert_eq!(look_up(&two.access_key_id, token), Err(KeyRefused::InvalidSessionToken));
        assert_eq!(keys.look_up(&one.access_key_id, None).err(), Some(KeyRefused::UnknownAccessKey));
        assert_eq!(
            look_up(&ended.access_key_id, ended.session_token.expose_secret()),
            Err(KeyRefused::ExpiredSessionToken)
        );
    }

    #[tokio::test]
    async fn a_session_token_cannot_be_altered() {
        let folder = tempfile::tempdir().unwrap();
        let keys = keyring(&folder).await;
        let account = keys.new_account().await.unwrap();
        let made = keys.session_credentials(&session(&account), Duration::from_secs(900)).unwrap();
        let (statement, seal) = made.session_token.expose_secret().split_once('.').unwrap();
        let forged = String::from_utf8(URL_SAFE_NO_PAD.decode(statement).unwrap()).unwrap();
        let forged = forged.replace(account.as_str(), "999999999999");
        for token in [format!("{}.{seal}", URL_SAFE_NO_PAD.encode(forged)), statement.to_owned(), "x.y".to_owned()] {
            let refused = keys.look_up(&made.access_key_id, Some(&token)).err();
            assert_eq!(refused, Some(KeyRefused::InvalidSessionToken), "{token}");
        }
    }
}
