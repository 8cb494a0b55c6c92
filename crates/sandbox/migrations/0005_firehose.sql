
-- Delivery streams, what they accepted and how far each reader of it has come.
CREATE TABLE delivery_stream (
    stream_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('CREATING', 'ACTIVE', 'DELETING')),
    version INTEGER NOT NULL,
    -- The destination and its settings, as JSON.
    settings TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER,
    -- The sequence number of the next accepted record.
    next_sequence INTEGER NOT NULL DEFAULT 0,
    -- Bytes accepted since the stream was made, and bytes still in the log.
    accepted_bytes INTEGER NOT NULL DEFAULT 0,
    kept_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, region, name)
) STRICT;

CREATE TABLE delivery_stream_tag (
    stream_id INTEGER NOT NULL REFERENCES delivery_stream (stream_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (stream_id, key)
) STRICT, WITHOUT ROWID;

-- The records of one PutRecordBatch, joined: each is its length (four bytes, the least significant first) and its data.
CREATE TABLE delivery_log (
    log_id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES delivery_stream (stream_id) ON DELETE CASCADE,
    first_sequence INTEGER NOT NULL,
    record_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    arrival_ms INTEGER NOT NULL,
    records BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX delivery_log_position ON delivery_log (stream_id, first_sequence, record_count, bytes, arrival_ms);

-- Records before next_sequence have been dealt with by the reader.
CREATE TABLE delivery_log_reader (
    stream_id INTEGER NOT NULL REFERENCES delivery_stream (stream_id) ON DELETE CASCADE,
    reader TEXT NOT NULL,
    next_sequence INTEGER NOT NULL,
    PRIMARY KEY (stream_id, reader)
) STRICT, WITHOUT ROWID;
