"""The counting function: state from call to call, counts written once a window is over, bounded whatever is sent."""

import base64
import contextlib
import copy
import io
import json
import os
import random
import sys
import unittest

from botocore.exceptions import EndpointConnectionError

from loading import load
from test_preprocess import encode
from test_store import TABLE, FakeTable, refusal

END = "2026-11-24T19:01:00Z"
WINDOW = {"start": "2026-11-24T19:00:00Z", "end": END}
MARK = "Headwater_run_k3v5q2mzta"


def record(data):
    return {"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "1", "data": encode(data)}}


def click(title, hits=1):
    return record(f"other-search\t{title}\texternal\t{hits}\n")


class Calls(unittest.TestCase):
    """Calls of the function as Lambda makes them."""

    def call(self, records=(), state=None, window=WINDOW, **changes):
        """The state that the function answers; it has gone through JSON, as it does in Lambda."""
        event = {
            "Records": list(records),
            "window": window,
            "state": copy.deepcopy(state or {}),
            "shardId": "shardId-000000000000",
            "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/ClickStreamInput",
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
            **changes,
        }
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            answer = self.function.handler(event, None)
        self.log = log.getvalue()
        self.assertEqual(answer["batchItemFailures"], [])
        text = json.dumps(answer["state"])
        self.assertLess(len(text), 1_000_000)
        return json.loads(text)

    def final(self, state, window=WINDOW, **changes):
        return self.call((), state, window, isFinalInvokeForWindow=True, **changes)

    def count(self, batches):
        state = None
        for batch in batches:
            state = self.call(batch, state)
        return state


class WithoutTable(Calls):
    def setUp(self):
        os.environ.pop("TABLE_NAME", None)
        self.function = load("count")

    def printed(self, state):
        self.final(state)
        return json.loads(self.log.splitlines()[-1])

    def test_a_window_is_counted_over_several_calls_and_printed(self):
        batches = [[click("Zürich", 3), click("Main_Page")], [click("Zürich", 2), record("no click\n")], []]
        self.assertEqual(
            self.printed(self.count(batches)),
            {
                "window_end": END,
                "window_seconds": 60,
                "views": 6,
                "distinct_pages": 2,
                "top_pages": {"Zürich": 2, "Main_Page": 1},
            },
        )
        self.assertIn("1 lines skipped", self.log)

    def test_a_call_before_the_end_prints_numbers_only(self):
        self.call([click("Main_Page")])
        self.assertEqual(self.log, "1 records; the window has 1 views, 1 titles, 0 lines skipped\n")

    def test_a_batch_that_comes_again_with_the_state_before_counts_once(self):
        before = self.call([click("Main_Page")])
        first = self.call([click("Main_Page")], before)
        self.assertEqual(self.call([click("Main_Page")], before), first)

    def test_top_pages_are_the_ten_with_the_most_rows_and_of_equals_the_lesser(self):
        titles = [title for n, title in enumerate("abcdefghijkl") for _ in range(1 if n else 3)]
        state = self.count([[click("Paris", 1_000_000)], [click(title) for title in reversed(titles)]])
        top = list(self.printed(state)["top_pages"].items())
        self.assertEqual(top, [("a", 3), ("Paris", 1)] + [(title, 1) for title in "bcdefghi"])

    def test_marked_pages_are_traced_with_their_hits_and_count_as_clicks(self):
        others = ["Headwater", "headwater_run_x", "Headwater-run-x", "aHeadwater_run_x"]
        state = self.count([[click(MARK), click(MARK, 4), *map(click, others)]])
        printed = self.printed(state)
        self.assertEqual(printed["trace"], {MARK: 5})
        self.assertEqual((printed["views"], printed["distinct_pages"]), (9, 5))

    def test_records_that_are_no_text_are_skipped(self):
        broken = [record(b"a\tb\xff\tlink\t1\n"), record(""), {"kinesis": {"data": "***"}}, {"kinesis": {}}, {}]
        state = self.call([*broken, click("b")])
        self.assertEqual((state["views"], state["skipped"]), (1, 4))

    def test_a_record_may_hold_several_lines(self):
        state = self.call([record("a\tb\tlink\t2\r\n\n  \nbad\nc\td\tother\t3")])
        self.assertEqual((state["views"], state["pages"], state["skipped"]), (5, {"b": 1, "d": 1}, 1))

    def test_long_titles_are_cut_as_sql_cuts_them(self):
        state = self.call([click("😀" * 600), click("😀" * 512)])
        self.assertEqual(state["pages"], {"😀" * 512: 2})

    def test_lines_are_judged_as_the_preprocessing_function_judges_them(self):
        preprocess = load("preprocess")
        parts = ["", " ", "a", "Zürich", '"', ",", "\t", "\t", "\t", "link", "external", "LINK", "0", "1", "007"]
        parts += ["2147483647", "2147483648", "-1", "+1", "١", "²", "1.5", "\r", "\u2028", "\x00", "\ufffd"]
        choose = random.Random(5)
        kept = 0
        for _ in range(20_000):
            columns = ["".join(choose.choices(parts, k=choose.choice([1, 1, 1, 2]))) for _ in range(4)]
            columns[2] = choose.choice(["link", "external", "other", columns[2]])
            columns[3] = choose.choice(["1", columns[3]])
            line = "\t".join(columns)
            is_good = preprocess.is_click_row(line)
            self.assertEqual(self.function.read_click(line) is not None, is_good, repr(line))
            kept += is_good
        self.assertGreater(kept, 1_000)

    def test_titles_are_counted_exactly_up_to_ten_thousand(self):
        titles = [f"page{n}" for n in range(10_001)]
        state = self.count([list(map(click, titles[:6_000])), list(map(click, titles[4_000:10_000]))])
        self.assertEqual((len(state["pages"]), state["left_out"]), (10_000, {"pages": 0, "trace": 0}))
        state = self.call([click("page10000"), click("page10000"), click("page5000")], state)
        self.assertEqual((len(state["pages"]), state["left_out"]["pages"]), (10_000, 2))
        self.assertEqual((state["views"], state["pages"]["page5000"]), (12_003, 3))

    def test_hostile_titles_do_not_make_the_state_too_large(self):
        hostile = ["\x01" * 508, "😀" * 508, '"' * 508, "\\" * 508]
        state = None
        for start in range(0, 10_000, 500):
            batch = [click(hostile[n % 4] + f"{n:04}", 2_147_483_647) for n in range(start, start + 500)]
            state = self.call(batch, state)
        self.assertEqual(state["views"], 10_000 * 2_147_483_647)
        self.assertGreater(state["left_out"]["pages"], 5_000)
        # What is in is still counted.
        state = self.call([click(hostile[0] + "0000")] * 1_000, state)
        self.assertEqual(max(state["pages"].values()), 1_001)

    def test_many_marks_are_bounded_too(self):
        state = self.call([click(f"Headwater_run_{n}") for n in range(150)])
        self.assertEqual((len(state["trace"]), state["left_out"]), (100, {"pages": 0, "trace": 50}))

    def test_a_window_without_clicks_prints_no_counts(self):
        self.final(self.count([[record("bad\n")]]))
        self.assertEqual(len(self.log.splitlines()), 1)

    def test_a_mapping_without_a_window_is_told_what_to_set(self):
        with self.assertRaisesRegex(ValueError, "TumblingWindowInSeconds"):
            self.function.handler({"Records": [click("a")]}, None)


class WithTable(Calls):
    def setUp(self):
        os.environ.update(
            TABLE_NAME=TABLE,
            AWS_DEFAULT_REGION="us-east-1",
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )
        sys.modules["store"] = self.store = load("store")
        self.addCleanup(sys.modules.pop, "store")
        self.table = self.store.dynamodb = FakeTable()
        self.function = load("count")
        self.store.now = lambda: "2026-11-24T19:01:02Z"

    def test_the_items_of_a_window(self):
        state = self.count([[click("Main_Page", 7), click(MARK)]])
        self.assertEqual(self.table.items, {})
        self.final(state)
        facts = {"window_seconds": {"N": "60"}, "written_at": {"S": "2026-11-24T19:01:02Z"}}
        self.assertEqual(
            self.table.items,
            {
                ("views", END): {"amount": {"N": "8"}, **facts},
                ("distinct_pages", END): {"amount": {"N": "2"}, **facts},
                ("top_pages", END): {"pages": {"M": {"Main_Page": {"N": "1"}, MARK: {"N": "1"}}}, **facts},
                ("trace", END): {"pages": {"M": {MARK: {"N": "1"}}}, **facts},
            },
        )

    def test_a_last_call_that_comes_again_changes_nothing(self):
        state = self.count([[click("Main_Page", 7), click(MARK)]])
        self.final(state)
        before = copy.deepcopy(self.table.items)
        self.store.now = lambda: "2099-01-01T00:00:00Z"
        self.final(state)
        self.assertEqual(self.table.items, before)

    def test_a_fault_of_the_table_fails_the_call_and_its_repetition_mends_it(self):
        state = self.count([[click("Main_Page", 7), click(MARK)]])
        self.final(state)
        expected = copy.deepcopy(self.table.items)
        gone = EndpointConnectionError(endpoint_url="x")
        for fault in [refusal("ThrottlingException"), refusal("ValidationException"), gone]:
            for place in range(4):
                self.table = self.store.dynamodb = FakeTable()
                self.table.faults = [None] * place + [fault]
                with self.assertRaises(type(fault)):
                    self.final(state)
                self.assertEqual(len(self.table.items), place)
                self.final(state)
                self.assertEqual(self.table.items, expected)

    def test_each_window_has_its_items_and_an_empty_one_has_none(self):
        later = {"start": END, "end": "2026-11-24T19:02:00Z"}
        self.final(self.call([click("a")]))
        self.final(None, later)
        self.assertEqual({end for _, end in self.table.items}, {END})
        self.final(self.call([click("a")], window=later), later)
        self.assertEqual({end for _, end in self.table.items}, {END, later["end"]})

    def test_a_window_of_the_year_2000_is_like_any_other(self):
        self.final(self.call([click("a", 7)]), {"start": "2000-01-01T00:00:00Z", "end": "2000-01-01T00:00:10Z"})
        item = self.table.items[("views", "2000-01-01T00:00:10Z")]
        self.assertEqual((item["amount"], item["window_seconds"]), ({"N": "7"}, {"N": "10"}))

    def test_what_could_be_greater_says_so(self):
        self.function.MOST_TITLES = {"pages": 2, "trace": 1}
        self.final(self.call([click("a"), click("Headwater_run_a"), click("Headwater_run_b")]))
        items = self.table.items.items()
        marked = {metric for (metric, _), item in items if item.get("is_lower_bound") == {"BOOL": True}}
        self.assertEqual(marked, {"distinct_pages", "top_pages", "trace"})
        self.assertEqual(self.table.items[("views", END)]["amount"], {"N": "3"})

    def test_a_window_that_ended_early_keeps_its_mark_when_its_rest_comes(self):
        self.call([click("a", 5)], isWindowTerminatedEarly=True)
        self.assertEqual(self.table.items[("views", END)]["amount"], {"N": "5"})
        self.final(self.call([click("a", 2)]))
        views = self.table.items[("views", END)]
        self.assertEqual((views["amount"], views["is_lower_bound"]), ({"N": "2"}, {"BOOL": True}))


if __name__ == "__main__":
    unittest.main()
