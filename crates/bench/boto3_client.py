"""The boto3 half of `make bench`: one client in one process, against each target in turn.

    boto3_client.py prepare --target NAME=URL ...   makes what the other commands, and the Rust client, put things into
    boto3_client.py records --target NAME=URL ...   records a second into Firehose, by PutRecordBatch
    boto3_client.py items   --target NAME=URL ...   items a second into DynamoDB, by PutItem

The keys and the region are those of the environment. The measuring commands print one measurement a line, as JSON, in the
shape that crates/bench/src/measurement.rs reads.
"""

import argparse
import json
import time

import boto3
from botocore.config import Config

BUCKET = "bench"
ROLE = "bench"
TABLE = "bench"
STREAMS = 8  # several, since each has AWS's quota a second
RECORDS_A_CALL = 500  # the most that PutRecordBatch takes
BATCHES = 16  # different calls; more would only take memory
SETTLE_SECONDS = 60  # how long delivery of a round may take after it
READY_SECONDS = 30


class Target:
    """An endpoint with a name for the report."""

    def __init__(self, text):
        self.name, separator, self.url = text.partition("=")
        if not separator:
            raise argparse.ArgumentTypeError(f"{text!r} is not NAME=URL")
        self.rates = []

    def client(self, service):
        # Nothing is tried again, so that a failed call shows.
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url, config=config)


def prepare(options):
    for target in options.targets:
        firehose = target.client("firehose")
        target.client("s3").create_bucket(Bucket=BUCKET)
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        role = target.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
        for number in range(STREAMS):
            firehose.create_delivery_stream(
                DeliveryStreamName=f"bench-{number}",
                ExtendedS3DestinationConfiguration={
                    "RoleARN": role["Role"]["Arn"],
                    "BucketARN": f"arn:aws:s3:::{BUCKET}",
                    # moto writes an object a call, at once; the shortest buffer is the nearest to it.
                    "BufferingHints": {"SizeInMBs": 5, "IntervalInSeconds": 1},
                },
            )
        dynamodb = target.client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[
                {"AttributeName": "metric", "AttributeType": "S"},
                {"AttributeName": "window_end", "AttributeType": "S"},
            ],
            KeySchema=[
                {"AttributeName": "metric", "KeyType": "HASH"},
                {"AttributeName": "window_end", "KeyType": "RANGE"},
            ],
        )
        dynamodb.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1, "MaxAttempts": READY_SECONDS})
        for number in range(STREAMS):
            wait_until_active(firehose, f"bench-{number}")


def wait_until_active(firehose, stream):
    end = time.monotonic() + READY_SECONDS
    while True:
        described = firehose.describe_delivery_stream(DeliveryStreamName=stream)
        status = described["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        if status == "ACTIVE":
            return
        if time.monotonic() > end:
            raise SystemExit(f"the stream {stream} is still {status}")
        time.sleep(0.1)


def records(options):
    batches = [batch(number) for number in range(BATCHES)]
    record_bytes = len(batches[0][0]["Data"])
    clients = {target: (target.client("firehose"), target.client("s3")) for target in options.targets}

    def put(firehose, number):
        answer = firehose.put_record_batch(
            DeliveryStreamName=f"bench-{number % STREAMS}", Records=batches[number % BATCHES]
        )
        if answer["FailedPutCount"]:
            raise SystemExit(f"{answer['FailedPutCount']} records exceeded the quota")

    for _ in range(options.rounds):
        for target, (firehose, s3) in clients.items():
            delivered_before = delivered_bytes(s3)
            put(firehose, 0)  # opens the connection, which is no part of the measurement
            calls, rate = drive(options.seconds, lambda number: put(firehose, number))
            target.rates.append(rate * RECORDS_A_CALL)
            # The next round begins with an idle machine, and nothing was lost.
            settle(s3, target, delivered_before + (calls + 1) * RECORDS_A_CALL * record_bytes)
    tell(options, "records")


def batch(number):
    """Rows of clicks, one a record, all of the same length; the same as those of the Rust client."""
    first = number * RECORDS_A_CALL
    rows = [f"other-search\tPage_{first + index:05}\texternal\t1\n" for index in range(RECORDS_A_CALL)]
    return [{"Data": row.encode()} for row in rows]


def delivered_bytes(s3):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return sum(found["Size"] for page in pages for found in page.get("Contents", []))


def settle(s3, target, expected):
    end = time.monotonic() + SETTLE_SECONDS
    while (delivered := delivered_bytes(s3)) != expected:
        if delivered > expected or time.monotonic() > end:
            raise SystemExit(f"{target.name} delivered {delivered} bytes of {expected}")
        time.sleep(0.2)


def items(options):
    clients = {target: target.client("dynamodb") for target in options.targets}

    def put(dynamodb, metric, number):
        """A new item as the lab's output function writes it, in size and shape; the same as the Rust client's."""
        dynamodb.put_item(
            TableName=TABLE,
            Item={
                "metric": {"S": metric},
                "window_end": {"S": f"{number:020}"},
                "window_seconds": {"N": "60"},
                "amount": {"N": str(number)},
                "written_at": {"S": "2026-01-01T00:00:00Z"},
            },
        )

    for round_number in range(options.rounds):
        metric = f"boto3-{round_number}"
        for target, dynamodb in clients.items():
            put(dynamodb, metric, 10**19)  # opens the connection, which is no part of the measurement
            _, rate = drive(options.seconds, lambda number: put(dynamodb, metric, number))
            target.rates.append(rate)
    tell(options, "items")


def drive(seconds, call):
    """Makes calls, one after the other, until the time is over: how many, and how many a second."""
    calls = 0
    begin = time.perf_counter()
    while (elapsed := time.perf_counter() - begin) < seconds:
        call(calls)
        calls += 1
    return calls, calls / elapsed


def tell(options, subject):
    for target in options.targets:
        how = "boto3, one call at a time"
        print(json.dumps({"subject": subject, "how": how, "target": target.name, "values": target.rates}), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["prepare", "records", "items"])
    parser.add_argument("--target", dest="targets", type=Target, action="append", required=True, metavar="NAME=URL")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    {"prepare": prepare, "records": records, "items": items}[options.command](options)


if __name__ == "__main__":
    main()
