# mapping FUNCTION STREAM PART: a part of the mapping from a data stream to a function; None if there is none.
mapping() {
  aws lambda list-event-source-mappings --function-name "$1" \
    --event-source-arn "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/$2" \
    --query "EventSourceMappings[0].$3" --output text
}

mapping_is_enabled() { [ "$(mapping "$1" "$2" State)" = Enabled ]; }

# ensure_mapping FUNCTION STREAM OPTIONS...: a mapping that reads the stream from its oldest row on.
ensure_mapping() {
  local function=$1 stream=$2 found
  shift 2
  found=$(mapping "$function" "$stream" UUID)
  if [ "$found" != None ]; then
    say "The mapping from $stream to $function is there."
  else
    with_new_role aws lambda create-event-source-mapping --function-name "$function" \
      --event-source-arn "arn:{{partition}}:kinesis:{{region}}:{{account}}:stream/$stream" \
      --starting-position TRIM_HORIZON --function-response-types ReportBatchItemFailures \
      --tags headwater=clickstream-lab "$@" > created.json
    say "Made the mapping from $stream to $function."
  fi
  wait_until "the mapping from $stream to $function is enabled" mapping_is_enabled "$function" "$stream"
}
