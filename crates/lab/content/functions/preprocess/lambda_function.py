"""Clean click rows before the streaming SQL reads them.

A record holds lines of four columns, split by tabs: the page before, the page
asked for, the kind of link, and the number of hits. Each record that comes in
gets one answer with the same recordId:

Ok                the good lines, each ended by a line feed
Dropped           nothing of ours in it: empty, or another format altogether
ProcessingFailed  meant to be click rows, but unreadable, or no line is good

The function raises nothing on bad data. An error would fail the whole batch,
and the service would send the same batch again, for ever.
"""

import base64

LINK_TYPES = {"link", "external", "other"}
LARGEST_HITS = 2_147_483_647  # what an INTEGER column of the SQL can hold


def handler(event, context):
    counts = {"kept": 0, "rejected": 0, "unreadable": 0}
    answers = [answer(record, counts) for record in event.get("records", [])]
    # Numbers only: a log is no place for other people's data.
    print(f"{len(answers)} records; lines kept {counts['kept']}, rejected {counts['rejected']}; "
          f"unreadable records {counts['unreadable']}")
    return {"records": answers}


def answer(record, counts):
    """The answer to one record; counts its lines on the way."""
    record_id = record["recordId"]
    try:
        text = base64.b64decode(record["data"], validate=True).decode("utf-8")
    except (KeyError, TypeError, ValueError):  # no data, not base64, not UTF-8
        counts["unreadable"] += 1
        return {"recordId": record_id, "result": "ProcessingFailed"}

    lines = [line.removesuffix("\r") for line in text.split("\n")]
    lines = [line for line in lines if line.strip()]
    good = [line for line in lines if is_click_row(line)]
    counts["kept"] += len(good)
    counts["rejected"] += len(lines) - len(good)

    if good:
        rows = "".join(line + "\n" for line in good)
        # b64encode gives bytes, and JSON has no bytes: decode makes it a string.
        data = base64.b64encode(rows.encode("utf-8")).decode("ascii")
        return {"recordId": record_id, "result": "Ok", "data": data}
    if any("\t" in line for line in lines):
        return {"recordId": record_id, "result": "ProcessingFailed"}
    return {"recordId": record_id, "result": "Dropped"}


def is_click_row(line):
    """Whether a line has four good columns. Commas and quotes are plain text."""
    columns = line.split("\t")
    if len(columns) != 4:
        return False
    previous, current, link_type, hits = columns
    return bool(previous and current) and link_type in LINK_TYPES and is_count(hits)


def is_count(text):
    """Whether a text is a whole number from 1 to what the SQL can hold."""
    return text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= LARGEST_HITS
