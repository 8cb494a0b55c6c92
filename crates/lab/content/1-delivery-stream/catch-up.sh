#!/usr/bin/env bash
set -euo pipefail
# {{only sql-application}}
# Step 1: the bucket, the role of the delivery stream, and the delivery stream.
# {{end}}
# {{only tumbling-window flink}}
# Step 1: the bucket, the data stream, the role of the delivery stream, and the delivery stream.
# {{end}}

{{include shared/catch_up.sh}}

{{include shared/with_new_role.sh}}
# {{only tumbling-window flink}}

{{include shared/ensure_data_stream.sh}}
# {{end}}

if exists '(404)' aws s3api head-bucket --bucket {{bucket}}; then
  say "The bucket {{bucket}} is there."
else
  aws s3api create-bucket --bucket {{bucket}}{{create_bucket_options}} > created.json
  aws s3api wait bucket-exists --bucket {{bucket}}
  aws s3api put-bucket-tagging --bucket {{bucket}} --tagging 'TagSet=[{Key=headwater,Value=clickstream-lab}]'
  say "Made the bucket {{bucket}}."
fi

# {{only tumbling-window flink}}
ensure_data_stream {{data_stream}}

# {{end}}
ensure_role {{firehose_role}} firehose.amazonaws.com
allow {{firehose_role}} deliver-to-bucket <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
# {{only tumbling-window flink}}
    {
      "Effect": "Allow",
      "Action": ["kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"],
      "Resource": "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{data_stream}}"
    },
# {{end}}
    {
      "Effect": "Allow",
      "Action": ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
      "Resource": "arn:{{partition}}:s3:::{{bucket}}"
    },
    {
      "Effect": "Allow",
      "Action": ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
      "Resource": "arn:{{partition}}:s3:::{{bucket}}/*"
    }
  ]
}
EOF

delivery_stream() {
  aws firehose describe-delivery-stream --delivery-stream-name {{stream}} \
    --query "DeliveryStreamDescription.$1" --output text
}

delivery_stream_is_made() { [ "$(delivery_stream DeliveryStreamStatus)" != CREATING ]; }

if exists ResourceNotFoundException aws firehose describe-delivery-stream --delivery-stream-name {{stream}}; then
  say "The delivery stream {{stream}} is there."
else
  cat > destination.json <<'EOF'
{
  "RoleARN": "arn:{{partition}}:iam::{{account}}:role/{{firehose_role}}",
  "BucketARN": "arn:{{partition}}:s3:::{{bucket}}",
  "Prefix": "{{prefix}}",
  "ErrorOutputPrefix": "{{error_prefix}}",
  "BufferingHints": { "SizeInMBs": 5, "IntervalInSeconds": 10 },
  "CompressionFormat": "GZIP"
}
EOF
# {{only sql-application}}
  with_new_role aws firehose create-delivery-stream --delivery-stream-name {{stream}} \
    --delivery-stream-type DirectPut \
    --extended-s3-destination-configuration file://destination.json \
    --tags Key=headwater,Value=clickstream-lab > created.json
# {{end}}
# {{only tumbling-window flink}}
  cat > source.json <<'EOF'
{
  "KinesisStreamARN": "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{data_stream}}",
  "RoleARN": "arn:{{partition}}:iam::{{account}}:role/{{firehose_role}}"
}
EOF
  with_new_role aws firehose create-delivery-stream --delivery-stream-name {{stream}} \
    --delivery-stream-type KinesisStreamAsSource \
    --kinesis-stream-source-configuration file://source.json \
    --extended-s3-destination-configuration file://destination.json \
    --tags Key=headwater,Value=clickstream-lab > created.json
# {{end}}
  say "Made the delivery stream {{stream}}."
fi
wait_until "the delivery stream {{stream}} is made" delivery_stream_is_made

destination='Destinations[0].ExtendedS3DestinationDescription'
expect "The status of {{stream}}" "$(delivery_stream DeliveryStreamStatus)" ACTIVE
# {{only sql-application}}
expect "The source of {{stream}}" "$(delivery_stream DeliveryStreamType)" DirectPut
# {{end}}
# {{only tumbling-window flink}}
expect "The source of {{stream}}" "$(delivery_stream Source.KinesisStreamSourceDescription.KinesisStreamARN)" \
  arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{data_stream}}
# {{end}}
expect "The bucket of {{stream}}" "$(delivery_stream "$destination.BucketARN")" arn:{{partition}}:s3:::{{bucket}}
expect "The prefix of {{stream}}" "$(delivery_stream "$destination.Prefix")" {{prefix}}
expect "The prefix of its failed records" "$(delivery_stream "$destination.ErrorOutputPrefix")" {{error_prefix}}
expect "The compression of {{stream}}" "$(delivery_stream "$destination.CompressionFormat")" GZIP
say "Step 1 is done."
