# ensure_data_stream NAME: a Kinesis data stream with one shard.
ensure_data_stream() {
  if exists ResourceNotFoundException aws kinesis describe-stream-summary --stream-name "$1"; then
    say "The data stream $1 is there."
  else
    aws kinesis create-stream --stream-name "$1" --shard-count 1 --stream-mode-details StreamMode=PROVISIONED \
      --tags headwater=clickstream-lab
    say "Made the data stream $1."
  fi
  aws kinesis wait stream-exists --stream-name "$1"
  expect "The number of shards of $1" "$(aws kinesis describe-stream-summary --stream-name "$1" \
    --query StreamDescriptionSummary.OpenShardCount --output text)" 1
}
