# make run    sets everything up and serves Headwater at http://127.0.0.1:3000
# make test   sets everything up and runs every test, a real browser's included
# make bench  prints the measurements, each against a peer or a limit in the same run
# make load   prints what a server does under a thousand learners at once
# make check  formatting and lints only
.PHONY: run test bench load check
SHELL := /bin/bash

run:
	@scripts/setup.sh run
	@scripts/run.sh

test:
	@scripts/setup.sh test
	@scripts/test.sh

bench:
	@scripts/setup.sh test
	@scripts/bench.sh

load:
	@scripts/setup.sh run
	@scripts/load.sh

check:
	@scripts/check.sh
