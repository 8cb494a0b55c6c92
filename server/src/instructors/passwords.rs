//! Passwords, hashed with Argon2id by OWASP's parameters: 19 MiB, two passes, one lane.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{Error, PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::timeout;

/// Hashes computed at once, so that a flood of attempts takes no more than 38 MiB.
const AT_ONCE: usize = 2;
/// Who has waited this long for a turn is told to come again.
const PATIENCE: Duration = Duration::from_secs(5);
/// The hash of no password, with the same parameters: what a login that is not there is compared with.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and verifies passwords, a few at a time.
pub(super) struct Passwords(Arc<Semaphore>);

/// A password could not be hashed or verified.
#[derive(Debug, Error)]
pub enum PasswordError {
    #[error("too many passwords are being verified")]
    Busy,
    #[error("a password could not be hashed: {0}")]
    Hash(String),
    #[error("hashing a password broke off: {0}")]
    BrokeOff(#[from] JoinError),
}

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// The hash of a password, in PHC form.
    pub(super) async fn hash(&self, password: SecretString) -> Result<SecretString, PasswordError> {
        let turn = self.turn().await?;
        spawn_blocking(move || {
            let _turn = turn;
            let hash = argon2()?.hash_password(password.expose_secret().as_bytes());
            hash.map(|hash| SecretString::from(hash.to_string())).map_err(failed)
        })
        .await?
    }

    /// Whether the password is the one of this hash. Takes as long where there is no hash, and is false then.
    pub(super) async fn verify(
        &self,
        hash: Option<SecretString>,
        password: SecretString,
    ) -> Result<bool, PasswordError> {
        let turn = self.turn().await?;
        spawn_blocking(move || {
            let _turn = turn;
            let is_someones = hash.is_some();
            let hash = hash.as_ref().map_or(NOBODYS, |hash| hash.expose_secret());
            match argon2()?.verify_password(password.expose_secret().as_bytes(), hash) {
                Ok(()) => Ok(is_someones),
                Err(Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(failed(error)),
            }
        })
        .await?
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, PasswordError> {
        let turn = timeout(PATIENCE, Arc::clone(&self.0).acquire_owned()).await;
        turn.map_err(|_| PasswordError::Busy)?.map_err(|_| PasswordError::Busy)
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn failed(error: Error) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_of_the_hash_is_right() {
        let passwords = Passwords::default();
        let hash = passwords.hash(SecretString::from("correct horse")).await.unwrap();
        assert!(hash.expose_secret().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(Some(hash.clone()), SecretString::from("correct horse")).await.unwrap());
        assert!(!passwords.verify(Some(hash), SecretString::from("correct house")).await.unwrap());
    }

    #[tokio::test]
    async fn who_is_not_there_has_no_right_password() {
        let passwords = Passwords::default();
        assert!(!passwords.verify(None, SecretString::from("anything")).await.unwrap());
    }
}
