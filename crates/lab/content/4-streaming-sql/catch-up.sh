#!/usr/bin/env bash
set -euo pipefail
# Step 4: the role of the SQL application and the application, with the preprocessing function, running.

{{include shared/catch_up.sh}}

{{include shared/with_new_role.sh}}

ensure_role {{analytics_role}} kinesisanalytics.amazonaws.com
allow {{analytics_role}} read-and-call <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["firehose:DescribeDeliveryStream", "firehose:Get*"],
      "Resource": "arn:{{partition}}:firehose:{{region}}:{{account}}:deliverystream/{{stream}}"
    },
    {
      "Effect": "Allow",
      "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
      "Resource": [
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}",
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}:*",
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{output_function}}",
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{output_function}}:*"
      ]
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
  cat > window_counts.sql <<'EOF'
{{include sql/window_counts.sql}}
EOF
  cat > application.py <<'EOF'
import json

columns = [
    ("prev_page", "VARCHAR(512)"),
    ("curr_page", "VARCHAR(512)"),
    ("link_type", "VARCHAR(8)"),
    ("hits", "INTEGER"),
]
schema = {
    "RecordFormat": {
        "RecordFormatType": "CSV",
        "MappingParameters": {
            "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": "\t"}
        },
    },
    "RecordEncoding": "UTF-8",
    "RecordColumns": [{"Name": name, "SqlType": sql_type} for name, sql_type in columns],
}
source = {
    "NamePrefix": "SOURCE_SQL_STREAM",
    "KinesisFirehoseInput": {
        "ResourceARN": "arn:{{partition}}:firehose:{{region}}:{{account}}:deliverystream/{{stream}}"
    },
    "InputSchema": schema,
    "InputProcessingConfiguration": {
        "InputLambdaProcessor": {
            "ResourceARN": "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}"
        }
    },
}
with open("window_counts.sql", encoding="utf-8") as file:
    sql = file.read()
print(json.dumps({
    "SqlApplicationConfiguration": {"Inputs": [source]},
    "ApplicationCodeConfiguration": {"CodeContentType": "PLAINTEXT", "CodeContent": {"TextContent": sql}},
}))
EOF
  python3 application.py > application.json
  with_new_role aws kinesisanalyticsv2 create-application --application-name {{application}} \
    --runtime-environment SQL-1_0 \
    --service-execution-role arn:{{partition}}:iam::{{account}}:role/{{analytics_role}} \
    --application-configuration file://application.json \
    --tags Key=headwater,Value=clickstream-lab > created.json
  say "Made the application {{application}}."
fi

input='ApplicationConfigurationDescription.SqlApplicationConfigurationDescription.InputDescriptions[0]'
expect "The input of {{application}}" "$(application "$input.KinesisFirehoseInputDescription.ResourceARN")" \
  arn:{{partition}}:firehose:{{region}}:{{account}}:deliverystream/{{stream}}
expect "The preprocessing function of {{application}}" \
  "$(application "$input.InputProcessingConfigurationDescription.InputLambdaProcessorDescription.ResourceARN")" \
  arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}

if [ "$(application ApplicationStatus)" = READY ]; then
  position=InputStartingPositionConfiguration={InputStartingPosition=NOW}
  aws kinesisanalyticsv2 start-application --application-name {{application}} \
    --run-configuration "SqlRunConfigurations=[{InputId=$(application "$input.InputId"),$position}]" > started.json
fi
wait_until "the application {{application}} is running" application_is_running
say "Step 4 is done."
