#!/usr/bin/env bash
set -euo pipefail
# Step 6: everything that the lab has made is deleted, with all data in it.

{{include shared/catch_up.sh}}

gone() { ! exists "$@"; }
# {{only sql-application flink}}

application() {
  aws kinesisanalyticsv2 describe-application --application-name {{application}} \
    --query "ApplicationDetail.$1" --output text
}

application_is_stopped() { [ "$(application ApplicationStatus)" = READY ]; }

describe_application="aws kinesisanalyticsv2 describe-application --application-name {{application}}"
if exists ResourceNotFoundException $describe_application; then
  case "$(application ApplicationStatus)" in
    READY | DELETING) ;;
    STOPPING) wait_until "the application is stopped" application_is_stopped ;;
    *)
      aws kinesisanalyticsv2 stop-application --application-name {{application}} > stopped.json
      wait_until "the application is stopped" application_is_stopped
      ;;
  esac
  if [ "$(application ApplicationStatus)" = READY ]; then
    aws kinesisanalyticsv2 delete-application --application-name {{application}} \
      --create-timestamp "$(application CreateTimestamp)"
  fi
fi
wait_until "the application {{application}} is gone" gone ResourceNotFoundException $describe_application
say "The application is gone."
# {{end}}
# {{only tumbling-window flink}}

mappings() {
  if exists ResourceNotFoundException aws lambda list-event-source-mappings --function-name {{output_function}} \
    --query "EventSourceMappings[$1].UUID" --output text; then
    cat found.txt
  fi
}

no_mapping() {
  local found
  found=$(mappings '') || exit 1
  [ -z "$found" ]
}

doomed=$(mappings "?State!='Deleting'")
for mapping in $doomed; do
  aws lambda delete-event-source-mapping --uuid "$mapping" > deleted.json
done
wait_until "the mappings are gone" no_mapping
say "The mapping is gone."
# {{end}}

describe_delivery_stream="aws firehose describe-delivery-stream --delivery-stream-name {{stream}}"
if exists ResourceNotFoundException $describe_delivery_stream; then
  aws firehose delete-delivery-stream --delivery-stream-name {{stream}} 2> refusal.txt \
    || grep -q ResourceInUseException refusal.txt || fail "$(cat refusal.txt)"
fi
wait_until "the delivery stream {{stream}} is gone" gone ResourceNotFoundException $describe_delivery_stream
say "The delivery stream is gone."
# {{only tumbling-window flink}}

streams="{{data_stream}}"
# {{only flink}}
streams="$streams {{counts_stream}}"
# {{end}}
for stream in $streams; do
  describe_stream="aws kinesis describe-stream-summary --stream-name $stream"
  if exists ResourceNotFoundException $describe_stream; then
    aws kinesis delete-stream --stream-name "$stream" 2> refusal.txt \
      || grep -q ResourceInUseException refusal.txt || fail "$(cat refusal.txt)"
  fi
  wait_until "the data stream $stream is gone" gone ResourceNotFoundException $describe_stream
  say "The data stream $stream is gone."
done
# {{end}}

for function in {{preprocess_function}} {{output_function}}; do
  if exists ResourceNotFoundException aws lambda get-function-configuration --function-name "$function"; then
    aws lambda delete-function --function-name "$function"
  fi
  if ! aws logs delete-log-group --log-group-name "/aws/lambda/$function" 2> refusal.txt; then
    grep -q ResourceNotFoundException refusal.txt || say "The logs of $function stay: $(cat refusal.txt)"
  fi
  say "The function $function is gone."
done

if exists ResourceNotFoundException aws dynamodb describe-table --table-name {{table}}; then
  aws dynamodb delete-table --table-name {{table}} > deleted.json 2> refusal.txt \
    || grep -q ResourceInUseException refusal.txt || fail "$(cat refusal.txt)"
fi
aws dynamodb wait table-not-exists --table-name {{table}}
say "The table is gone."

if exists '(404)' aws s3api head-bucket --bucket {{bucket}}; then
  aws s3 rm s3://{{bucket}} --recursive --only-show-errors
  aws s3api delete-bucket --bucket {{bucket}}
fi
aws s3api wait bucket-not-exists --bucket {{bucket}}
say "The bucket is gone."

# {{only sql-application flink}}
for role in {{firehose_role}} {{lambda_role}} {{analytics_role}}; do
# {{end}}
# {{only tumbling-window}}
for role in {{firehose_role}} {{lambda_role}}; do
# {{end}}
  if exists NoSuchEntity aws iam get-role --role-name "$role"; then
    for policy in $(aws iam list-role-policies --role-name "$role" --query 'PolicyNames[]' --output text); do
      aws iam delete-role-policy --role-name "$role" --policy-name "$policy"
    done
    aws iam delete-role --role-name "$role"
  fi
  say "The role $role is gone."
done
say "Step 6 is done."
