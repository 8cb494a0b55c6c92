-- Accounts and the ids of their access keys. Secrets are derived from the master key and never stored.
CREATE TABLE account (
    account_id TEXT PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE access_key (
    access_key_id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    created_ms INTEGER NOT NULL
) STRICT;
