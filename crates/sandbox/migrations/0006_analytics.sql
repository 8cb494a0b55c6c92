-- SQL applications. The definition (role, code, input, outputs) is one JSON document, replaced whole by each new version.
CREATE TABLE analytics_application (
    application_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    definition TEXT NOT NULL,
    -- Whether there is a point to resume from.
    has_run INTEGER NOT NULL DEFAULT 0,
    -- The next record of the delivery stream's log to read.
    next_sequence INTEGER NOT NULL DEFAULT 0,
    -- No later row gets a ROWTIME up to this one: windows up to it may have been delivered.
    last_time_ms INTEGER NOT NULL DEFAULT 0,
    -- Windows that start before this ROWTIME were delivered whole; NULL after a fresh start.
    complete_from_ms INTEGER,
    UNIQUE (account_id, region, name)
) STRICT;

-- The ROWTIME that was given to each range of records, kept as long as an open window or an undelivered row needs it.
CREATE TABLE analytics_batch (
    application_id INTEGER NOT NULL REFERENCES analytics_application (application_id) ON DELETE CASCADE,
    rowtime_ms INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL,
    end_sequence INTEGER NOT NULL,
    PRIMARY KEY (application_id, rowtime_ms)
) STRICT, WITHOUT ROWID;

-- What an application has to say to its owner, the newest few.
CREATE TABLE analytics_message (
    message_id INTEGER PRIMARY KEY AUTOINCREMENT,
    application_id INTEGER NOT NULL REFERENCES analytics_application (application_id) ON DELETE CASCADE,
    time_ms INTEGER NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL
) STRICT;

CREATE INDEX analytics_message_application ON analytics_message (application_id, message_id);
