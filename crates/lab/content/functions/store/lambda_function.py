"""Store window counts in DynamoDB, so that a repeated delivery changes nothing.

Rows come each in a record of its own, at least once: now and then twice. The
key of an item is therefore the metric and the end of its window, and every
write sets a value; nothing is added up. The second delivery of a row writes
the same number into the same place.

Two services call this function. The SQL application sends `records` and wants
one answer for each: Ok means done with it, DeliveryFailed asks for it again.
The mapping from a Kinesis stream sends `Records` and wants the sequence number
from which to begin again. It must be set to ReportBatchItemFailures; otherwise
Lambda takes any answer for a success, and a failed row is lost.

Only a fault that passes, such as a throttled table, makes a record come again.
A row that can never be stored would come back for ever and hold up all rows
behind it: it goes to an item of the metric dead_letter, and is done with.
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
PAGE_METRICS = {"top_pages", "trace"}  # the items of these hold a map of pages
REFUSALS = {"ValidationException", "SerializationException"}  # what DynamoDB says to a row that it will never take
LONGEST_DEAD_LETTER = 10_000  # characters kept of a row that cannot be stored

# Few tries of its own: whoever sent a record sends it again when it fails.
dynamodb = boto3.client(
    "dynamodb",
    config=Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3}),
)


class MalformedRow(Exception):
    """A row that no retry can mend."""


def handler(event, context):
    if "Records" in event:
        return answer_stream(event["Records"])
    return answer_application(event.get("records", []))


def answer_application(records):
    """The SQL application's records, each with its answer."""
    answers = []
    for record in records:
        result = "Ok" if deliver(record.get("data")) else "DeliveryFailed"
        answers.append({"recordId": record["recordId"], "result": result})
    failed = sum(answer["result"] != "Ok" for answer in answers)
    print(f"{len(answers)} rows, {failed} to be sent again")
    return {"records": answers}


def answer_stream(records):
    """A shard's records, in order. From the first that fails on they all come again, so that none need be tried now."""
    done = 0
    for record in records:
        if not deliver(record["kinesis"].get("data")):
            break
        done += 1
    failed = records[done:]
    print(f"{len(records)} rows, {len(failed)} to be sent again")
    return {"batchItemFailures": [{"itemIdentifier": record["kinesis"]["sequenceNumber"]} for record in failed[:1]]}


def deliver(data):
    """Whether a row is done with, stored or set aside; otherwise it must be sent again."""
    try:
        try:
            store(parse(data))
        except MalformedRow as fault:
            set_aside(data, str(fault))
        except ClientError as error:
            if error.response["Error"]["Code"] not in REFUSALS:
                raise
            set_aside(data, "DynamoDB refuses the row")
    except (BotoCoreError, ClientError) as error:
        print(f"not stored, to be sent again: {type(error).__name__}: {error}")
        return False
    return True


def parse(data):
    """The row in a record's data, checked."""
    try:
        row = json.loads(base64.b64decode(data, validate=True))
    except (TypeError, ValueError, RecursionError):
        raise MalformedRow("not JSON in base64") from None
    if not isinstance(row, dict):
        raise MalformedRow("not a JSON object")
    for name, kind in {"metric": str, "item": str, "window_end": str, "window_seconds": int, "amount": int}.items():
        if type(row.get(name)) is not kind:
            raise MalformedRow(f"{name} is missing or of the wrong type")
    if row["metric"] in ("", "dead_letter"):
        raise MalformedRow("not a metric to count")
    if row["metric"] in PAGE_METRICS and not row["item"]:
        raise MalformedRow("a page without a title")
    try:
        end = datetime.fromisoformat(row["window_end"])
        end = end.replace(tzinfo=UTC) if end.tzinfo is None else end.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MalformedRow("window_end is no time") from None
    return {**row, "window_end": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def store(row):
    """Set the row's value. A page has a place of its own in the map "pages"."""
    amount = {"N": str(row["amount"])}
    if row["metric"] not in PAGE_METRICS:
        set_values(row, "amount = :amount", {":amount": amount})
        return
    # A place inside a map can be set only once the map is there.
    set_values(row, "pages = if_not_exists(pages, :empty)", {":empty": {"M": {}}})
    update(key(row), "SET pages.#title = :amount", {":amount": amount}, {"#title": row["item"]})


def set_values(row, assignments, values):
    """Set values of the item of the row's metric and window."""
    update(
        key(row),
        f"SET {assignments}, window_seconds = :seconds, written_at = if_not_exists(written_at, :now)",
        {**values, ":seconds": {"N": str(row["window_seconds"])}, ":now": {"S": now()}},
    )


def key(row):
    return {"metric": {"S": row["metric"]}, "window_end": {"S": row["window_end"]}}


def set_aside(data, reason):
    """Keep a row that cannot be stored, under a key made from its content."""
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
