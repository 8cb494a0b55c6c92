"""Run the lab's Flink program in a real Flink inside one Java process.

run_flink.py FLINK PROGRAM

FLINK is the folder with Flink's JAR files. PROGRAM is the lab's main.py, with
window_counts.sql beside it. It runs as it is: where Managed Service for Apache
Flink has the package pyflink, there is a stand-in here with the few calls that
the program makes, which go to the same Java classes. Ends when the job does, or
when its own input ends.
"""

import os
import pathlib
import runpy
import subprocess
import sys
import tempfile
import threading
import types

from py4j.java_gateway import GatewayParameters, JavaGateway

# What Flink's own start script opens to it in newer Java.
PACKAGES = ["io", "lang", "net", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic"]
LOG4J = """\
rootLogger.level = ERROR
rootLogger.appenderRef.console.ref = console
appender.console.name = console
appender.console.type = CONSOLE
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %p %c %m%n
"""
CONFIGURATION = "parallelism.default: 1\ntaskmanager.memory.managed.size: 64m\n"


class Environment:
    """pyflink.table.TableEnvironment as far as the program needs it."""

    def __init__(self, java):
        self.java = java
        self.job = None

    def get_config(self):
        return self.java.getConfig()

    def execute_sql(self, statement):
        self.job = self.java.executeSql(statement)
        return self.job


def start_java(flink, folder):
    """A Java process that does what it is told from here. It ends when its input does, and so with this process."""
    (folder / "log4j.properties").write_text(LOG4J)
    (folder / "config.yaml").write_text(CONFIGURATION)
    java = subprocess.Popen(
        [
            "java",
            "-Xmx1g",
            "-XX:TieredStopAtLevel=1",
            *(f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in PACKAGES),
            f"-Dlog4j.configurationFile={folder / 'log4j.properties'}",
            f"-Djava.io.tmpdir={folder}",
            "-cp",
            f"{flink}/lib/*:{flink}/opt/*",
            "org.apache.flink.api.python.shaded.py4j.GatewayServer",
            "--die-on-broken-pipe",
            "0",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "FLINK_CONF_DIR": str(folder)},
        text=True,
    )
    port = java.stdout.readline()
    if not port:
        sys.exit("Java did not start")
    return java, JavaGateway(gateway_parameters=GatewayParameters(port=int(port), auto_convert=True))


def stand_in(gateway):
    """The package pyflink.table; gives the environment that the program makes."""
    api = gateway.jvm.org.apache.flink.table.api
    made = []

    def create(settings):
        made.append(Environment(api.TableEnvironment.create(settings)))
        return made[-1]

    table = types.ModuleType("pyflink.table")
    table.EnvironmentSettings = types.SimpleNamespace(in_streaming_mode=api.EnvironmentSettings.inStreamingMode)
    table.TableEnvironment = types.SimpleNamespace(create=create)
    sys.modules |= {"pyflink": types.ModuleType("pyflink"), "pyflink.table": table}
    return made


def main(flink, program):
    with tempfile.TemporaryDirectory() as folder:
        java, gateway = start_java(flink, pathlib.Path(folder))
        threading.Thread(target=end_with_input, args=[java], daemon=True).start()
        try:
            environments = stand_in(gateway)
            runpy.run_path(program, run_name="__main__")
            # "await" is no name in Python.
            getattr(environments[-1].job, "await")()
        finally:
            java.kill()
            java.wait()


def end_with_input(java):
    sys.stdin.read()
    java.kill()


main(*sys.argv[1:])
