//! A learner's own file of clickstream rows.

use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Click;

/// The largest file, in bytes, as sent and (when it is gzip) unpacked.
pub const MAX_UPLOAD_BYTES: usize = 5 * 1024 * 1024;
/// The most lines in a file.
pub const MAX_UPLOAD_LINES: usize = 100_000;
/// How many bad lines are listed one by one; the rest is only counted.
pub const MAX_LISTED_BAD_LINES: usize = 20;

/// The rows of a file, and the lines that are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The good rows, in the order of the file.
    pub rows: Vec<Click>,
    /// The first [`MAX_LISTED_BAD_LINES`] bad lines.
    pub bad_lines: Vec<BadLine>,
    /// How many lines are bad in all.
    pub bad_line_count: usize,
}

/// A line that is no clickstream row and is not sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadLine {
    /// Counted from 1, blank lines included, as an editor shows it.
    pub line_number: usize,
    /// What is wrong with it, such as "its column curr is empty".
    pub reason: String,
}

/// Why a file is refused as a whole.
#[derive(Debug, Error)]
pub enum UploadError {
    #[error("the file is larger than {} MiB: send a part of it", MAX_UPLOAD_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("the file has more than {MAX_UPLOAD_LINES} lines: send a part of it")]
    TooManyLines,
    #[error("the file looks like gzip but cannot be unpacked: {0}")]
    Gzip(std::io::Error),
    #[error("the file has no lines")]
    Empty,
}

/// Reads a file of TSV rows, plain or gzip (as Wikimedia publishes them). Blank lines are skipped; bad lines are counted and
/// told by number.
pub fn parse_upload(file: &[u8]) -> Result<Upload, UploadError> {
    if file.len() > MAX_UPLOAD_BYTES {
        return Err(UploadError::TooLarge);
    }
    if file.starts_with(&[0x1f, 0x8b]) { parse_lines(&unpack(file)?) } else { parse_lines(file) }
}

fn unpack(file: &[u8]) -> Result<Vec<u8>, UploadError> {
    let mut text = Vec::new();
    MultiGzDecoder::new(file).take(MAX_UPLOAD_BYTES as u64 + 1).read_to_end(&mut text).map_err(UploadError::Gzip)?;
    if text.len() > MAX_UPLOAD_BYTES { Err(UploadError::TooLarge) } else { Ok(text) }
}

fn parse_lines(text: &[u8]) -> Result<Upload, UploadError> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut upload = Upload::default();
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if index >= MAX_UPLOAD_LINES {
            return Err(UploadError::TooManyLines);
        }
        if line.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
            continue;
        }
        match Click::parse(line) {
            Ok(click) => upload.rows.push(click),
            Err(error) => {
                upload.bad_line_count += 1;
                if upload.bad_lines.len() < MAX_LISTED_BAD_LINES {
                    upload.bad_lines.push(BadLine { line_number: index + 1, reason: error.to_string() });
                }
            }
        }
    }
    if upload.rows.is_empty() && upload.bad_line_count == 0 { Err(UploadError::Empty) } else { Ok(upload) }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn tells_bad_lines_by_number_and_keeps_the_good_ones() {
        let file = "\u{feff}Main_Page\tÅland\tlink\t7\r\n\nprev\tcurr\ttype\tn\nother-empty\tÅland\texternal\t2";
        let upload = parse_upload(file.as_bytes()).unwrap();
        let rows: Vec<String> = upload.rows.iter().map(ToString::to_string).collect();
        assert_eq!(rows, ["Main_Page\tÅland\tlink\t7", "other-empty\tÅland\texternal\t2"]);
        assert_eq!(upload.bad_line_count, 1);
        assert_eq!(upload.bad_lines[0].line_number, 3);
        assert_eq!(upload.bad_lines[0].reason, "its type is \"type\", not link, external or other");
    }

    #[test]
    fn lists_only_the_first_bad_lines() {
        let upload = parse_upload("nonsense\n".repeat(50).as_bytes()).unwrap();
        assert_eq!((upload.bad_lines.len(), upload.bad_line_count), (MAX_LISTED_BAD_LINES, 50));
        assert_eq!(upload.bad_lines[19].line_number, 20);
    }

    #[test]
    fn reads_gzip_within_the_same_bounds() {
        let upload = parse_upload(&gzip(b"a\tb\tlink\t1\n")).unwrap();
        assert_eq!(upload.rows.len(), 1);
        let bomb = gzip(&vec![b'x'; MAX_UPLOAD_BYTES + 1]);
        assert!(bomb.len() < 100_000);
        assert!(matches!(parse_upload(&bomb), Err(UploadError::TooLarge)));
        let broken = gzip(b"a\tb\tlink\t1\n");
        assert!(matches!(parse_upload(&broken[..broken.len() - 4]), Err(UploadError::Gzip(_))));
    }

    #[test]
    fn refuses_what_is_too_much_or_nothing() {
        assert!(matches!(parse_upload(&vec![b'x'; MAX_UPLOAD_BYTES + 1]), Err(UploadError::TooLarge)));
        assert!(matches!(parse_upload(&b"\n".repeat(MAX_UPLOAD_LINES + 1)), Err(UploadError::TooManyLines)));
        assert!(matches!(parse_upload(b"\n\r\n"), Err(UploadError::Empty)));
    }
}
