//! A platform's public keys.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};

use crate::service_error::ServiceError;

/// Most keys of one platform that are looked at.
const MOST: usize = 50;

/// A platform's key set, as far as it is of use: RSA keys for signatures.
#[derive(Clone, Debug, Default)]
pub struct PlatformKeys(Vec<Jwk>);

impl PlatformKeys {
    /// Reads a JSON Web Key Set.
    pub fn parse(json: &[u8]) -> Result<Self, ServiceError> {
        let set: JwkSet = serde_json::from_slice(json).map_err(|_| ServiceError::NotUnderstood("key set"))?;
        Ok(Self(set.keys.into_iter().filter(is_usable).take(MOST).collect()))
    }

    /// The key of this name; without a name, the only key there is.
    pub(crate) fn find(&self, kid: Option<&str>) -> Option<DecodingKey> {
        let key = match kid {
            Some(kid) => self.0.iter().find(|key| key.common.key_id.as_deref() == Some(kid)),
            None => <&[Jwk; 1]>::try_from(self.0.as_slice()).ok().map(|[only]| only),
        };
        DecodingKey::from_jwk(key?).ok()
    }
}

fn is_usable(key: &Jwk) -> bool {
    matches!(key.algorithm, AlgorithmParameters::RSA(_))
        && matches!(key.common.key_algorithm, None | Some(KeyAlgorithm::RS256))
        && matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::test_platform::{KEY, OTHER_KEY};

    fn keys(list: &[serde_json::Value]) -> PlatformKeys {
        PlatformKeys::parse(&serde_json::to_vec(&json!({ "keys": list })).unwrap()).unwrap()
    }

    #[test]
    fn keys_are_found_by_name_and_others_are_not_used() {
        let key = &*KEY;
        let good = key.public_jwks()["keys"][0].clone();
        let mut encrypting = good.clone();
        encrypting["use"] = json!("enc");
        let mut other_algorithm = good.clone();
        other_algorithm["alg"] = json!("PS256");
        let shared = json!({ "kty": "oct", "k": "AAAA", "kid": key.kid() });
        let unheard_of = json!({ "kty": "NEW", "kid": key.kid() });
        let useless = [encrypting, other_algorithm, shared, unheard_of];
        assert!(keys(&useless).find(Some(key.kid())).is_none());
        let all: Vec<_> = useless.into_iter().chain([good]).collect();
        assert!(keys(&all).find(Some(key.kid())).is_some());
        assert!(keys(&all).find(Some("other")).is_none());
        assert!(keys(&all).find(None).is_some(), "it is the only one");
    }

    #[test]
    fn a_nameless_key_is_not_guessed() {
        let two = [&*KEY, &*OTHER_KEY].map(|key| key.public_jwks()["keys"][0].clone());
        assert!(keys(&two).find(None).is_none());
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for text in ["", "[]", "{}", r#"{"keys":1}"#, "<html>"] {
            assert!(PlatformKeys::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
