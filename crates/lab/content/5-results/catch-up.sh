#!/usr/bin/env bash
set -euo pipefail
# {{only sql-application}}
# Step 5: the table, the output function, and the application's output to it.
# {{end}}
# {{only tumbling-window}}
# Step 5: the table, and its name for the counting function.
# {{end}}
# {{only flink}}
# Step 5: the table, the output function, and the mapping from the counts stream to it.
# {{end}}

{{include shared/catch_up.sh}}
# {{only sql-application flink}}

{{include shared/with_new_role.sh}}

{{include shared/ensure_function.sh}}
# {{end}}
# {{only flink}}

{{include shared/ensure_mapping.sh}}
# {{end}}

if exists ResourceNotFoundException aws dynamodb describe-table --table-name {{table}}; then
  say "The table {{table}} is there."
else
  aws dynamodb create-table --table-name {{table}} \
    --attribute-definitions AttributeName=metric,AttributeType=S AttributeName=window_end,AttributeType=S \
    --key-schema AttributeName=metric,KeyType=HASH AttributeName=window_end,KeyType=RANGE \
    --billing-mode PAY_PER_REQUEST --tags Key=headwater,Value=clickstream-lab > created.json
  say "Made the table {{table}}."
fi
aws dynamodb wait table-exists --table-name {{table}}
expect "The key of {{table}}" "$(aws dynamodb describe-table --table-name {{table}} \
  --query 'join(`,`, Table.KeySchema[].AttributeName)' --output text)" metric,window_end

allow {{lambda_role}} write-table <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "dynamodb:UpdateItem",
      "Resource": "arn:{{partition}}:dynamodb:{{region}}:{{account}}:table/{{table}}"
    }
  ]
}
EOF

table_name() {
  aws lambda get-function-configuration --function-name {{output_function}} \
    --query Environment.Variables.TABLE_NAME --output text
}
# {{only tumbling-window}}

if [ "$(table_name)" = None ]; then
  aws lambda update-function-configuration --function-name {{output_function}} \
    --environment 'Variables={TABLE_NAME={{table}}}' > updated.json
  aws lambda wait function-updated-v2 --function-name {{output_function}}
  say "Told {{output_function}} the table's name."
fi
# {{end}}
# {{only sql-application flink}}

cat > lambda_function.py <<'EOF'
{{include functions/store/lambda_function.py}}
EOF
python3 -m zipfile -c store.zip lambda_function.py
ensure_function {{output_function}} store.zip --environment 'Variables={TABLE_NAME={{table}}}'
# {{end}}
expect "The table of {{output_function}}" "$(table_name)" {{table}}
# {{only flink}}

allow {{lambda_role}} read-counts <<'EOF'
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
      "Resource": "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/{{counts_stream}}"
    }
  ]
}
EOF
ensure_mapping {{output_function}} {{counts_stream}} --batch-size 100
# {{end}}
# {{only sql-application}}

application() {
  aws kinesisanalyticsv2 describe-application --application-name {{application}} \
    --query "ApplicationDetail.$1" --output text
}

application_is_settled() { [ "$(application ApplicationStatus)" != UPDATING ]; }

output='ApplicationConfigurationDescription.SqlApplicationConfigurationDescription.OutputDescriptions[0]'
if [ "$(application "$output.Name")" != None ]; then
  say "The application {{application}} has an output."
else
  arn=arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{output_function}}
  aws kinesisanalyticsv2 add-application-output --application-name {{application}} \
    --current-application-version-id "$(application ApplicationVersionId)" \
    --application-output "Name=WINDOW_COUNTS,LambdaOutput={ResourceARN=$arn},DestinationSchema={RecordFormatType=JSON}" \
    > added.json
  say "Attached {{output_function}} to {{application}}."
fi
wait_until "the application {{application}} is changed" application_is_settled
expect "The output of {{application}}" "$(application "$output.Name")" WINDOW_COUNTS
# {{end}}
say "Step 5 is done. Counts come when clicks have been sent and a window is over."
