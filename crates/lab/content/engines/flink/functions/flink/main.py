"""Count clicks with the streaming SQL that lies beside this file, in Managed Service for Apache Flink.

The code package is a zip file with this program (the runtime property `python`
of the group kinesis.analytics.flink.run.options), window_counts.sql, and the
Kinesis connector's JAR file (`jarfile`).

Names may stand in the SQL in double braces. Each is replaced by the runtime
property of that name in the group `headwater`, so that one package serves
streams of other names.
"""

import json
import re
from pathlib import Path

from pyflink.table import EnvironmentSettings, TableEnvironment

# Flink runs the program through a link to it, elsewhere.
SQL = Path(__file__).resolve().with_name("window_counts.sql")
PROPERTIES = Path("/etc/flink/application_properties.json")  # written by the service
PROPERTY_GROUP = "headwater"

SETTING = re.compile(r"SET '([^']*)' = '([^']*)'")


def main():
    environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    for statement in statements(with_names(SQL.read_text("utf-8"), runtime_properties())):
        setting = SETTING.fullmatch(statement)
        if setting:
            # A setting is a statement of Flink's SQL client alone.
            environment.get_config().set(*setting.groups())
        else:
            environment.execute_sql(statement)


def statements(text):
    """The statements in order. The last one is a set: its queries are one job, which reads the stream once."""
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    definitions, begin, queries = text.partition("EXECUTE STATEMENT SET")
    found = [statement.strip() for statement in definitions.split(";\n")]
    return [statement for statement in found if statement] + [(begin + queries).strip().removesuffix(";")]


def with_names(text, properties):
    """The SQL with its names. One that is nowhere told is an error: the program then does not start."""
    return re.sub(r"\{\{(\w+)\}\}", lambda name: properties[name[1]], text)


def runtime_properties():
    """The group's properties; none when there are no runtime properties at all."""
    if not PROPERTIES.exists():
        return {}
    for group in json.loads(PROPERTIES.read_text("utf-8")):
        if group["PropertyGroupId"] == PROPERTY_GROUP:
            return group["PropertyMap"]
    return {}


if __name__ == "__main__":
    main()
