"""Call a Lambda function's handler with each line of the input, and print the answers, one a line.

call_function.py FILE
"""

import contextlib
import importlib.util
import json
import sys

specification = importlib.util.spec_from_file_location("lambda_function", sys.argv[1])
function = importlib.util.module_from_spec(specification)
specification.loader.exec_module(function)

for line in sys.stdin:
    # A function's log is not its answer.
    with contextlib.redirect_stdout(sys.stderr):
        answer = function.handler(json.loads(line), None)
    print(json.dumps(answer))
