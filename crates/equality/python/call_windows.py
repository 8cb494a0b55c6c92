"""Call the counting function with records as Lambda does for a mapping with a tumbling window.

call_windows.py FILE WINDOW_SECONDS

The input is a JSON list of [arrival in milliseconds, data in base64]. Printed is
what the function prints for each window at its end. The state of a call goes to
the next as JSON. Some calls are made again with the state before, as after an
error; the last call of each window is made twice.
"""

import contextlib
import copy
import importlib.util
import io
import itertools
import json
import sys
from datetime import UTC, datetime

RECORDS_A_CALL = 70


def main(path, window_seconds):
    specification = importlib.util.spec_from_file_location("lambda_function", path)
    function = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(function)
    length = int(window_seconds) * 1000
    for start, records in itertools.groupby(json.load(sys.stdin), lambda record: record[0] // length * length):
        event = {
            "window": {"start": iso(start), "end": iso(start + length)},
            "state": {},
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }
        for number, batch in enumerate(batches(records)):
            event["Records"] = [stream_record(*record) for record in batch]
            for _ in range(2 if number % 3 == 0 else 1):
                answer, _ = call(function, event)
            event["state"] = answer["state"]
        event |= {"Records": [], "isFinalInvokeForWindow": True}
        first, second = (call(function, event)[1] for _ in range(2))
        assert first == second, (first, second)
        # The first line tells what every call tells; the counts of a window without clicks are none.
        print("\n".join(second.splitlines()[1:]))


def batches(records):
    while batch := list(itertools.islice(records, RECORDS_A_CALL)):
        yield batch


def stream_record(arrival, data):
    return {"kinesis": {"data": data, "approximateArrivalTimestamp": arrival / 1000}, "eventSource": "aws:kinesis"}


def call(function, event):
    """The answer, through JSON, and the log."""
    log = io.StringIO()
    with contextlib.redirect_stdout(log):
        answer = function.handler(copy.deepcopy(event), None)
    return json.loads(json.dumps(answer)), log.getvalue()


def iso(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


main(*sys.argv[1:])
