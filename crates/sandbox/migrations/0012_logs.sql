-- Log groups, their streams and what was written to them. AUTOINCREMENT: events are dropped in the order in which they came.
CREATE TABLE log_group (
    group_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    retention_days INTEGER,
    -- JSON: key to value.
    tags TEXT NOT NULL,
    UNIQUE (account_id, region, name)
) STRICT;

CREATE TABLE log_stream (
    stream_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    group_id INTEGER NOT NULL REFERENCES log_group (group_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    first_event_ms INTEGER,
    last_event_ms INTEGER,
    last_ingestion_ms INTEGER,
    UNIQUE (group_id, name)
) STRICT;
CREATE INDEX log_stream_account ON log_stream (account_id, stream_id);

CREATE TABLE log_event (
    event_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    group_id INTEGER NOT NULL REFERENCES log_group (group_id) ON DELETE CASCADE,
    stream_id INTEGER NOT NULL REFERENCES log_stream (stream_id) ON DELETE CASCADE,
    timestamp_ms INTEGER NOT NULL,
    ingested_ms INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX log_event_account ON log_event (account_id, event_id);
CREATE INDEX log_event_group ON log_event (group_id, timestamp_ms, event_id);
CREATE INDEX log_event_stream ON log_event (stream_id, timestamp_ms, event_id);

-- What an account holds, kept by triggers so that its bounds cost one row to check.
CREATE TABLE log_usage (
    account_id TEXT PRIMARY KEY,
    events INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER log_event_added AFTER INSERT ON log_event BEGIN
    INSERT INTO log_usage (account_id, events, bytes) VALUES (NEW.account_id, 1, NEW.bytes)
    ON CONFLICT DO UPDATE SET events = events + 1, bytes = bytes + NEW.bytes;
END;
CREATE TRIGGER log_event_removed AFTER DELETE ON log_event BEGIN
    UPDATE log_usage SET events = events - 1, bytes = bytes - OLD.bytes WHERE account_id = OLD.account_id;
END;
