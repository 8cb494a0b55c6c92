"""The output function: a repeated delivery changes nothing, a fault costs only its own record."""

import base64
import contextlib
import copy
import io
import json
import os
import unittest

from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber

from loading import load

TABLE = "ClickstreamWindowCounts"
END = "2026-11-24T19:00:00Z"


def row(metric="views", item="", amount=1234, **changes):
    return {
        "metric": metric,
        "item": item,
        "window_end": "2026-11-24 19:00:00.000",
        "window_seconds": 60,
        "amount": amount,
        **changes,
    }


def record(record_id, content):
    if not isinstance(content, bytes):
        content = json.dumps(content).encode()
    return {
        "recordId": record_id,
        "lambdaDeliveryRecordMetadata": {"retryHint": 0},
        "data": base64.b64encode(content).decode(),
    }


def stream_record(sequence_number, content):
    """As an event source mapping of a Kinesis stream sends it."""
    data = record("", content)["data"]
    return {
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{sequence_number}",
        "kinesis": {"partitionKey": "p", "sequenceNumber": str(sequence_number), "data": data},
    }


def refusal(code):
    return ClientError({"Error": {"Code": code, "Message": "refused"}}, "UpdateItem")


class FakeTable:
    """UpdateItem as far as the function uses it: SET, if_not_exists, one map."""

    def __init__(self):
        self.items = {}
        self.faults = []

    def update_item(self, TableName, Key, UpdateExpression, ExpressionAttributeValues, ExpressionAttributeNames=None):
        if self.faults:
            fault = self.faults.pop(0)
            if fault is not None:
                raise fault
        assert TableName == TABLE
        assert UpdateExpression.startswith("SET ")
        item = copy.deepcopy(self.items.get((Key["metric"]["S"], Key["window_end"]["S"]), {}))
        for assignment in UpdateExpression.removeprefix("SET ").replace(", :", "§:").split(", "):
            path, value = assignment.replace("§:", ", :").split(" = ")
            target, (*parents, name) = item, path.split(".")
            for parent in parents:
                if parent not in target:
                    raise refusal("ValidationException")
                target = target[parent]["M"]
            name = (ExpressionAttributeNames or {}).get(name, name)
            if value.startswith("if_not_exists("):
                old, new = value.removeprefix("if_not_exists(").removesuffix(")").split(", ")
                assert old == name
                target.setdefault(name, ExpressionAttributeValues[new])
            else:
                target[name] = ExpressionAttributeValues[value]
        self.items[(Key["metric"]["S"], Key["window_end"]["S"])] = item


class Store(unittest.TestCase):
    def setUp(self):
        os.environ.update(
            TABLE_NAME=TABLE,
            AWS_DEFAULT_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )
        self.function = load("store")
        self.table = FakeTable()
        self.client = self.function.dynamodb
        self.function.dynamodb = self.table

    def deliver(self, *records):
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            response = self.function.handler({"invocationId": "1", "records": list(records)}, None)
        json.dumps(response)
        self.log = log.getvalue()
        self.assertEqual([r["recordId"] for r in records], [answer["recordId"] for answer in response["records"]])
        return [answer["result"] for answer in response["records"]]

    def deliver_stream(self, *records):
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            response = self.function.handler({"Records": list(records)}, None)
        json.dumps(response)
        self.log = log.getvalue()
        return response

    def test_a_count_is_stored_under_metric_and_window_end(self):
        self.assertEqual(self.deliver(record("1", row()), record("2", row("distinct_pages", amount=87))), ["Ok", "Ok"])
        views = self.table.items[("views", END)]
        self.assertEqual(views["amount"], {"N": "1234"})
        self.assertEqual(views["window_seconds"], {"N": "60"})
        self.assertRegex(views["written_at"]["S"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(self.table.items[("distinct_pages", END)]["amount"], {"N": "87"})

    def test_repeated_delivery_changes_nothing(self):
        batch = [
            record("1", row()),
            record("2", row("top_pages", "Main_Page", 12)),
            record("3", row("top_pages", "Paris,_Texas", 3)),
            record("4", b"not json"),
        ]
        self.assertEqual(self.deliver(*batch), ["Ok"] * 4)
        self.function.now = lambda: "2099-01-01T00:00:00Z"
        before = copy.deepcopy(self.table.items)
        self.assertEqual(self.deliver(*reversed(batch)), ["Ok"] * 4)
        self.assertEqual(self.table.items, before)

    def test_top_pages_share_an_item_even_over_two_calls(self):
        self.deliver(record("1", row("top_pages", "Main_Page", 12)))
        self.deliver(record("2", row("top_pages", "a.b #x", 3)))
        pages = self.table.items[("top_pages", END)]["pages"]
        self.assertEqual(pages, {"M": {"Main_Page": {"N": "12"}, "a.b #x": {"N": "3"}}})

    def test_traced_pages_share_an_item_too(self):
        self.deliver(record("1", row("trace", "Headwater_run_a", 2)), record("2", row("trace", "Headwater_run_b", 1)))
        pages = self.table.items[("trace", END)]["pages"]
        self.assertEqual(pages, {"M": {"Headwater_run_a": {"N": "2"}, "Headwater_run_b": {"N": "1"}}})
        self.assertEqual(self.deliver(record("3", row("trace"))), ["Ok"])
        self.assertIn("dead_letter", {metric for metric, _ in self.table.items})

    def test_a_stream_stores_the_same_as_an_application(self):
        rows = [row(), row("top_pages", "Main_Page", 12), row("trace", "Headwater_run_a", 2), row("dead_letter")]
        self.function.now = lambda: "2099-01-01T00:00:00Z"
        self.deliver(*(record(str(n), content) for n, content in enumerate(rows)))
        expected = self.table.items
        self.table = self.function.dynamodb = FakeTable()
        # As Flink writes a time in JSON.
        flink = [{**content, "window_end": "2026-11-24T19:00:00"} for content in rows[:3]] + rows[3:]
        records = [stream_record(n, content) for n, content in enumerate(flink)]
        self.assertEqual(self.deliver_stream(*records), {"batchItemFailures": []})
        self.assertEqual(self.table.items, expected)
        self.assertEqual(self.deliver_stream(*records), {"batchItemFailures": []})
        self.assertEqual(self.table.items, expected)

    def test_a_stream_comes_again_from_the_first_failure_on(self):
        batch = [stream_record(100 + n, row(f"metric_{n}", amount=n)) for n in range(4)]
        batch[1]["kinesis"]["data"] = "***"
        self.table.faults = [None, None, refusal("ThrottlingException")]
        self.assertEqual(self.deliver_stream(*batch), {"batchItemFailures": [{"itemIdentifier": "102"}]})
        self.assertIn("4 rows, 2 to be sent again", self.log)
        self.assertEqual({metric for metric, _ in self.table.items}, {"metric_0", "dead_letter"})
        self.assertEqual(self.deliver_stream(*batch[2:]), {"batchItemFailures": []})
        self.assertIn(("metric_3", END), self.table.items)
        self.assertEqual(len(self.table.items), 4)

    def test_poison_on_a_stream_holds_up_nothing(self):
        poison = [b"\xff", b"[1]", b"[" * 100_000, row(amount=None), row(window_end="soon"), row("top_pages")]
        records = [stream_record(n, content) for n, content in enumerate(poison)]
        records.append({"kinesis": {"sequenceNumber": "90"}})
        records.append(stream_record(91, row()))
        self.assertEqual(self.deliver_stream(*records), {"batchItemFailures": []})
        self.assertEqual(self.table.items[("views", END)]["amount"], {"N": "1234"})
        self.assertEqual(len(self.table.items), len(poison) + 2)
        self.assertEqual(self.deliver_stream(), {"batchItemFailures": []})

    def test_throttling_fails_only_its_own_record_and_a_retry_mends_it(self):
        for fault in [
            refusal("ThrottlingException"),
            refusal("ProvisionedThroughputExceededException"),
            refusal("InternalServerError"),
            refusal("AccessDeniedException"),
            refusal("ResourceNotFoundException"),
            EndpointConnectionError(endpoint_url="http://127.0.0.1:1"),
        ]:
            self.table = self.function.dynamodb = FakeTable()
            self.table.faults = [None, fault]
            batch = [record(str(n), row(f"metric_{n}", amount=n)) for n in range(3)]
            self.assertEqual(self.deliver(*batch), ["Ok", "DeliveryFailed", "Ok"])
            self.assertNotIn(("metric_1", END), self.table.items)
            self.assertEqual(self.deliver(batch[1]), ["Ok"])
            amounts = {metric: item["amount"]["N"] for (metric, _), item in self.table.items.items()}
            self.assertEqual(amounts, {"metric_0": "0", "metric_1": "1", "metric_2": "2"})

    def test_a_fault_between_the_two_writes_of_a_top_page_is_mended_by_the_retry(self):
        page = record("1", row("top_pages", "Main_Page", 12))
        self.table.faults = [None, refusal("ThrottlingException")]
        self.assertEqual(self.deliver(page), ["DeliveryFailed"])
        self.assertEqual(self.deliver(page), ["Ok"])
        self.assertEqual(self.table.items[("top_pages", END)]["pages"], {"M": {"Main_Page": {"N": "12"}}})

    def test_malformed_rows_are_set_aside(self):
        bad = {
            "not json": b"\xff\xfe",
            "deep": b"[" * 100_000,
            "list": b"[1]",
            "no metric": {"item": ""},
            "empty metric": row(""),
            "own name": row("dead_letter"),
            "null amount": row(amount=None),
            "text amount": row(amount="5"),
            "fraction": row(amount=1.5),
            "truth": row(amount=True),
            "page without title": row("top_pages"),
            "no time": row(window_end="soon"),
            "edge of time": row(window_end="0001-01-01 00:00:00+14:00"),
        }
        self.assertEqual(self.deliver(*(record(name, content) for name, content in bad.items())), ["Ok"] * len(bad))
        keys = list(self.table.items)
        self.assertEqual({metric for metric, _ in keys}, {"dead_letter"})
        self.assertEqual(len(keys), len(bad))
        for _, digest in keys:
            self.assertRegex(digest, r"^[0-9a-f]{64}$")
        for item in self.table.items.values():
            self.assertTrue(item["reason"]["S"])
            self.assertLessEqual(len(item["payload"]["S"]), 10_000)

    def test_data_that_is_no_base64_or_missing_is_set_aside(self):
        records = [{"recordId": "1", "data": "***"}, {"recordId": "2"}, {"recordId": "3", "data": "\ud800"}]
        self.assertEqual(self.deliver(*records), ["Ok"] * 3)
        self.assertEqual(len(self.table.items), 3)

    def test_a_row_that_dynamodb_refuses_is_set_aside(self):
        for code in ["ValidationException", "SerializationException"]:
            self.table = self.function.dynamodb = FakeTable()
            self.table.faults = [refusal(code)]
            self.assertEqual(self.deliver(record("1", row())), ["Ok"])
            ((metric, _),) = self.table.items
            self.assertEqual(metric, "dead_letter")

    def test_when_even_setting_aside_fails_the_row_is_asked_for_again(self):
        self.table.faults = [refusal("ThrottlingException")]
        self.assertEqual(self.deliver(record("1", b"not json")), ["DeliveryFailed"])
        self.assertEqual(self.table.items, {})

    def test_times_of_other_forms_name_the_same_window(self):
        for end in ["2026-11-24 19:00:00", "2026-11-24T19:00:00Z", "2026-11-24T20:00:00+01:00"]:
            self.deliver(record("1", row(window_end=end)))
        self.assertEqual(list(self.table.items), [("views", END)])

    def test_no_records(self):
        self.assertEqual(self.deliver(), [])

    def test_the_requests_are_what_dynamodb_accepts(self):
        """Checked by botocore against the service's own model."""
        self.function.dynamodb = self.client
        key = {"metric": {"S": "top_pages"}, "window_end": {"S": END}}
        with Stubber(self.client) as stubber:
            stubber.add_response(
                "update_item",
                {},
                {
                    "TableName": TABLE,
                    "Key": key,
                    "UpdateExpression": "SET pages = if_not_exists(pages, :empty), window_seconds = :seconds, "
                    "written_at = if_not_exists(written_at, :now)",
                    "ExpressionAttributeValues": {":empty": {"M": {}}, ":seconds": {"N": "60"}, ":now": {"S": ANY}},
                },
            )
            stubber.add_response(
                "update_item",
                {},
                {
                    "TableName": TABLE,
                    "Key": key,
                    "UpdateExpression": "SET pages.#title = :amount",
                    "ExpressionAttributeNames": {"#title": "Main_Page"},
                    "ExpressionAttributeValues": {":amount": {"N": "12"}},
                },
            )
            stubber.add_client_error("update_item", "ThrottlingException")
            results = self.deliver(record("1", row("top_pages", "Main_Page", 12)), record("2", row()))
            self.assertEqual(results, ["Ok", "DeliveryFailed"])
            stubber.assert_no_pending_responses()


if __name__ == "__main__":
    unittest.main()
