"""The Flink program: which statements it runs, and with which names. In Flink it is run by crates/equality."""

import json
import sys
import tempfile
import types
import unittest
from pathlib import Path
from unittest.mock import patch

from loading import load_file

FLINK = Path(__file__).resolve().parents[2] / "content" / "engines" / "flink"


class Environment:
    """Writes down what it is told."""

    def __init__(self):
        self.settings = {}
        self.statements = []

    def get_config(self):
        return types.SimpleNamespace(set=self.settings.__setitem__)

    def execute_sql(self, statement):
        self.statements.append(statement)


class Program(unittest.TestCase):
    def setUp(self):
        self.environment = Environment()
        table = types.ModuleType("pyflink.table")
        table.EnvironmentSettings = types.SimpleNamespace(in_streaming_mode=lambda: None)
        table.TableEnvironment = types.SimpleNamespace(create=lambda _: self.environment)
        modules = patch.dict(sys.modules, {"pyflink": types.ModuleType("pyflink"), "pyflink.table": table})
        modules.start()
        self.addCleanup(modules.stop)
        self.program = load_file("flink_program", FLINK / "functions" / "flink" / "main.py")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program.PROPERTIES = Path(folder.name) / "application_properties.json"
        self.program.SQL = FLINK / "sql" / "window_counts.sql"

    def properties(self, **names):
        groups = [
            {"PropertyGroupId": "kinesis.analytics.flink.run.options", "PropertyMap": {"python": "main.py"}},
            {"PropertyGroupId": "headwater", "PropertyMap": names},
        ]
        self.program.PROPERTIES.write_text(json.dumps(groups))

    def test_the_labs_sql_in_order_with_the_names_of_the_runtime_properties(self):
        self.properties(
            data_stream="Clicks",
            counts_stream="Counts",
            region="eu-west-1",
            account="123456789012",
            partition="aws",
            window_seconds="60",
            window_interval="INTERVAL '60' SECOND",
        )
        self.program.main()
        self.assertEqual(set(self.environment.settings), {"table.local-time-zone", "table.exec.source.idle-timeout"})
        begins = [" ".join(statement.split()[:3]) for statement in self.environment.statements]
        self.assertEqual(begins[:3], ["CREATE TABLE click_records", "CREATE TABLE ticks", "CREATE TABLE window_counts"])
        self.assertEqual(begins[3:-1], ["CREATE TEMPORARY VIEW"] * 3)
        self.assertEqual(begins[-1], "EXECUTE STATEMENT SET")
        queries = self.environment.statements[-1]
        self.assertEqual(queries.count("INSERT INTO window_counts"), 4)
        self.assertTrue(queries.endswith("END"))
        everything = "\n".join(self.environment.statements)
        self.assertIn("'stream' = 'Clicks'", everything)
        self.assertIn("'arn:aws:kinesis:eu-west-1:123456789012:stream/Counts'", everything)
        self.assertNotIn("{{", everything)
        self.assertNotIn("--", everything)

    def test_sql_with_names_needs_no_properties(self):
        queries = "EXECUTE STATEMENT SET\nBEGIN\nINSERT 2;\nEND"
        text = f"SET 'a.b' = 'c d';\n-- A comment; with a semicolon.\nCREATE 1;\n\n{queries};\n"
        self.program.SQL = self.program.PROPERTIES.with_name("window_counts.sql")
        self.program.SQL.write_text(text)
        self.program.main()
        self.assertEqual(self.environment.settings, {"a.b": "c d"})
        self.assertEqual(self.environment.statements, ["CREATE 1", queries])

    def test_a_name_that_is_nowhere_told_stops_the_program(self):
        self.properties(data_stream="Clicks")
        with self.assertRaises(KeyError):
            self.program.main()
        self.assertEqual(self.environment.statements, [])


if __name__ == "__main__":
    unittest.main()
