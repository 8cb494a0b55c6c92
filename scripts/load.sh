#!/usr/bin/env bash
# Puts learners at once on a server of its own, and prints how it answers. docs/benchmarks.md tells what each line means.
# HEADWATER_LOAD_LEARNERS, HEADWATER_LOAD_MINUTES and HEADWATER_LOAD_RAMP change how many they are, how long they stay, and
# within how many minutes they come.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh

learners=${HEADWATER_LOAD_LEARNERS:-100,1000}
minutes=${HEADWATER_LOAD_MINUTES:-9}
ramp=${HEADWATER_LOAD_RAMP:-1}
profile=${HEADWATER_LOAD_PROFILE:-release}

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
exec "${bound[@]}" "$CARGO_TARGET_DIR/$folder/headwater-load" lab --headwater "$CARGO_TARGET_DIR/$folder/headwater" \
    --learners "$learners" --minutes "$minutes" --ramp "$ramp" "${cores[@]}"
