#!/usr/bin/env bash
set -euo pipefail
# Step 4: the counting function, and the mapping that calls it with the rows of one window at a time.

{{include shared/catch_up.sh}}

{{include shared/with_new_role.sh}}

{{include shared/ensure_function.sh}}

{{include shared/ensure_mapping.sh}}

allow {{lambda_role}} read-clicks <<'EOF'
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
    }
  ]
}
EOF

cat > lambda_function.py <<'EOF'
{{include functions/count/lambda_function.py}}
EOF
cat > store.py <<'EOF'
{{include functions/store/lambda_function.py}}
EOF
python3 -m zipfile -c count.zip lambda_function.py store.py
ensure_function {{output_function}} count.zip

ensure_mapping {{output_function}} {{data_stream}} --batch-size 500 --tumbling-window-in-seconds {{window_seconds}}
expect "The window of the mapping" "$(mapping {{output_function}} {{data_stream}} TumblingWindowInSeconds)" \
  {{window_seconds}}
say "Step 4 is done."
