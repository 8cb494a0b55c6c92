-- Where the next delivery stream of an account begins to number its records. No number is used twice, so that the position of
-- a reader still holds when its stream is deleted and made anew.
CREATE TABLE delivery_log_origin (
    account_id TEXT PRIMARY KEY REFERENCES account (account_id) ON DELETE CASCADE,
    next_sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Streams that were deleted before are known only by how far applications had read them.
INSERT INTO delivery_log_origin (account_id, next_sequence)
SELECT account_id, MAX(next_sequence) FROM analytics_application
WHERE account_id IN (SELECT account_id FROM account) GROUP BY account_id;

-- Who was reading a stream when it was deleted. One that is made anew under the name keeps its records for them.
CREATE TABLE delivery_log_waiting_reader (
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    reader TEXT NOT NULL,
    PRIMARY KEY (account_id, region, name, reader)
) STRICT, WITHOUT ROWID;
