#!/usr/bin/env bash
# Puts learners at once on a server of its own, then has much happen in large classes, and prints how it went.
# docs/benchmarks.md tells what each line means, and which environment variables change what is run.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

learners=${HEADWATER_LOAD_LEARNERS:-100,1000}
ramp=${HEADWATER_LOAD_RAMP:-1}
board=${HEADWATER_LOAD_BOARD:-100,1000,10000}
events=${HEADWATER_LOAD_EVENTS:-500}
seconds=${HEADWATER_LOAD_SECONDS:-60}
profile=${HEADWATER_LOAD_PROFILE:-release}
minutes=()
[ -z "${HEADWATER_LOAD_MINUTES:-}" ] || minutes=(--minutes "$HEADWATER_LOAD_MINUTES")

echo "load: building (several minutes the first time)" >&2
cargo build --quiet --profile "$profile" --package server --package load
folder=$profile
[ "$profile" != dev ] || folder=debug

# The server has two cores. Where there are more, the generator has the others.
cores=() bound=()
if [ "$(nproc)" -ge 4 ] && command -v taskset >/dev/null; then
    cores=(--server-cores 0,1)
    bound=(taskset --cpu-list "2-$(($(nproc) - 1))")
fi
load() {
    "${bound[@]}" "$CARGO_TARGET_DIR/$folder/headwater-load" "$1" --headwater "$CARGO_TARGET_DIR/$folder/headwater" \
        "${@:2}" "${cores[@]}"
}
# Both are measured, whatever comes of the first.
failed=0
[ "$learners" = 0 ] || load lab --learners "$learners" "${minutes[@]}" --ramp "$ramp" || failed=1
[ "$board" = 0 ] || load board --learners "$board" --events "$events" --seconds "$seconds" || failed=1
exit "$failed"
