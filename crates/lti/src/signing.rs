//! What is alike in all tokens that this tool makes and reads.

/// A token could not be signed: the key is not usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tool's key cannot sign")]
pub struct SigningError;

/// A fresh value that no one can guess: 128 bits, in hex.
pub(crate) fn random() -> String {
    let mut bytes = [0_u8; 16];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut bytes);
    hex::encode(bytes)
}
