#!/usr/bin/env bash
# Measures Headwater against moto and against limits, in one run. docs/benchmarks.md tells what each line means.
# HEADWATER_BENCH_ROUNDS and HEADWATER_BENCH_SECONDS change the number and length of the rounds.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

rounds=${HEADWATER_BENCH_ROUNDS:-5}
seconds=${HEADWATER_BENCH_SECONDS:-2}
profile=${HEADWATER_BENCH_PROFILE:-release}
python=$HEADWATER_TEST_PYTHON/bin/python3

echo "bench: building (several minutes the first time)"
cargo build --quiet --profile "$profile" --package server --package bench --package app --features app/ssr \
    --bins --example preview
scripts/build-web.sh
folder=$profile
[ "$profile" != dev ] || folder=debug
headwater=$CARGO_TARGET_DIR/$folder/headwater
bench=$CARGO_TARGET_DIR/$folder/headwater-bench

work=$(mktemp -d)
processes=()
finish() {
    for process in "${processes[@]}"; do
        kill "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Waits for a line in a file and prints the address in it; fails when the process that writes it is gone.
address() {
    local process=$1 file=$2 pattern=$3 found
    for _ in $(seq 300); do
        found=$(sed -n "s|.*$pattern.*|\1|p" "$file")
        if [ -n "$found" ]; then
            echo "$found"
            return
        fi
        kill -0 "$process" 2>/dev/null || break
        sleep 0.1
    done
    echo "bench: a server did not start:" >&2
    cat "$file" >&2
    exit 1
}

# No browser looks at the pages of this server, which need no other half.
mkdir -p "$work/site/pkg"
LEPTOS_SITE_ROOT=$work/site HEADWATER_DATA_DIR=$work/data \
    "$headwater" serve --listen 127.0.0.1:0 --sandbox-listen 127.0.0.1:0 >"$work/headwater.log" 2>&1 &
processes+=($!)
"$HEADWATER_TEST_PYTHON/bin/moto_server" -H 127.0.0.1 -p 0 >"$work/moto.log" 2>&1 &
processes+=($!)
pages=$(address "${processes[0]}" "$work/headwater.log" 'Headwater is at \(http://[^ ]*\)')
moto=$(address "${processes[1]}" "$work/moto.log" 'Running on \(http://127[^ ]*\)')

# One account for both: moto takes any key. Nothing of this user's own AWS settings is to be used.
new_account=$("$headwater" sandbox new-account --server "$pages")
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
eval "$new_account"
targets=(--target "headwater=$AWS_ENDPOINT_URL" --target "moto=$moto")
load=("${targets[@]}" --rounds "$rounds" --seconds "$seconds")
unset AWS_ENDPOINT_URL

client=crates/bench/boto3_client.py
results=$work/results
"$python" "$client" prepare "${targets[@]}"
for subject in records items; do
    echo "bench: $subject, boto3"
    "$python" "$client" "$subject" "${load[@]}" >>"$results"
    for calls in 1 8; do
        echo "bench: $subject, Rust SDK, $calls at a time"
        "$bench" "$subject" "${load[@]}" --calls "$calls" >>"$results"
    done
done
echo "bench: streaming SQL"
"$bench" sql --rounds "$rounds" >>"$results"
echo "bench: a class's board"
"$bench" board --rounds "$rounds" >>"$results"
echo "bench: scrolling a board in Chromium"
HEADWATER_PREVIEW=$CARGO_TARGET_DIR/$folder/examples/preview node end2end/measure/scrolling.js --rounds "$rounds" >>"$results"
echo "bench: from a window's end to the chart"
"$bench" chart --pages "$pages" >>"$results"

moto_version=$("$python" -c 'from importlib.metadata import version; print(version("moto"))')
echo
"$bench" report --peer "moto $moto_version" \
    --rounds "$rounds of $seconds s for each client and server, taking turns" <"$results"
