//! The S3 destination of a delivery stream: read from requests, checked, stored, described.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::compression::Compression;
use super::errors::{invalid_argument, missing, not_offered, validation};
use super::prefix::Prefixes;
use super::transformation::Transformation;
use crate::AwsError;

/// The one destination of a stream; AWS numbers them from one.
pub(super) const DESTINATION_ID: &str = "destinationId-000000000001";
const MAX_PREFIX: usize = 1024;
const MAX_EXTENSION: usize = 128;

/// `ExtendedS3DestinationConfiguration`, `S3DestinationConfiguration` or an update of one, as a request has it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DestinationRequest {
    #[serde(rename = "RoleARN")]
    role_arn: Option<String>,
    #[serde(rename = "BucketARN")]
    bucket_arn: Option<String>,
    prefix: Option<String>,
    error_output_prefix: Option<String>,
    buffering_hints: Option<BufferingHints>,
    compression_format: Option<String>,
    encryption_configuration: Option<EncryptionConfiguration>,
    cloud_watch_logging_options: Option<Value>,
    processing_configuration: Option<ProcessingConfiguration>,
    s3_backup_mode: Option<String>,
    s3_backup_configuration: Option<Value>,
    s3_backup_update: Option<Value>,
    data_format_conversion_configuration: Option<Switch>,
    dynamic_partitioning_configuration: Option<Switch>,
    file_extension: Option<String>,
    custom_time_zone: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BufferingHints {
    #[serde(rename = "SizeInMBs")]
    size_in_mbs: Option<i64>,
    #[serde(rename = "IntervalInSeconds")]
    interval_in_seconds: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct EncryptionConfiguration {
    no_encryption_config: Option<String>,
    #[serde(rename = "KMSEncryptionConfig")]
    kms_encryption_config: Option<Value>,
}

/// A configuration of which only one thing matters here: whether it is on, as it is when it does not say.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Switch {
    enabled: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessingConfiguration {
    enabled: Option<bool>,
    #[serde(default)]
    processors: Vec<Processor>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Processor {
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(default)]
    pub parameters: Vec<ProcessorParameter>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ProcessorParameter {
    pub parameter_name: String,
    pub parameter_value: String,
}

/// A destination whose settings were checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Destination {
    pub role_arn: String,
    pub bucket: String,
    pub prefix: Option<String>,
    pub error_output_prefix: Option<String>,
    pub buffering: Buffering,
    pub compression: Compression,
    pub file_extension: Option<String>,
    custom_time_zone: Option<String>,
    /// `CloudWatchLoggingOptions`, described as given; nothing is logged.
    logging: Option<Value>,
    processing: Option<Processing>,
}

/// When buffered data is delivered: whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buffering {
    /// MiB of data before compression.
    pub size_mib: u32,
    /// Seconds since the oldest record.
    pub interval_seconds: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Processing {
    enabled: bool,
    transformation: Option<Transformation>,
}

impl Buffering {
    pub(super) fn bytes(self) -> usize {
        self.size_mib as usize * 1024 * 1024
    }

    pub(super) fn interval_ms(self) -> i64 {
        i64::from(self.interval_seconds) * 1000
    }
}

impl Destination {
    /// Checks the settings of a new destination. `path` is the request's member, for messages.
    pub(super) fn create(request: DestinationRequest, path: &str) -> Result<Self, AwsError> {
        let blank = Self {
            role_arn: String::new(),
            bucket: String::new(),
            prefix: None,
            error_output_prefix: None,
            buffering: Buffering { size_mib: 5, interval_seconds: 300 },
            compression: Compression::Uncompressed,
            file_extension: None,
            custom_time_zone: None,
            logging: None,
            processing: None,
        };
        if request.role_arn.is_none() {
            return Err(missing(&format!("{path}.roleARN")));
        }
        if request.bucket_arn.is_none() {
            return Err(missing(&format!("{path}.bucketARN")));
        }
        blank.update(request, path)
    }

    /// This destination with what a request changes; settings that it does not name stay.
    pub(super) fn update(mut self, request: DestinationRequest, path: &str) -> Result<Self, AwsError> {
        request.refuse_what_is_not_offered(path)?;
        if let Some(arn) = request.role_arn {
            if !is_role_arn(&arn) {
                let pattern = "satisfy regular expression pattern: arn:.*:iam::\\d{12}:role/[a-zA-Z_0-9+=,.@\\-_/]+";
                return Err(validation(arn, &format!("{path}.roleARN"), pattern));
            }
            self.role_arn = arn;
        }
        if let Some(arn) = request.bucket_arn {
            let Some(bucket) = bucket_of(&arn) else {
                let pattern = "satisfy regular expression pattern: arn:.*:s3:::[\\w\\.\\-]{1,255}";
                return Err(validation(arn, &format!("{path}.bucketARN"), pattern));
            };
            self.bucket = bucket.to_owned();
        }
        for (prefix, member) in [(&request.prefix, "prefix"), (&request.error_output_prefix, "errorOutputPrefix")] {
            if prefix.as_ref().is_some_and(|prefix| prefix.chars().count() > MAX_PREFIX) {
                let constraint = format!("have length less than or equal to {MAX_PREFIX}");
                return Err(validation(prefix.clone().unwrap_or_default(), &format!("{path}.{member}"), &constraint));
            }
        }
        self.prefix = request.prefix.or(self.prefix);
        self.error_output_prefix = request.error_output_prefix.or(self.error_output_prefix);
        self.prefixes()?;
        if let Some(hints) = request.buffering_hints {
            self.buffering = buffering(&hints, path)?;
        }
        if let Some(format) = request.compression_format {
            self.compression = compression(&format, path)?;
        }
        if let Some(extension) = request.file_extension {
            if !is_extension(&extension) {
                let pattern = "satisfy regular expression pattern: ^$|\\.[0-9a-z!\\-_.*'()]+";
                return Err(validation(extension, &format!("{path}.fileExtension"), pattern));
            }
            self.file_extension = Some(extension).filter(|extension| !extension.is_empty());
        }
        self.custom_time_zone = request.custom_time_zone.or(self.custom_time_zone);
        self.logging = request.cloud_watch_logging_options.or(self.logging);
        if let Some(processing) = request.processing_configuration {
            let transformation = Transformation::from_processors(&processing.processors)?;
            let enabled = processing.enabled.unwrap_or(false);
            if enabled && transformation.is_none() {
                return Err(invalid_argument("Processors must be specified when ProcessingConfiguration is enabled."));
            }
            self.processing = Some(Processing { enabled, transformation });
        }
        Ok(self)
    }

    /// The prefixes of object keys.
    pub(super) fn prefixes(&self) -> Result<Prefixes, AwsError> {
        Prefixes::parse(self.prefix.as_deref(), self.error_output_prefix.as_deref()).map_err(invalid_argument)
    }

    /// The transformation that records go through, if any.
    pub(super) fn transformation(&self) -> Option<&Transformation> {
        self.processing.as_ref().filter(|processing| processing.enabled)?.transformation.as_ref()
    }

    /// What ends an object's key.
    pub(super) fn extension(&self) -> &str {
        self.file_extension.as_deref().unwrap_or_else(|| self.compression.extension())
    }

    /// The entry of `Destinations` in a `DeliveryStreamDescription`.
    pub(super) fn describe(&self) -> Value {
        let mut plain = json!({
            "RoleARN": self.role_arn,
            "BucketARN": format!("arn:aws:s3:::{}", self.bucket),
            "BufferingHints": {
                "SizeInMBs": self.buffering.size_mib,
                "IntervalInSeconds": self.buffering.interval_seconds,
            },
            "CompressionFormat": self.compression,
            "EncryptionConfiguration": {"NoEncryptionConfig": "NoEncryption"},
            "CloudWatchLoggingOptions": self.logging.clone().unwrap_or_else(|| json!({"Enabled": false})),
        });
        set(&mut plain, "Prefix", self.prefix.as_ref());
        set(&mut plain, "ErrorOutputPrefix", self.error_output_prefix.as_ref());
        let mut extended = plain.clone();
        extended["S3BackupMode"] = json!("Disabled");
        extended["ProcessingConfiguration"] = match &self.processing {
            None => json!({"Enabled": false, "Processors": []}),
            Some(processing) => json!({
                "Enabled": processing.enabled,
                "Processors": processing.transformation.iter().map(Transformation::describe).collect::<Vec<_>>(),
            }),
        };
        set(&mut extended, "FileExtension", self.file_extension.as_ref());
        set(&mut extended, "CustomTimeZone", self.custom_time_zone.as_ref());
        json!({
            "DestinationId": DESTINATION_ID,
            "S3DestinationDescription": plain,
            "ExtendedS3DestinationDescription": extended,
        })
    }
}

impl DestinationRequest {
    fn refuse_what_is_not_offered(&self, path: &str) -> Result<(), AwsError> {
        if let Some(encryption) = &self.encryption_configuration {
            if encryption.kms_encryption_config.is_some() {
                return Err(not_offered("KMSEncryptionConfig"));
            }
            if let Some(value) = encryption.no_encryption_config.as_ref().filter(|value| *value != "NoEncryption") {
                let member = format!("{path}.encryptionConfiguration.noEncryptionConfig");
                return Err(validation(value, &member, "satisfy enum value set: [NoEncryption]"));
            }
        }
        match self.s3_backup_mode.as_deref() {
            None | Some("Disabled") => {}
            Some("Enabled") => return Err(not_offered("S3BackupMode Enabled")),
            Some(other) => {
                let member = format!("{path}.s3BackupMode");
                return Err(validation(other, &member, "satisfy enum value set: [Disabled, Enabled]"));
            }
        }
        if self.s3_backup_configuration.is_some() || self.s3_backup_update.is_some() {
            return Err(not_offered("S3BackupConfiguration"));
        }
        let is_on = |switch: &Option<Switch>| switch.as_ref().is_some_and(|switch| switch.enabled.unwrap_or(true));
        if is_on(&self.data_format_conversion_configuration) {
            return Err(not_offered("DataFormatConversionConfiguration"));
        }
        if is_on(&self.dynamic_partitioning_configuration) {
            return Err(not_offered("DynamicPartitioningConfiguration"));
        }
        match self.custom_time_zone.as_deref() {
            None | Some("" | "UTC" | "Etc/UTC") => Ok(()),
            Some(_) => Err(not_offered("a CustomTimeZone other than UTC")),
        }
    }
}

fn buffering(hints: &BufferingHints, path: &str) -> Result<Buffering, AwsError> {
    let (Some(size), Some(interval)) = (hints.size_in_mbs, hints.interval_in_seconds) else {
        return Err(invalid_argument("BufferingHints must have both SizeInMBs and IntervalInSeconds."));
    };
    let in_range = |value: i64, least: u32, most: u32, member: &str| match u32::try_from(value) {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => {
            let bound = if value < i64::from(least) {
                format!("have value greater than or equal to {least}")
            } else {
                format!("have value less than or equal to {most}")
            };
            Err(validation(value, &format!("{path}.bufferingHints.{member}"), &bound))
        }
    };
    Ok(Buffering {
        size_mib: in_range(size, 1, 128, "sizeInMBs")?,
        interval_seconds: in_range(interval, 0, 900, "intervalInSeconds")?,
    })
}

fn compression(format: &str, path: &str) -> Result<Compression, AwsError> {
    match format {
        "UNCOMPRESSED" => Ok(Compression::Uncompressed),
        "GZIP" => Ok(Compression::Gzip),
        "ZIP" => Ok(Compression::Zip),
        "Snappy" | "HADOOP_SNAPPY" => Err(not_offered(&format!("CompressionFormat {format}"))),
        other => Err(validation(
            other,
            &format!("{path}.compressionFormat"),
            "satisfy enum value set: [UNCOMPRESSED, GZIP, ZIP, Snappy, HADOOP_SNAPPY]",
        )),
    }
}

fn is_role_arn(arn: &str) -> bool {
    let Some((head, name)) = arn.split_once(":role/") else { return false };
    let mut head = head.split(':');
    let of_iam =
        head.next() == Some("arn") && head.next().is_some() && head.next() == Some("iam") && head.next() == Some("");
    let account = head.next().unwrap_or_default();
    of_iam
        && head.next().is_none()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && !name.is_empty()
        && arn.len() <= 512
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-/".contains(&byte))
}

fn bucket_of(arn: &str) -> Option<&str> {
    let (head, bucket) = arn.split_once(":s3:::")?;
    let named = !bucket.is_empty() && bucket.len() <= 255;
    let well_formed = bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
    (head.starts_with("arn:") && named && well_formed).then_some(bucket)
}

fn is_extension(extension: &str) -> bool {
    let Some(rest) = extension.strip_prefix('.') else { return extension.is_empty() };
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!-_.*'()".contains(&byte);
    !rest.is_empty() && extension.len() <= MAX_EXTENSION && rest.bytes().all(known)
}

fn set(object: &mut Value, name: &str, value: Option<&String>) {
    if let Some(value) = value {
        object[name] = json!(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(change: &Value) -> Result<Destination, AwsError> {
        let mut request = json!({
            "RoleARN": "arn:aws:iam::000000000000:role/FirehoseRole",
            "BucketARN": "arn:aws:s3:::clicks",
        });
        for (name, value) in change.as_object().unwrap() {
            request[name] = value.clone();
        }
        Destination::create(serde_json::from_value(request).unwrap(), "extendedS3DestinationConfiguration")
    }

    fn refused(change: &Value) -> String {
        create(change).unwrap_err().to_string()
    }

    #[test]
    fn describes_what_was_asked_and_the_defaults() {
        let destination = create(&json!({
            "Prefix": "clicks/",
            "CompressionFormat": "GZIP",
            "ProcessingConfiguration": {"Enabled": true, "Processors": [{"Type": "Lambda", "Parameters": [
                {"ParameterName": "LambdaArn", "ParameterValue": "arn:aws:lambda:us-east-1:000000000000:function:clean"}
            ]}]},
        }))
        .unwrap();
        insta::assert_json_snapshot!(destination.describe()["ExtendedS3DestinationDescription"], @r#"
        {
          "RoleARN": "arn:aws:iam::000000000000:role/FirehoseRole",
          "BucketARN": "arn:aws:s3:::clicks",
          "BufferingHints": {
            "SizeInMBs": 5,
            "IntervalInSeconds": 300
          },
          "CompressionFormat": "GZIP",
          "EncryptionConfiguration": {
            "NoEncryptionConfig": "NoEncryption"
          },
          "CloudWatchLoggingOptions": {
            "Enabled": false
          },
          "Prefix": "clicks/",
          "S3BackupMode": "Disabled",
          "ProcessingConfiguration": {
            "Enabled": true,
            "Processors": [
              {
                "Type": "Lambda",
                "Parameters": [
                  {
                    "ParameterName": "LambdaArn",
                    "ParameterValue": "arn:aws:lambda:us-east-1:000000000000:function:clean"
                  },
                  {
                    "ParameterName": "NumberOfRetries",
                    "ParameterValue": "3"
                  },
                  {
                    "ParameterName": "BufferSizeInMBs",
                    "ParameterValue": "1"
                  },
                  {
                    "ParameterName": "BufferIntervalInSeconds",
                    "ParameterValue": "60"
                  }
                ]
              }
            ]
          }
        }
        "#);
        let stored = serde_json::to_string(&destination).unwrap();
        assert_eq!(serde_json::from_str::<Destination>(&stored).unwrap(), destination);
    }

    #[test]
    fn refuses_what_aws_refuses() {
        assert!(refused(&json!({"RoleARN": "FirehoseRole"})).contains("roleARN"));
        assert!(
            refused(&json!({"RoleARN": null})).contains("Value null at 'extendedS3DestinationConfiguration.roleARN'")
        );
        assert!(refused(&json!({"BucketARN": "clicks"})).contains("bucketARN"));
        assert!(refused(&json!({"Prefix": "x".repeat(1025)})).contains("less than or equal to 1024"));
        assert_eq!(
            refused(&json!({"BufferingHints": {"SizeInMBs": 129, "IntervalInSeconds": 60}})),
            "ValidationException: 1 validation error detected: Value '129' at \
             'extendedS3DestinationConfiguration.bufferingHints.sizeInMBs' failed to satisfy constraint: Member must have \
             value less than or equal to 128"
        );
        assert!(
            refused(&json!({"BufferingHints": {"SizeInMBs": 0, "IntervalInSeconds": 60}})).contains("or equal to 1")
        );
        assert!(
            refused(&json!({"BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 901}})).contains("or equal to 900")
        );
        assert!(refused(&json!({"BufferingHints": {"SizeInMBs": 5}})).contains("both"));
        assert!(refused(&json!({"CompressionFormat": "gzip"})).contains("enum value set"));
        assert!(refused(&json!({"FileExtension": "gz"})).contains("fileExtension"));
        assert!(refused(&json!({"ProcessingConfiguration": {"Enabled": true}})).contains("Processors must"));
    }

    #[test]
    fn names_what_the_sandbox_does_not_offer() {
        for change in [
            json!({"CompressionFormat": "Snappy"}),
            json!({"S3BackupMode": "Enabled"}),
            json!({"DataFormatConversionConfiguration": {"Enabled": true}}),
            json!({"DynamicPartitioningConfiguration": {}}),
            json!({"CustomTimeZone": "Asia/Tokyo"}),
            json!({"EncryptionConfiguration": {"KMSEncryptionConfig": {"AWSKMSKeyARN": "arn"}}}),
        ] {
            let (name, _) = change.as_object().unwrap().iter().next().unwrap();
            let message = refused(&change);
            assert!(message.starts_with("InvalidArgumentException: The sandbox does not offer"), "{message}");
            assert!(
                message.contains(name.trim_start_matches("Encryption").trim_end_matches("Configuration")),
                "{message}"
            );
        }
        create(&json!({"S3BackupMode": "Disabled", "DynamicPartitioningConfiguration": {"Enabled": false}})).unwrap();
    }

    #[test]
    fn an_update_leaves_the_rest_as_it_is() {
        let before = create(&json!({"Prefix": "clicks/", "CompressionFormat": "GZIP"})).unwrap();
        let change =
            serde_json::from_value(json!({"BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}})).unwrap();
        let after = before.clone().update(change, "extendedS3DestinationUpdate").unwrap();
        assert_eq!(after, Destination { buffering: Buffering { size_mib: 1, interval_seconds: 0 }, ..before });
    }
}
