//! Compresses objects.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;

use crate::AwsError;

/// `CompressionFormat`, as far as it is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Compression {
    #[default]
    Uncompressed,
    Gzip,
    Zip,
}

impl Compression {
    /// What ends the key of an object unless `FileExtension` says otherwise.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Uncompressed => "",
            Self::Gzip => ".gz",
            Self::Zip => ".zip",
        }
    }

    /// The header `Content-Encoding` of an object.
    pub(super) fn content_encoding(self) -> Option<String> {
        match self {
            Self::Gzip => Some("gzip".to_owned()),
            Self::Uncompressed | Self::Zip => None,
        }
    }

    /// Compresses `data`; `name` is what the one file in a ZIP archive is called.
    pub(super) async fn compress(self, data: Bytes, name: String) -> Result<Bytes, AwsError> {
        if self == Self::Uncompressed {
            return Ok(data);
        }
        tokio::task::spawn_blocking(move || self.compress_now(&data, &name).map(Bytes::from))
            .await
            .map_err(AwsError::internal)?
            .map_err(AwsError::internal)
    }

    fn compress_now(self, data: &[u8], name: &str) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Uncompressed => Ok(data.to_vec()),
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Level::default());
                encoder.write_all(data)?;
                encoder.finish()
            }
            Self::Zip => {
                let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
                archive.start_file(name, SimpleFileOptions::default().large_file(false))?;
                archive.write_all(data)?;
                Ok(archive.finish()?.into_inner())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[tokio::test]
    async fn what_is_compressed_can_be_unpacked() {
        let data = Bytes::from("Main_Page\tÅland\tlink\t1\n".repeat(1000));
        let compress = |compression: Compression| compression.compress(data.clone(), "clicks".to_owned());
        assert_eq!(compress(Compression::Uncompressed).await.unwrap(), data);

        let gzip = compress(Compression::Gzip).await.unwrap();
        assert!(gzip.len() < data.len() / 10);
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, data);

        let mut archive =
            zip::ZipArchive::new(std::io::Cursor::new(compress(Compression::Zip).await.unwrap())).unwrap();
        let mut unpacked = Vec::new();
        archive.by_name("clicks").unwrap().read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, data);
    }
}
