"""The preprocessing function: every record answered, good rows kept, nothing raised."""

import base64
import contextlib
import io
import json
import unittest

from loading import load

GOOD = "other-search\tMain_Page\texternal\t19\n"


def encode(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Preprocess(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.function = load("preprocess")

    def run_batch(self, records):
        """The answers by record id; checks what must hold for every batch."""
        log = io.StringIO()
        with contextlib.redirect_stdout(log):
            response = self.function.handler({"invocationId": "1", "applicationArn": "a", "records": records}, None)
        json.dumps(response)  # raises on bytes
        self.log = log.getvalue()
        answers = response["records"]
        self.assertEqual([record["recordId"] for record in records], [answer["recordId"] for answer in answers])
        for answer in answers:
            self.assertIn(answer["result"], {"Ok", "Dropped", "ProcessingFailed"})
            self.assertEqual("data" in answer, answer["result"] == "Ok")
        return answers

    def result(self, data):
        """The result of one record and its text, if any."""
        (answer,) = self.run_batch([{"recordId": "1", "data": encode(data)}])
        text = base64.b64decode(answer["data"], validate=True).decode() if "data" in answer else None
        return answer["result"], text

    def test_good_row(self):
        self.assertEqual(self.result(GOOD), ("Ok", GOOD))

    def test_every_type_is_kept(self):
        rows = "a\tb\tlink\t1\nother-empty\tb\texternal\t2\na\tb\tother\t3\n"
        self.assertEqual(self.result(rows), ("Ok", rows))

    def test_last_line_gets_its_line_feed(self):
        self.assertEqual(self.result(GOOD.rstrip("\n")), ("Ok", GOOD))

    def test_several_lines_with_bad_ones_between(self):
        rows = GOOD + "\n" + "a\tb\tlink\n" + "   \n" + "c\td\tlink\t2\n"
        self.assertEqual(self.result(rows), ("Ok", GOOD + "c\td\tlink\t2\n"))
        self.assertIn("kept 2, rejected 1", self.log)

    def test_three_columns(self):
        self.assertEqual(self.result("Main_Page\tParis\tlink\n"), ("ProcessingFailed", None))

    def test_five_columns(self):
        self.assertEqual(self.result("a\tb\tlink\t1\textra\n"), ("ProcessingFailed", None))

    def test_stock_price_is_another_format(self):
        ticker = '{"TICKER_SYMBOL":"QXZ","SECTOR":"HEALTHCARE","CHANGE":-0.05,"PRICE":84.51}'
        self.assertEqual(self.result(ticker), ("Dropped", None))

    def test_empty_and_blank(self):
        for nothing in ["", "\n", "\r\n\r\n", "  \n"]:
            self.assertEqual(self.result(nothing), ("Dropped", None), repr(nothing))

    def test_bad_utf8(self):
        self.assertEqual(self.result(b"a\tb\xff\tlink\t1\n"), ("ProcessingFailed", None))

    def test_bad_base64_and_missing_data(self):
        records = [
            {"recordId": "stars", "data": "***"},
            {"recordId": "unicode", "data": "ä"},
            {"recordId": "null", "data": None},
            {"recordId": "absent"},
            {"recordId": "good", "data": encode(GOOD)},
        ]
        results = [answer["result"] for answer in self.run_batch(records)]
        self.assertEqual(results, ["ProcessingFailed"] * 4 + ["Ok"])

    def test_commas_quotes_and_unicode_stay_as_they_are(self):
        rows = 'Main_Page\tParis,_Texas\tlink\t2\nZürich\t"Heroes"_(David_Bowie_album)\tlink\t3\n'
        self.assertEqual(self.result(rows), ("Ok", rows))

    def test_carriage_returns_are_taken_off(self):
        self.assertEqual(self.result("a\tb\tlink\t1\r\nc\td\tother\t2\r\n"), ("Ok", "a\tb\tlink\t1\nc\td\tother\t2\n"))

    def test_counts(self):
        good = ["1", "007", "2147483647"]
        bad = ["0", "-1", "+1", "1.5", "1e3", "", " 1", "NaN", "x", "١", "²", "2147483648", "9" * 5000]
        for n in good:
            self.assertEqual(self.result(f"a\tb\tlink\t{n}\n")[0], "Ok", n)
        for n in bad:
            self.assertEqual(self.result(f"a\tb\tlink\t{n}\n")[0], "ProcessingFailed", n)

    def test_empty_titles_and_unknown_types(self):
        for row in ["\tb\tlink\t1", "a\t\tlink\t1", "a\tb\tLINK\t1", "a\tb\t\t1", "a\tb\tclick\t1"]:
            self.assertEqual(self.result(row), ("ProcessingFailed", None), row)

    def test_a_page_called_nan_is_a_page(self):
        self.assertEqual(self.result("NaN\tNaN\tlink\t1\n"), ("Ok", "NaN\tNaN\tlink\t1\n"))

    def test_duplicates_each_get_their_answer(self):
        records = [{"recordId": "1", "data": encode(GOOD)}, {"recordId": "2", "data": encode(GOOD)}]
        answers = self.run_batch(records)
        self.assertEqual([answer["data"] for answer in answers], [encode(GOOD)] * 2)

    def test_firehose_transformation_has_the_same_shape(self):
        event = {
            "invocationId": "1",
            "deliveryStreamArn": "arn",
            "region": "us-east-1",
            "records": [{"recordId": "1", "approximateArrivalTimestamp": 1520280173000, "data": encode(GOOD)}],
        }
        with contextlib.redirect_stdout(io.StringIO()):
            response = self.function.handler(event, None)
        self.assertEqual(response, {"records": [{"recordId": "1", "result": "Ok", "data": encode(GOOD)}]})

    def test_no_records(self):
        self.assertEqual(self.run_batch([]), [])

    def test_the_log_holds_no_data(self):
        self.result(GOOD + "secret\tvalue\n")
        self.assertNotIn("Main_Page", self.log)
        self.assertNotIn("secret", self.log)


if __name__ == "__main__":
    unittest.main()
