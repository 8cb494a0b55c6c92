-- Data streams and what they accepted.
CREATE TABLE data_stream (
    stream_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('CREATING', 'ACTIVE', 'DELETING')),
    mode TEXT NOT NULL CHECK (mode IN ('PROVISIONED', 'ON_DEMAND')),
    shard_count INTEGER NOT NULL,
    retention_hours INTEGER NOT NULL,
    max_record_kib INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    -- The number of the next accepted record, whatever its shard.
    next_number INTEGER NOT NULL DEFAULT 0,
    -- Bytes in the log.
    kept_bytes INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, region, name)
) STRICT;

CREATE TABLE data_stream_tag (
    stream_id INTEGER NOT NULL REFERENCES data_stream (stream_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (stream_id, key)
) STRICT, WITHOUT ROWID;

-- The records of one call for one shard, joined: each is its length (four bytes, the least significant first), the length of
-- its partition key (two bytes), the key and the data.
CREATE TABLE data_stream_log (
    log_id INTEGER PRIMARY KEY,
    stream_id INTEGER NOT NULL REFERENCES data_stream (stream_id) ON DELETE CASCADE,
    shard INTEGER NOT NULL,
    first_number INTEGER NOT NULL,
    record_count INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    arrival_ms INTEGER NOT NULL,
    records BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX data_stream_log_position
    ON data_stream_log (stream_id, shard, first_number, record_count, bytes, arrival_ms);

-- How far the sandbox's own readers (event source mappings, delivery streams) have come: the number that is next.
CREATE TABLE data_stream_reader (
    stream_id INTEGER NOT NULL REFERENCES data_stream (stream_id) ON DELETE CASCADE,
    shard INTEGER NOT NULL,
    reader TEXT NOT NULL,
    next_number INTEGER NOT NULL,
    PRIMARY KEY (stream_id, shard, reader)
) STRICT, WITHOUT ROWID;

CREATE TABLE lambda_event_source_mapping (
    mapping_id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    function_name TEXT NOT NULL,
    stream_name TEXT NOT NULL,
    -- Settings as JSON.
    settings TEXT NOT NULL,
    -- Tags as JSON.
    tags TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    -- The state that the last change passes through.
    changing TEXT NOT NULL CHECK (changing IN ('Creating', 'Enabling', 'Disabling', 'Updating')),
    changed_ms INTEGER NOT NULL,
    last_result TEXT NOT NULL,
    UNIQUE (account_id, region, function_name, stream_name)
) STRICT;

-- The open tumbling window of a mapping and a shard, with the state that the function returned.
CREATE TABLE lambda_event_source_window (
    mapping_id INTEGER NOT NULL REFERENCES lambda_event_source_mapping (mapping_id) ON DELETE CASCADE,
    shard INTEGER NOT NULL,
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- The state is too large, so that the window is to be ended before its time.
    ends_early INTEGER NOT NULL,
    PRIMARY KEY (mapping_id, shard)
) STRICT, WITHOUT ROWID;

-- Where a record came from whose delivery stream reads a data stream, as JSON; one entry a record of the row.
ALTER TABLE delivery_log ADD COLUMN origins BLOB;
