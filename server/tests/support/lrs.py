"""A learning record store: Ralph, an independent implementation of xAPI. usage: lrs.py FOLDER KEY SECRET

It keeps its statements in the folder, and tells its address on standard error once it takes requests.
"""

import json
import os
import pathlib
import sys

import bcrypt

folder, key, secret = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
account = {
    "username": key,
    "hash": bcrypt.hashpw(secret.encode(), bcrypt.gensalt(4)).decode(),
    "scopes": ["all"],
    "agent": {"account": {"name": key, "homePage": "https://lrs.example"}},
}
credentials = folder / "auth.json"
credentials.write_text(json.dumps([account]))
os.environ.update(
    RALPH_APP_DIR=str(folder),
    RALPH_AUTH_FILE=str(credentials),
    RALPH_RUNSERVER_BACKEND="fs",
    RALPH_BACKENDS__LRS__FS__DEFAULT_DIRECTORY_PATH=str(folder),
    RALPH_BACKENDS__LRS__FS__DEFAULT_LRS_FILE="statements.jsonl",
)

import uvicorn  # noqa: E402  (what follows reads the environment)
from ralph.backends.data.base import BaseOperationType  # noqa: E402
from ralph.backends.data.fs import FSDataBackend  # noqa: E402

# Its files are made for archives: by default only the first request could write to one.
FSDataBackend.default_operation_type = BaseOperationType.APPEND

uvicorn.run("ralph.api:app", host="127.0.0.1", port=0, log_level="info")
