#!/usr/bin/env bash
set -euo pipefail
# Step 2: 300 click rows are sent, unless there are objects already, and the first object is waited for.
# {{only tumbling-window flink}}
# On AWS a new delivery stream passes over what comes in before it has found its place in the data
# stream. If no object comes within two minutes, the rows are therefore sent again, four times at most.
# {{end}}

{{include shared/catch_up.sh}}

object_is_there() {
  local objects
  objects=$(aws s3api list-objects-v2 --bucket {{bucket}} --prefix {{prefix}} --no-paginate --max-keys 1 \
    --query 'length(Contents || `[]`)' --output text) || exit 1
  [ "$objects" != 0 ]
}

if object_is_there; then
  say "There are objects under {{prefix}} already."
else
  cat > records.py <<'EOF'
import json

pages = ["Main_Page", "Paris", "Paris,_Texas", "Montréal", "Zürich", "Rhine"]
rows = [f"other-search\t{pages[number % 6]}\texternal\t{number % 9 + 1}\n" for number in range(300)]
# {{only sql-application}}
records = [{"Data": "".join(rows[start:start + 50])} for start in range(0, len(rows), 50)]
# {{end}}
# {{only tumbling-window flink}}
records = [{"Data": row, "PartitionKey": row.split("\t")[1]} for row in rows]
# {{end}}
print(json.dumps(records))
EOF
  python3 records.py > records.json
  send() {
# {{only sql-application}}
    failed=$(aws firehose put-record-batch --delivery-stream-name {{stream}} --records file://records.json \
      --query FailedPutCount --output text)
# {{end}}
# {{only tumbling-window flink}}
    failed=$(aws kinesis put-records --stream-name {{data_stream}} --records file://records.json \
      --query FailedRecordCount --output text)
# {{end}}
    expect "The number of refused records" "$failed" 0
    say "Sent 300 rows."
  }
# {{only sql-application}}
  send
# {{end}}
# {{only tumbling-window flink}}
  for attempt in $(seq 300); do
    if object_is_there; then break; fi
    if [ $((attempt % 60)) = 1 ]; then send; fi
    sleep 2
  done
# {{end}}
  wait_until "an object has arrived under {{prefix}}" object_is_there
fi
say "Step 2 is done."
