-- Functions with their code, and the asynchronous invocations that were accepted and not yet done.
CREATE TABLE lambda_function (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    function_name TEXT NOT NULL,
    -- JSON: runtime, handler, role, limits, environment variables.
    configuration TEXT NOT NULL,
    -- JSON: the statements of the resource-based policy.
    policy TEXT NOT NULL,
    -- JSON: name to value.
    tags TEXT NOT NULL,
    revision_id TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    modified_ms INTEGER NOT NULL,
    code_size INTEGER NOT NULL,
    code_sha256 TEXT NOT NULL,
    -- The zip file as uploaded. Last, so that reading the other columns does not page through it.
    code BLOB NOT NULL,
    PRIMARY KEY (account_id, region, function_name)
) STRICT;

CREATE TABLE lambda_event (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    function_name TEXT NOT NULL,
    request_id TEXT NOT NULL,
    payload BLOB NOT NULL,
    -- Attempts that came to an error of the function; throttled attempts are not counted.
    attempts INTEGER NOT NULL,
    accepted_ms INTEGER NOT NULL,
    due_ms INTEGER NOT NULL
) STRICT;

CREATE INDEX lambda_event_due ON lambda_event (due_ms);
CREATE INDEX lambda_event_account ON lambda_event (account_id);
