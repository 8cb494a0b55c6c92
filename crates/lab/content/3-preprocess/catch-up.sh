#!/usr/bin/env bash
set -euo pipefail
# {{only sql-application}}
# Step 3: the role of the functions and the preprocessing function.
# {{end}}
# {{only tumbling-window flink}}
# Step 3: the role of the functions and the preprocessing function, put into the way of the delivery stream.
# {{end}}

{{include shared/catch_up.sh}}

{{include shared/with_new_role.sh}}

{{include shared/ensure_function.sh}}

ensure_role {{lambda_role}} lambda.amazonaws.com
allow {{lambda_role}} write-logs <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      "Resource": [
        "arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/lambda/{{preprocess_function}}:*",
        "arn:{{partition}}:logs:{{region}}:{{account}}:log-group:/aws/lambda/{{output_function}}:*"
      ]
    }
  ]
}
EOF

cat > lambda_function.py <<'EOF'
{{include functions/preprocess/lambda_function.py}}
EOF
python3 -m zipfile -c preprocess.zip lambda_function.py
ensure_function {{preprocess_function}} preprocess.zip
# {{only tumbling-window flink}}

allow {{firehose_role}} call-preprocessor <<'EOF'
{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": ["lambda:InvokeFunction", "lambda:GetFunctionConfiguration"],
      "Resource": [
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}",
        "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}:*"
      ]
    }
  ]
}
EOF

delivery_stream() {
  aws firehose describe-delivery-stream --delivery-stream-name {{stream}} \
    --query "DeliveryStreamDescription.$1" --output text
}

processing='Destinations[0].ExtendedS3DestinationDescription.ProcessingConfiguration'
if [ "$(delivery_stream "$processing.Enabled")" = True ]; then
  say "The delivery stream has a transformation."
else
  cat > transformation.json <<'EOF'
{
  "ProcessingConfiguration": {
    "Enabled": true,
    "Processors": [
      {
        "Type": "Lambda",
        "Parameters": [
          {
            "ParameterName": "LambdaArn",
            "ParameterValue": "arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}"
          },
          { "ParameterName": "BufferSizeInMBs", "ParameterValue": "1" },
          { "ParameterName": "BufferIntervalInSeconds", "ParameterValue": "10" }
        ]
      }
    ]
  }
}
EOF
  with_new_role aws firehose update-destination --delivery-stream-name {{stream}} \
    --current-delivery-stream-version-id "$(delivery_stream VersionId)" \
    --destination-id "$(delivery_stream 'Destinations[0].DestinationId')" \
    --extended-s3-destination-update file://transformation.json
  say "Put {{preprocess_function}} into the way of {{stream}}."
fi
processor=$(delivery_stream "$processing.Processors[0].Parameters[?ParameterName=='LambdaArn'].ParameterValue | [0]")
expect "The function that transforms" "${processor%:\$LATEST}" \
  arn:{{partition}}:lambda:{{region}}:{{account}}:function:{{preprocess_function}}
# {{end}}
say "Step 3 is done."
