//! Who may call S3: the hooks by which `s3s` finds keys, callers and buckets in host names.

use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::host::{S3Host, VirtualHost};
use s3s::validation::NameValidation;
use s3s::{S3Result, s3_error};
use secrecy::ExposeSecret as _;

use crate::Caller;
use crate::authorization::{self, S3Session, wanted_by_s3};
use crate::iam::Iam;
use crate::keyring::Keyring;

/// Gives `s3s` the secret to verify a signature with. The front door has looked the key up before, so any id will do here.
pub(super) struct Keys {
    pub keyring: Keyring,
}

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        Ok(SecretKey::from(self.keyring.secret_of(access_key).expose_secret()))
    }
}

/// Lets a request through if the key that `s3s` verified is the one that the front door looked up, and if the policy of its
/// session allows it, should it have one.
pub(super) struct SameCaller {
    pub iam: Iam,
}

#[async_trait::async_trait]
impl S3Access for SameCaller {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let verified = context.credentials().map(|credentials| credentials.access_key.clone());
        let denied = || s3_error!(AccessDenied, "Access Denied");
        let caller = context.extensions_mut().get::<Caller>().cloned().ok_or_else(denied)?;
        if verified.is_none_or(|verified| verified != caller.principal.access_key_id()) {
            return Err(denied());
        }
        let Some(S3Session { policy }) = context.extensions_mut().get().cloned() else { return Ok(()) };
        let wanted = wanted_by_s3(context.s3_op().name(), context.s3_path(), context.headers());
        let checked = authorization::check(&self.iam, &caller, &policy, &wanted).await?;
        checked.map_err(|denied| s3_error!(AccessDenied, "{}", denied.message(&caller)))
    }
}

/// Lets every name through to the operations, which say what is wrong with it; `s3s` would refuse it without a message.
pub(super) struct AnyBucketName;

impl NameValidation for AnyBucketName {
    fn validate_bucket_name(&self, name: &str) -> bool {
        !name.is_empty()
    }
}

/// Reads `BUCKET.localhost` and `BUCKET.s3.localhost`; any other host is path style.
pub(super) struct LocalhostBuckets;

impl S3Host for LocalhostBuckets {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
        let bucket = name.strip_suffix(".localhost").map(|bucket| bucket.strip_suffix(".s3").unwrap_or(bucket));
        Ok(match bucket {
            Some(bucket) if !bucket.is_empty() && bucket != "s3" => VirtualHost::new(host).with_bucket(bucket),
            _ => VirtualHost::new(host),
        })
    }
}
