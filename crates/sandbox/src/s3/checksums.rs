//! The checksums of objects: those that a client names are computed while the body comes in, compared and kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use s3s::TrailingHeaders;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Md5};
use s3s::dto::{Checksum, ChecksumType};
use serde::{Deserialize, Serialize};

use crate::AwsError;

/// The algorithms by the end of their header's name, `x-amz-checksum-...`.
pub(super) const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "crc64nvme", "sha1", "sha256"];

/// The checksums of an object or part, in base64.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checksums {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crc64nvme: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Made of the checksums of parts, not of the bytes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub composite: bool,
}

/// What a client says about a body before or after sending it.
#[derive(Default)]
pub(super) struct Expected {
    /// Values from the headers.
    pub given: Checksums,
    /// Algorithms that are asked for, in lower case, and those whose value follows the body.
    pub algorithms: Vec<String>,
    pub trailer: Option<TrailingHeaders>,
    /// `Content-MD5`, in base64.
    pub content_md5: Option<String>,
}

/// Computes what is to be compared.
pub(super) struct BodyHasher {
    expected: Expected,
    md5: Md5,
    checksums: ChecksumHasher,
}

impl Checksums {
    /// The value for an algorithm in lower case.
    pub(super) fn get(&self, algorithm: &str) -> Option<&String> {
        match algorithm {
            "crc32" => self.crc32.as_ref(),
            "crc32c" => self.crc32c.as_ref(),
            "crc64nvme" => self.crc64nvme.as_ref(),
            "sha1" => self.sha1.as_ref(),
            "sha256" => self.sha256.as_ref(),
            _ => None,
        }
    }

    /// One checksum.
    pub(super) fn one(algorithm: &str, value: String, composite: bool) -> Self {
        let mut checksums = Self { composite, ..Self::default() };
        let slot = match algorithm {
            "crc32" => &mut checksums.crc32,
            "crc32c" => &mut checksums.crc32c,
            "crc64nvme" => &mut checksums.crc64nvme,
            "sha1" => &mut checksums.sha1,
            _ => &mut checksums.sha256,
        };
        *slot = Some(value);
        checksums
    }

    pub(super) fn is_empty(&self) -> bool {
        ALGORITHMS.iter().all(|algorithm| self.get(algorithm).is_none())
    }

    /// As the answers of S3 tell them.
    pub(super) fn to_dto(&self) -> Checksum {
        let checksum_type = (!self.is_empty()).then(|| {
            ChecksumType::from_static(if self.composite { ChecksumType::COMPOSITE } else { ChecksumType::FULL_OBJECT })
        });
        Checksum {
            checksum_crc32: self.crc32.clone(),
            checksum_crc32c: self.crc32c.clone(),
            checksum_crc64nvme: self.crc64nvme.clone(),
            checksum_sha1: self.sha1.clone(),
            checksum_sha256: self.sha256.clone(),
            checksum_type,
        }
    }
}

impl From<Checksum> for Checksums {
    fn from(dto: Checksum) -> Self {
        Self {
            crc32: dto.checksum_crc32,
            crc32c: dto.checksum_crc32c,
            crc64nvme: dto.checksum_crc64nvme,
            sha1: dto.checksum_sha1,
            sha256: dto.checksum_sha256,
            composite: false,
        }
    }
}

impl Expected {
    /// The expectations of a request: checksums in the headers, an algorithm that is asked for, and announced trailers.
    pub(super) fn new(
        given: Checksums,
        algorithm: Option<&str>,
        content_md5: Option<String>,
        headers: &HeaderMap,
        trailer: Option<TrailingHeaders>,
    ) -> Self {
        let announced = headers.get_all("x-amz-trailer").iter().filter_map(|value| value.to_str().ok());
        let announced = announced.flat_map(|names| names.split(','));
        let mut algorithms: Vec<String> =
            announced.filter_map(|name| name.trim().strip_prefix("x-amz-checksum-").map(str::to_lowercase)).collect();
        algorithms.extend(algorithm.map(str::to_lowercase));
        Self { given, algorithms, trailer, content_md5 }
    }
}

impl BodyHasher {
    /// `InvalidRequest` for an algorithm that S3 has not.
    pub(super) fn new(expected: Expected) -> Result<Self, AwsError> {
        let mut wanted: Vec<&str> =
            ALGORITHMS.into_iter().filter(|algorithm| expected.given.get(algorithm).is_some()).collect();
        wanted.extend(expected.algorithms.iter().map(String::as_str));
        let checksums = hasher(&wanted)?;
        Ok(Self { md5: Md5::new(), checksums, expected })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksums.update(bytes);
    }

    /// The MD5 and the checksums of the whole body. `BadDigest` or `InvalidDigest` if a client expected another.
    pub(super) fn finish(self) -> Result<([u8; 16], Checksums), AwsError> {
        let md5 = self.md5.finalize();
        if let Some(expected) = &self.expected.content_md5 {
            let expected = STANDARD.decode(expected).ok().filter(|digest| digest.len() == md5.len());
            let expected = expected
                .ok_or_else(|| AwsError::client("InvalidDigest", "The Content-MD5 you specified was invalid."))?;
            if expected != md5 {
                return Err(AwsError::client(
                    "BadDigest",
                    "The Content-MD5 you specified did not match what we received.",
                ));
            }
        }
        let computed = Checksums::from(self.checksums.finalize());
        let trailing = |algorithm: &str| {
            let name = format!("x-amz-checksum-{algorithm}");
            let value = self.expected.trailer.as_ref()?.read(|headers| headers.get(&name).cloned())??;
            value.to_str().ok().map(str::to_owned)
        };
        for algorithm in ALGORITHMS {
            let expected = self.expected.given.get(algorithm).cloned().or_else(|| trailing(algorithm));
            if expected.is_some() && expected.as_ref() != computed.get(algorithm) {
                return Err(bad_digest(algorithm));
            }
        }
        Ok((md5, computed))
    }
}

/// A hasher for some algorithms in lower case.
pub(super) fn hasher(algorithms: &[&str]) -> Result<ChecksumHasher, AwsError> {
    let mut hasher = ChecksumHasher::default();
    for algorithm in algorithms {
        match *algorithm {
            "crc32" => hasher.crc32 = Some(s3s::crypto::Crc32::new()),
            "crc32c" => hasher.crc32c = Some(s3s::crypto::Crc32c::new()),
            "crc64nvme" => hasher.crc64nvme = Some(s3s::crypto::Crc64Nvme::new()),
            "sha1" => hasher.sha1 = Some(s3s::crypto::Sha1::new()),
            "sha256" => hasher.sha256 = Some(s3s::crypto::Sha256::new()),
            other => {
                return Err(AwsError::client(
                    "InvalidRequest",
                    format!(
                        "Checksum algorithm provided is unsupported: {other}. Use one of CRC32, CRC32C, CRC64NVME, SHA1, SHA256."
                    ),
                ));
            }
        }
    }
    Ok(hasher)
}

pub(super) fn bad_digest(algorithm: &str) -> AwsError {
    AwsError::client(
        "BadDigest",
        format!("The {} you specified did not match the calculated checksum.", algorithm.to_uppercase()),
    )
}
