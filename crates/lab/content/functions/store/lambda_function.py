"""Store window counts in DynamoDB, so that a repeated delivery changes nothing.

The SQL application delivers each row at least once: now and then twice. The
key of an item is therefore the metric and the end of its window, and every
write sets a value; nothing is added up. The second delivery of a row writes
the same number into the same place.

Each record gets one answer. Ok means done with it. DeliveryFailed asks for it
again, and is kept for faults that pass, such as a throttled table. A row that
can never be stored would come back for ever and hold up all rows behind it: it
goes to an item of the metric dead_letter, and the answer is Ok.
"""

import base64
import hashlib
import json
import os
from datetime import UTC, datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

TABLE_NAME = os.environ["TABLE_NAME"]
LONGEST_DEAD_LETTER = 10_000  # characters kept of a row that cannot be stored

# Few tries of its own: the application sends a failed record again anyway.
dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3}),
)


class MalformedRow(Exception):
    """A row that no retry can mend."""


def handler(event, context):
    answers = [{"recordId": record["recordId"], "result": deliver(record)} for record in event.get("records", [])]
    failed = sum(answer["result"] != "Ok" for answer in answers)
    print(f"{len(answers)} rows, {failed} to be sent again")
    return {"records": answers}


def deliver(record):
    """The result for one record: stored, set aside, or to be sent again."""
    try:
        try:
            store(parse(record))
        except MalformedRow as fault:
            set_aside(record, str(fault))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            set_aside(record, "DynamoDB refuses the row")
    except (BotoCoreError, ClientError) as error:
        print(f"not stored, to be sent again: {type(error).__name__}: {error}")
        return "DeliveryFailed"
    return "Ok"


def parse(record):
    """The row of a record, checked."""
    try:
        row = json.loads(base64.b64decode(record["data"], validate=True))
    except (KeyError, TypeError, ValueError, RecursionError):
        raise MalformedRow("not JSON in base64") from None
    if not isinstance(row, dict):
        raise MalformedRow("not a JSON object")
    for name, kind in {"metric": str, "item": str, "window_end": str, "window_seconds": int, "amount": int}.items():
        if type(row.get(name)) is not kind:
            raise MalformedRow(f"{name} is missing or of the wrong type")
    if row["metric"] in ("", "dead_letter"):
        raise MalformedRow("not a metric to count")
    if row["metric"] == "top_pages" and not row["item"]:
        raise MalformedRow("a top page without a title")
    try:
        end = datetime.fromisoformat(row["window_end"])
        end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedRow("window_end is no time") from None
    return {**row, "window_end": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def store(row):
    """Set the row's value. A top page has a place of its own in the map "pages"."""
    key = {"metric": {"S": row["metric"]}, "window_end": {"S": row["window_end"]}}
    amount = {"N": str(row["amount"])}
    facts = {":seconds": {"N": str(row["window_seconds"])}, ":now": {"S": now()}}
    times = "window_seconds = :seconds, written_at = if_not_exists(written_at, :now)"
    if row["metric"] != "top_pages":
        update(key, f"SET amount = :amount, {times}", {":amount": amount, **facts})
        return
    # A place inside a map can be set only once the map is there.
    update(key, f"SET pages = if_not_exists(pages, :empty), {times}", {":empty": {"M": {}}, **facts})
    update(key, "SET pages.#title = :amount", {":amount": amount}, {"#title": row["item"]})


def set_aside(record, reason):
    """Keep a row that cannot be stored, under a key made from its content."""
    data = record.get("data")
    text = data if isinstance(data, str) else json.dumps(data)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    print(f"set aside as {digest}: {reason}")
    update(
        {"metric": {"S": "dead_letter"}, "window_end": {"S": digest}},
        "SET reason = :reason, payload = :payload, written_at = if_not_exists(written_at, :now)",
        {":reason": {"S": reason}, ":payload": {"S": readable(text)}, ":now": {"S": now()}},
    )


def readable(text):
    """A row's text as far as it can be read, cut to a bounded length."""
    try:
        text = base64.b64decode(text, validate=True).decode("utf-8")
    except ValueError:
        pass
    return text.encode("utf-8", "replace").decode("utf-8")[:LONGEST_DEAD_LETTER]


def update(key, expression, values, names=None):
    arguments = {"ExpressionAttributeNames": names} if names else {}
    dynamodb.update_item(
        TableName=TABLE_NAME,
        Key=key,
        UpdateExpression=expression,
        ExpressionAttributeValues=values,
        **arguments,
    )


def now():
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
