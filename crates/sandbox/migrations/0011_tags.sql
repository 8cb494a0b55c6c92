-- Tags of tables, buckets and roles. Those of the other services are with their services.
CREATE TABLE dynamodb_tag (
    table_id INTEGER NOT NULL REFERENCES dynamodb_table (table_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (table_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE bucket_tag (
    account_id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (account_id, bucket, key),
    FOREIGN KEY (account_id, bucket) REFERENCES bucket (account_id, bucket) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Keys of roles' tags differ in more than case, as in AWS.
CREATE TABLE role_tag (
    account_id TEXT NOT NULL,
    role_name TEXT NOT NULL COLLATE NOCASE,
    key TEXT NOT NULL COLLATE NOCASE,
    value TEXT NOT NULL,
    PRIMARY KEY (account_id, role_name, key),
    FOREIGN KEY (account_id, role_name) REFERENCES role (account_id, role_name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
