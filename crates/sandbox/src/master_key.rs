//! The master key: 32 random bytes in a file that only the owner may read. Every secret is derived from it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use hmac::Hmac;
use sha2::Sha256;
use zeroize::Zeroizing;

const LENGTH: usize = 32;
const FILE_NAME: &str = "master.key";

/// The key, ready for use. Cheap to clone; wiped from memory with the last clone.
#[derive(Clone)]
pub(crate) struct MasterKey(Arc<Zeroizing<[u8; LENGTH]>>);

impl MasterKey {
    /// Reads the key of a data folder, or `None` if it has none yet.
    pub(crate) fn read(data_dir: &Path) -> io::Result<Option<Self>> {
        let mut file = match File::open(data_dir.join(FILE_NAME)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut key = Zeroizing::new([0; LENGTH]);
        file.read_exact(key.as_mut_slice())?;
        Ok(Some(Self(Arc::new(key))))
    }

    /// Makes the key of a data folder. A key that another process made in the meantime wins.
    pub(crate) fn create(data_dir: &Path) -> io::Result<Self> {
        let mut key = Zeroizing::new([0; LENGTH]);
        rand::Rng::fill_bytes(&mut rand::rng(), key.as_mut_slice());
        // Written aside and linked into place, so that no one ever reads half a key and no key is ever replaced.
        let aside = data_dir.join(format!("{FILE_NAME}.{}", std::process::id()));
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        let linked = fs::hard_link(&aside, data_dir.join(FILE_NAME));
        fs::remove_file(&aside)?;
        match linked {
            Ok(()) => File::open(data_dir)?.sync_all()?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        Self::read(data_dir)?.ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    /// A fresh HMAC-SHA256 under this key.
    pub(crate) fn hmac(&self) -> Hmac<Sha256> {
        // The type has a fixed-size constructor only through its block size, which a longer key would be hashed down to.
        let mut block = Zeroizing::new([0_u8; 64]);
        block[..LENGTH].copy_from_slice(self.0.as_slice());
        <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into())
    }

    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self(Arc::new(Zeroizing::new([7; LENGTH])))
    }
}

/// Makes the data folder if absent and closes it to everyone but the owner.
pub(crate) fn make_private_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(MasterKey::read(folder.path()).unwrap().is_none());
        let made = MasterKey::create(folder.path()).unwrap();
        let again = MasterKey::create(folder.path()).unwrap();
        let read = MasterKey::read(folder.path()).unwrap().unwrap();
        assert_eq!(made.0, again.0);
        assert_eq!(made.0, read.0);
        let mode = fs::metadata(folder.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the key");
    }

    #[test]
    fn a_cut_off_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE_NAME), [1; LENGTH - 1]).unwrap();
        assert!(MasterKey::read(folder.path()).is_err());
    }
}
