//! The tool's signing key: RSA with 2048 bits, as LTI's security framework has it.

use std::fmt;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Value, json};

use crate::signing::SigningError;

const LABEL: &str = "PRIVATE KEY";

/// The key with which the tool signs.
pub struct ToolKey {
    pem: SecretString,
    signing: EncodingKey,
    public: Jwk,
    kid: String,
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolKeyError {
    #[error("a key could not be made")]
    NotMade,
    #[error("this is not an RSA key of at least 2048 bits as PKCS#8 in PEM")]
    NotAKey,
}

impl ToolKey {
    pub fn generate() -> Result<Self, ToolKeyError> {
        let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| ToolKeyError::NotMade)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| ToolKeyError::NotMade)?;
        Self::from_pem(&SecretString::from(pem::encode(&pem::Pem::new(LABEL, der.as_ref()))))
    }

    /// Reads what [`Self::to_pem`] gave.
    pub fn from_pem(text: &SecretString) -> Result<Self, ToolKeyError> {
        let unusable = |_| ToolKeyError::NotAKey;
        let parsed = pem::parse(text.expose_secret()).map_err(|_| ToolKeyError::NotAKey)?;
        if parsed.tag() != LABEL {
            return Err(ToolKeyError::NotAKey);
        }
        // This refuses short and inconsistent keys, which the next would take.
        KeyPair::from_pkcs8(parsed.contents()).map_err(|_| ToolKeyError::NotAKey)?;
        let signing = EncodingKey::from_rsa_pem(text.expose_secret().as_bytes()).map_err(unusable)?;
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).map_err(unusable)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256).map_err(unusable)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { pem: text.clone(), signing, public, kid })
    }

    /// The private key, to be stored: PKCS#8 in PEM.
    pub fn to_pem(&self) -> SecretString {
        self.pem.clone()
    }

    /// The key's name: its thumbprint (RFC 7638), so that the same key always has the same name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public half as a JSON Web Key Set, for platforms to fetch.
    pub fn public_jwks(&self) -> Value {
        json!({ "keys": [self.public] })
    }

    /// A signed token.
    pub(crate) fn sign(&self, claims: &impl Serialize) -> Result<String, SigningError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &self.signing).map_err(|_| SigningError)
    }
}

impl fmt::Debug for ToolKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ToolKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_platform::{KEY, OTHER_KEY};

    #[test]
    fn a_stored_key_is_the_same_key() {
        let key = &*KEY;
        let read = ToolKey::from_pem(&key.to_pem()).unwrap();
        assert_eq!(read.kid(), key.kid());
        assert_eq!(read.public_jwks(), key.public_jwks());
        assert_ne!(OTHER_KEY.kid(), key.kid());
    }

    #[test]
    fn the_key_set_holds_the_public_half_only() {
        let set = KEY.public_jwks();
        let key = set["keys"][0].as_object().unwrap();
        let mut names: Vec<&str> = key.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["alg", "e", "kid", "kty", "n", "use"]);
        assert_eq!((&key["alg"], &key["use"], &key["kty"]), (&json!("RS256"), &json!("sig"), &json!("RSA")));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(ToolKey::from_pem(&SecretString::from(text)).unwrap_err(), ToolKeyError::NotAKey);
        }
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = &*KEY;
        assert_eq!(format!("{key:?}"), format!("ToolKey {{ kid: {:?}, .. }}", key.kid()));
    }
}
