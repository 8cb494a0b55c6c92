CREATE TABLE analytics_tag (
    application_id INTEGER NOT NULL REFERENCES analytics_application (application_id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT,
    PRIMARY KEY (application_id, key)
) STRICT, WITHOUT ROWID;

-- Nobody could read these.
DROP TABLE analytics_message;
