-- Since when a reader has failed at every try.
ALTER TABLE reader ADD COLUMN failing_since_ms INTEGER;
-- Since when it is switched off, so that nothing is carried until somebody switches it on.
ALTER TABLE reader ADD COLUMN off_ms INTEGER;

-- The latest tries of each reader; older ones are deleted with the next.
CREATE TABLE delivery (
    delivery_id INTEGER PRIMARY KEY AUTOINCREMENT,
    class_id TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    -- The HTTP status that was answered, if there was an answer.
    status INTEGER,
    -- What happened, in a sentence.
    words TEXT NOT NULL,
    FOREIGN KEY (class_id, name) REFERENCES reader (class_id, name) ON DELETE CASCADE
) STRICT;
CREATE INDEX delivery_of_reader ON delivery (class_id, name, delivery_id);
