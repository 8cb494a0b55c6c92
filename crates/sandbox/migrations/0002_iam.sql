-- IAM roles with their inline policies and the managed policies attached to them. Role names differ in more than case, as in AWS.
CREATE TABLE role (
    account_id TEXT NOT NULL REFERENCES account (account_id) ON DELETE CASCADE,
    role_name TEXT NOT NULL COLLATE NOCASE,
    role_id TEXT NOT NULL,
    path TEXT NOT NULL,
    description TEXT,
    trust_policy TEXT NOT NULL,
    max_session_seconds INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (account_id, role_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE role_policy (
    account_id TEXT NOT NULL,
    role_name TEXT NOT NULL COLLATE NOCASE,
    policy_name TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (account_id, role_name, policy_name),
    FOREIGN KEY (account_id, role_name) REFERENCES role (account_id, role_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE role_attachment (
    account_id TEXT NOT NULL,
    role_name TEXT NOT NULL COLLATE NOCASE,
    policy_arn TEXT NOT NULL,
    PRIMARY KEY (account_id, role_name, policy_arn),
    FOREIGN KEY (account_id, role_name) REFERENCES role (account_id, role_name)
) STRICT, WITHOUT ROWID;
