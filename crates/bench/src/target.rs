//! Where a client sends its calls.

use std::env;
use std::str::FromStr;

use anyhow::Context as _;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;

/// An endpoint with a name for the report: `NAME=URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    pub url: String,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, url) = text.split_once('=').ok_or_else(|| format!("{text:?} is not NAME=URL"))?;
        Ok(Self { name: name.to_owned(), url: url.to_owned() })
    }
}

impl Target {
    /// The configuration of a client: the key and region are those of the environment, and nothing is tried again, so that a
    /// failed call shows.
    pub fn sdk(&self) -> anyhow::Result<SdkConfig> {
        let variable = |name: &str| env::var(name).with_context(|| format!("{name} is not set"));
        let id = variable("AWS_ACCESS_KEY_ID")?;
        let secret = variable("AWS_SECRET_ACCESS_KEY")?;
        let credentials = Credentials::new(id, secret, None, None, "environment");
        Ok(SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(variable("AWS_DEFAULT_REGION")?))
            .endpoint_url(&self.url)
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::disabled())
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_name_and_an_address() {
        let target: Target = "moto=http://127.0.0.1:5000".parse().unwrap();
        assert_eq!((target.name.as_str(), target.url.as_str()), ("moto", "http://127.0.0.1:5000"));
        assert!("http://127.0.0.1:5000".parse::<Target>().is_err());
    }
}
