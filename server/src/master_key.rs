//! The key of this installation, from which other secrets are made, and with which those that users enter are encrypted.
//!
//! It lies in the data folder, apart from the database, unless it is given. Servers that share a database must have the same.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use rand::Rng as _;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// Name of the file in the data folder.
const FILE: &str = "secret.key";
/// Bytes of the key, and of each key made from it.
const LENGTH: usize = 32;
/// Bytes of a nonce; random ones of this length do not repeat.
const NONCE: usize = 24;

/// The key. Cheap to clone.
#[derive(Clone)]
pub struct MasterKey(Arc<Zeroizing<[u8; LENGTH]>>);

/// Why there is no key.
#[derive(Debug, Error)]
pub enum MasterKeyError {
    #[error("the secret key is 64 hex digits, as `openssl rand -hex 32` makes them")]
    NotAKey,
    #[error("the key file {path} cannot be used: {cause}")]
    File { path: PathBuf, cause: std::io::Error },
}

/// What should have been encrypted with this key was not, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a secret was encrypted with another key, or was changed")]
pub struct NotSealedHere;

impl MasterKey {
    /// Where the key lies in a data folder.
    pub fn file(data_dir: &Path) -> PathBuf {
        data_dir.join(FILE)
    }

    /// The key in the data folder; a new one if there is none.
    pub fn in_folder(data_dir: &Path) -> Result<Self, MasterKeyError> {
        let path = Self::file(data_dir);
        let failed = |cause| MasterKeyError::File { path: path.clone(), cause };
        match std::fs::read_to_string(&path).map(Zeroizing::new) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let key = Self::generate();
                key.write(data_dir).map_err(failed)?;
                Ok(key)
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// A key as it is given: 64 hex digits.
    pub fn given(text: &SecretString) -> Result<Self, MasterKeyError> {
        Self::parse(text.expose_secret())
    }

    /// A key from the operating system's randomness.
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; LENGTH]);
        rand::rng().fill_bytes(key.as_mut_slice());
        Self(Arc::new(key))
    }

    /// The key for one thing, such as the signatures of the webhook with this id. Always the same.
    pub fn derive(&self, purpose: &str, id: &str) -> Zeroizing<[u8; LENGTH]> {
        let mut key = Zeroizing::new([0; LENGTH]);
        // The length keeps a purpose and an id apart from others that read the same together.
        let info = [&(purpose.len() as u64).to_be_bytes()[..], purpose.as_bytes(), id.as_bytes()].concat();
        let expanded = Hkdf::<Sha256>::new(None, self.0.as_slice()).expand(&info, key.as_mut_slice());
        debug_assert!(expanded.is_ok(), "HKDF gives up to 255 times its hash");
        key
    }

    /// Encrypts a secret that somebody entered, for one thing. Only [`Self::open`] with the same purpose and id reads it.
    pub fn seal(&self, purpose: &str, id: &str, clear: &SecretString) -> String {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: clear.expose_secret().as_bytes(), aad: id.as_bytes() };
        // It fails for more than 256 GB only; what cannot be encrypted is then not there, rather than kept in clear.
        let sealed = self.cipher(purpose, id).encrypt(XNonce::from_slice(&nonce), payload).unwrap_or_default();
        hex::encode([&nonce[..], &sealed].concat())
    }

    /// Decrypts what was sealed for the same purpose and id.
    pub fn open(&self, purpose: &str, id: &str, sealed: &str) -> Result<SecretString, NotSealedHere> {
        let bytes = hex::decode(sealed).map_err(|_| NotSealedHere)?;
        let (nonce, text) = bytes.split_at_checked(NONCE).ok_or(NotSealedHere)?;
        let payload = Payload { msg: text, aad: id.as_bytes() };
        let clear = self.cipher(purpose, id).decrypt(XNonce::from_slice(nonce), payload).map_err(|_| NotSealedHere)?;
        let clear = String::from_utf8(clear).map_err(|_| NotSealedHere)?;
        Ok(SecretString::from(clear))
    }

    fn cipher(&self, purpose: &str, id: &str) -> XChaCha20Poly1305 {
        let key = self.derive(&format!("seal {purpose}"), id);
        XChaCha20Poly1305::new(key.as_slice().into())
    }

    fn parse(text: &str) -> Result<Self, MasterKeyError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        hex::decode_to_slice(text.trim(), key.as_mut_slice()).map_err(|_| MasterKeyError::NotAKey)?;
        Ok(Self(Arc::new(key)))
    }

    /// Writes the file whole or not at all, for its owner only.
    fn write(&self, data_dir: &Path) -> std::io::Result<()> {
        let unfinished = data_dir.join("secret.key.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        let text = Zeroizing::new(hex::encode(self.0.as_slice()));
        writeln!(file, "{}", *text)?;
        file.sync_all()?;
        std::fs::rename(&unfinished, Self::file(data_dir))?;
        File::open(data_dir)?.sync_all()
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("MasterKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_folder_keeps_one_key_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let first = MasterKey::in_folder(folder.path()).unwrap();
        let again = MasterKey::in_folder(folder.path()).unwrap();
        assert_eq!(first.derive("webhook", "1"), again.derive("webhook", "1"));
        let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.path().join(FILE), "short").unwrap();
        assert!(matches!(MasterKey::in_folder(folder.path()), Err(MasterKeyError::NotAKey)));
    }

    #[test]
    fn each_thing_has_a_key_of_its_own() {
        let key = MasterKey::generate();
        assert_eq!(key.derive("webhook", "1"), key.derive("webhook", "1"));
        assert_ne!(key.derive("webhook", "1"), key.derive("webhook", "2"));
        assert_ne!(key.derive("webhook", "1"), key.derive("webhook1", ""), "purpose and id are kept apart");
        assert_ne!(key.derive("webhook", "1"), MasterKey::generate().derive("webhook", "1"));
    }

    #[test]
    fn what_is_sealed_is_read_only_as_what_it_is() {
        let key = MasterKey::generate();
        let sealed = key.seal("xapi", "class", &SecretString::from("water"));
        assert_eq!(key.open("xapi", "class", &sealed).unwrap().expose_secret(), "water");
        assert_ne!(sealed, key.seal("xapi", "class", &SecretString::from("water")), "it looks otherwise each time");
        assert_eq!(key.open("xapi", "other", &sealed).err(), Some(NotSealedHere));
        assert_eq!(key.open("lti", "class", &sealed).err(), Some(NotSealedHere));
        assert_eq!(MasterKey::generate().open("xapi", "class", &sealed).err(), Some(NotSealedHere));
        for damaged in ["", "zz", &sealed[..40], &format!("{sealed}00")] {
            assert_eq!(key.open("xapi", "class", damaged).err(), Some(NotSealedHere), "{damaged}");
        }
    }

    #[test]
    fn a_given_key_is_hex() {
        let text = SecretString::from("ab".repeat(LENGTH));
        assert_eq!(
            MasterKey::given(&text).unwrap().derive("x", "y"),
            MasterKey::given(&text).unwrap().derive("x", "y")
        );
        assert!(MasterKey::given(&SecretString::from("ab")).is_err());
    }
}
