-- DynamoDB tables. AUTOINCREMENT: items of a dropped table may still wait to be removed, so its id is never used again.
CREATE TABLE dynamodb_table (
    table_id INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    table_name TEXT NOT NULL,
    uuid TEXT NOT NULL,
    partition_name TEXT NOT NULL,
    partition_type TEXT NOT NULL,
    sort_name TEXT,
    sort_type TEXT,
    billing_mode TEXT NOT NULL,
    read_units INTEGER NOT NULL,
    write_units INTEGER NOT NULL,
    on_demand_since_ms INTEGER,
    deletion_protected INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    item_count INTEGER NOT NULL DEFAULT 0,
    byte_count INTEGER NOT NULL DEFAULT 0,
    UNIQUE (account_id, region, table_name)
) STRICT;

-- Items, in the order in which Query and Scan answer them. The partition key starts with four bytes of its hash, so that
-- a range of hashes is a segment of a parallel scan; both keys compare as bytes in DynamoDB's order.
CREATE TABLE dynamodb_item (
    table_id INTEGER NOT NULL,
    partition_key BLOB NOT NULL,
    sort_key BLOB NOT NULL,
    size INTEGER NOT NULL,
    item TEXT NOT NULL,
    PRIMARY KEY (table_id, partition_key, sort_key)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER dynamodb_item_inserted AFTER INSERT ON dynamodb_item BEGIN
    UPDATE dynamodb_table SET item_count = item_count + 1, byte_count = byte_count + NEW.size
    WHERE table_id = NEW.table_id;
END;

CREATE TRIGGER dynamodb_item_updated AFTER UPDATE ON dynamodb_item BEGIN
    UPDATE dynamodb_table SET byte_count = byte_count + NEW.size - OLD.size WHERE table_id = NEW.table_id;
END;

CREATE TRIGGER dynamodb_item_deleted AFTER DELETE ON dynamodb_item BEGIN
    UPDATE dynamodb_table SET item_count = item_count - 1, byte_count = byte_count - OLD.size
    WHERE table_id = OLD.table_id;
END;

-- Tables that are gone, whose items are removed little by little.
CREATE TABLE dynamodb_dropped_table (
    table_id INTEGER PRIMARY KEY
) STRICT;

-- ClientRequestTokens of the transactions of the last ten minutes.
CREATE TABLE dynamodb_transaction (
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    token TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, region, token)
) STRICT, WITHOUT ROWID;

CREATE INDEX dynamodb_transaction_created ON dynamodb_transaction (created_ms);
