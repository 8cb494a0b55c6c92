CREATE TABLE learner (
    learner_id TEXT PRIMARY KEY,
    -- SHA-256 of the resume code, in hex: whoever reads this file cannot resume as a learner.
    resume_code_hash TEXT NOT NULL UNIQUE,
    -- The learner's sandbox account, twelve digits.
    account TEXT NOT NULL,
    -- The learner's own names as JSON.
    variables TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE check_record (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    check_name TEXT NOT NULL,
    -- The last result as JSON, with its verdict and evidence.
    result TEXT NOT NULL,
    passed INTEGER NOT NULL,
    checked_ms INTEGER NOT NULL,
    -- The first pass; a later failure does not take it away.
    passed_ms INTEGER,
    PRIMARY KEY (learner_id, check_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE step_record (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    opened_ms INTEGER,
    passed_ms INTEGER,
    -- How often the learner asked for a check by the button.
    attempts INTEGER NOT NULL DEFAULT 0,
    hints_revealed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (learner_id, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE answer (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    question INTEGER NOT NULL,
    -- The chosen options as a JSON array of positions from 0.
    choices TEXT NOT NULL,
    correct INTEGER NOT NULL,
    -- Whether the first answer was right.
    first_correct INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    answered_ms INTEGER NOT NULL,
    PRIMARY KEY (learner_id, step, question)
) STRICT, WITHOUT ROWID;

-- Small facts about a learner that the server keeps by name, such as the chart as it was seen last.
CREATE TABLE learner_fact (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (learner_id, name)
) STRICT, WITHOUT ROWID;
