#!/usr/bin/env bash
set -euo pipefail
# Step 4: the stream for the counts, and the Flink application with its role and code, running.
# From then on it costs about 0.22 dollars an hour, until it is stopped.

{{include shared/catch_up.sh}}

{{include shared/with_new_role.sh}}

{{include shared/ensure_data_stream.sh}}

ensure_data_stream {{counts_stream}}

ensure_role {{analytics_role}} kinesisanalytics.amazonaws.com
allow {{analytics_role}} read-and-write <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": [
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards"
      ],
      "Resource": "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{data_stream}}"
    },
    {
      "Effect": "Allow",
      "Action": ["kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:PutRecord", "kinesis:PutRecords"],
      "Resource": "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{counts_stream}}"
    },
    {
      "Effect": "Allow",
      "Action": ["s3:GetObject", "s3:GetObjectVersion"],
      "Resource": "arn:{{partition}}:s3:::{{bucket}}/code/*"
    }
  ]
}
EOF

application() {
  aws kinesisanalyticsv2 describe-application --application-name {{application}} \
    --query "ApplicationDetail.$1" --output text
}

application_is_running() { [ "$(application ApplicationStatus)" = RUNNING ]; }

if exists ResourceNotFoundException aws kinesisanalyticsv2 describe-application --application-name {{application}}; then
  say "The application {{application}} is there."
else
  mkdir -p flink/lib
  cat > flink/window_counts.sql <<'EOF'
{{include sql/window_counts.sql}}
EOF
  cat > flink/main.py <<'EOF'
{{include functions/flink/main.py}}
EOF
{{include shared/flink_connector.sh}}
  (cd flink && python3 -m zipfile -c ../flink.zip main.py window_counts.sql lib)
  aws s3 cp flink.zip s3://{{bucket}}/code/flink.zip --only-show-errors
  cat > application.json <<'EOF'
{
  "ApplicationCodeConfiguration": {
    "CodeContentType": "ZIPFILE",
    "CodeContent": {
      "S3ContentLocation": { "BucketARN": "arn:{{partition}}:s3:::{{bucket}}", "FileKey": "code/flink.zip" }
    }
  },
  "EnvironmentProperties": {
    "PropertyGroups": [
      {
        "PropertyGroupId": "kinesis.analytics.flink.run.options",
        "PropertyMap": { "python": "main.py", "jarfile": "lib/flink-sql-connector-kinesis.jar" }
      },
      {
        "PropertyGroupId": "headwater",
        "PropertyMap": { "data_stream": "{{data_stream}}", "counts_stream": "{{counts_stream}}" }
      }
    ]
  },
  "FlinkApplicationConfiguration": {
    "ParallelismConfiguration": {
      "ConfigurationType": "CUSTOM",
      "Parallelism": 1,
      "ParallelismPerKPU": 1,
      "AutoScalingEnabled": false
    }
  }
}
EOF
  with_new_role aws kinesisanalyticsv2 create-application --application-name {{application}} \
    --runtime-environment FLINK-1_20 \
    --service-execution-role arn:{{partition}}:iam::{{account}}:role/{{analytics_role}} \
    --application-configuration file://application.json \
    --tags Key=headwater,Value=clickstream-lab > created.json
  say "Made the application {{application}}."
fi
expect "The runtime of {{application}}" "$(application RuntimeEnvironment)" FLINK-1_20

if [ "$(application ApplicationStatus)" = READY ]; then
  aws kinesisanalyticsv2 start-application --application-name {{application}} \
    --run-configuration 'FlinkRunConfiguration={AllowNonRestoredState=false}' > started.json
fi
wait_until "the application {{application}} is running" application_is_running
say "Step 4 is done."
