"""Count the clicks of each window of a Kinesis stream, and store the counts when the window ends.

Lambda cuts a shard's records into windows by the time at which they arrived. It
calls this function with some records of a window at a time, and gives each call
the state that the call before has answered. A last call comes when the window
is over: its counts are complete then, and are written.

A call that fails is made again with the same records and the same state, so
that no record counts twice. The last call writes values and adds up nothing:
made again it writes the same, and a fault of the table makes it fail on purpose.

The state may take 1 MB; beyond that Lambda would end the window early. The
state is therefore kept below, whatever is sent: a window counts its first
10,000 different titles, fewer if they are very long. Further new titles count
in the views alone, and what could be greater has the mark is_lower_bound.

One shard is one count. Two shards would each write an item of their own window
into the same place: keep the stream at one shard, or give the key the shard's id.

Without the variable TABLE_NAME the counts are printed instead of stored.
"""

import base64
import json
import os
from datetime import datetime

# The code of the output function lies beside this file as store.py. It needs a table.
if os.environ.get("TABLE_NAME"):
    import store
else:
    store = None

LINK_TYPES = {"link", "external", "other"}
LARGEST_HITS = 2_147_483_647  # what an INTEGER column of SQL can hold
LONGEST_TITLE = 512  # characters, as a VARCHAR(512) column cuts it
RUN_MARK = "Headwater_run_"  # the title of a page that marks a sending begins so

MOST_TITLES = {"pages": 10_000, "trace": 100}
LARGEST_STATE = 900_000  # bytes of its titles and counts, with room below 1 MB
COUNT_BYTES = 24  # a count in JSON with what stands around it, at most
TOP_PAGES = 10


def handler(event, context):
    if not event.get("window"):
        raise ValueError("the event has no window: set TumblingWindowInSeconds of the event source mapping")
    state = event.get("state") or new_state()
    records = event.get("Records", [])
    for record in records:
        count_record(state, record)
    # Numbers only: a log is no place for other people's data.
    print(f"{len(records)} records; the window has {state['views']} views, {len(state['pages'])} titles, "
          f"{state['skipped']} lines skipped")
    is_early = bool(event.get("isWindowTerminatedEarly"))
    if event.get("isFinalInvokeForWindow") or is_early:
        finish(event["window"], state, is_early)
    return {"state": state, "batchItemFailures": []}


def new_state():
    """The state of a window without clicks. Titles have their rows in pages, marked ones their hits in trace."""
    return {"views": 0, "pages": {}, "trace": {}, "left_out": {"pages": 0, "trace": 0}, "skipped": 0, "bytes": 0}


def count_record(state, record):
    """Count the good lines of a record. One that is not text in UTF-8 is skipped whole."""
    try:
        text = base64.b64decode(record["kinesis"]["data"], validate=True).decode("utf-8")
    except (KeyError, TypeError, ValueError):
        state["skipped"] += 1
        return
    for line in text.split("\n"):
        line = line.removesuffix("\r")
        if not line.strip():
            continue
        click = read_click(line)
        if click is None:
            state["skipped"] += 1
            continue
        title, hits = click
        state["views"] += hits
        add(state, "pages", title, 1)
        if title.startswith(RUN_MARK):
            add(state, "trace", title, hits)


def read_click(line):
    """The page and the hits of a click row, by the rules of the preprocessing function; None if it is not one."""
    columns = line.split("\t")
    if len(columns) != 4:
        return None
    previous, current, link_type, hits = columns
    if not previous or not current or link_type not in LINK_TYPES:
        return None
    if not (hits.isascii() and hits.isdigit() and len(hits) <= 10 and 1 <= int(hits) <= LARGEST_HITS):
        return None
    return current[:LONGEST_TITLE], int(hits)


def add(state, name, title, amount):
    """Add to the count of a title, unless it is a new one and there is no room for it."""
    counts = state[name]
    if title not in counts:
        size = len(json.dumps(title)) + COUNT_BYTES
        if len(counts) >= MOST_TITLES[name] or state["bytes"] + size > LARGEST_STATE:
            state["left_out"][name] += 1
            return
        state["bytes"] += size
    counts[title] = counts.get(title, 0) + amount


def finish(window, state, is_early):
    """Store or print the counts of a window that is over. A window without clicks leaves nothing behind."""
    if not state["views"]:
        return
    start, end = (datetime.fromisoformat(window[name]) for name in ("start", "end"))
    row = {"window_end": end.strftime("%Y-%m-%dT%H:%M:%SZ"), "window_seconds": round((end - start).total_seconds())}
    # The most rows first; among pages with as many, in the order of their titles.
    top = sorted(state["pages"].items(), key=lambda page: (-page[1], page[0]))[:TOP_PAGES]
    counts = {"views": state["views"], "distinct_pages": len(state["pages"]), "top_pages": dict(top)}
    if state["trace"]:
        counts["trace"] = state["trace"]
    if store is None:
        print(json.dumps({**row, **counts}, ensure_ascii=False))
        return
    # A window that ended early goes on as another with the same end, whose counts replace these. The mark stays.
    left_out = state["left_out"]
    could_be_greater = {"distinct_pages": left_out["pages"], "top_pages": left_out["pages"], "trace": left_out["trace"]}
    for metric, value in counts.items():
        store_counts({**row, "metric": metric}, value, is_early or could_be_greater.get(metric))


def store_counts(row, value, is_lower_bound):
    """Set the number or the map of pages of an item, all at once."""
    if isinstance(value, dict):
        assignments = "pages = :value"
        values = {":value": {"M": {title: {"N": str(amount)} for title, amount in value.items()}}}
    else:
        assignments = "amount = :value"
        values = {":value": {"N": str(value)}}
    if is_lower_bound:
        assignments += ", is_lower_bound = :yes"
        values[":yes"] = {"BOOL": True}
    store.set_values(row, assignments, values)
