-- Buckets, objects and uploads under way. Bodies are files named by `file`; keys are bytes, so that they sort as S3 sorts them.
CREATE TABLE bucket (
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    bucket TEXT NOT NULL,
    region TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE object (
    account_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    -- JSON: the headers and user metadata to give back, and the checksums.
    attributes TEXT NOT NULL,
    checksums TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, bucket, key),
    FOREIGN KEY (account_id, bucket) REFERENCES bucket (account_id, bucket)
) STRICT, WITHOUT ROWID;

CREATE TABLE upload (
    upload_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key BLOB NOT NULL,
    attributes TEXT NOT NULL,
    checksum_algorithm TEXT,
    checksum_type TEXT,
    created_ms INTEGER NOT NULL,
    FOREIGN KEY (account_id, bucket) REFERENCES bucket (account_id, bucket)
) STRICT;
CREATE INDEX upload_by_key ON upload (account_id, bucket, key, upload_id);

CREATE TABLE upload_part (
    upload_id TEXT NOT NULL REFERENCES upload (upload_id),
    part_number INTEGER NOT NULL,
    account_id TEXT NOT NULL,
    file TEXT NOT NULL,
    size INTEGER NOT NULL,
    etag TEXT NOT NULL,
    checksums TEXT NOT NULL,
    modified_ms INTEGER NOT NULL,
    PRIMARY KEY (upload_id, part_number)
) STRICT, WITHOUT ROWID;

-- What an account holds, kept by triggers so that a quota costs one row to check.
CREATE TABLE object_usage (
    account_id TEXT PRIMARY KEY,
    objects INTEGER NOT NULL,
    bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER object_added AFTER INSERT ON object BEGIN
    INSERT INTO object_usage (account_id, objects, bytes) VALUES (NEW.account_id, 1, NEW.size)
    ON CONFLICT DO UPDATE SET objects = objects + 1, bytes = bytes + NEW.size;
END;
CREATE TRIGGER object_replaced AFTER UPDATE OF size ON object BEGIN
    UPDATE object_usage SET bytes = bytes + NEW.size - OLD.size WHERE account_id = NEW.account_id;
END;
CREATE TRIGGER object_removed AFTER DELETE ON object BEGIN
    UPDATE object_usage SET objects = objects - 1, bytes = bytes - OLD.size WHERE account_id = OLD.account_id;
END;
CREATE TRIGGER part_added AFTER INSERT ON upload_part BEGIN
    INSERT INTO object_usage (account_id, objects, bytes) VALUES (NEW.account_id, 0, NEW.size)
    ON CONFLICT DO UPDATE SET bytes = bytes + NEW.size;
END;
CREATE TRIGGER part_replaced AFTER UPDATE OF size ON upload_part BEGIN
    UPDATE object_usage SET bytes = bytes + NEW.size - OLD.size WHERE account_id = NEW.account_id;
END;
CREATE TRIGGER part_removed AFTER DELETE ON upload_part BEGIN
    UPDATE object_usage SET bytes = bytes - OLD.size WHERE account_id = OLD.account_id;
END;
