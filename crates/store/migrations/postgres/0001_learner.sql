CREATE TABLE learner (
    learner_id TEXT PRIMARY KEY,
    -- SHA-256 of the resume code, in hex: whoever reads this file cannot resume as a learner.
    resume_code_hash TEXT NOT NULL UNIQUE,
    -- The learner's sandbox account, twelve digits.
    account TEXT NOT NULL,
    -- The learner's own names as JSON.
    variables TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    seen_ms BIGINT NOT NULL
);

CREATE TABLE check_record (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    check_name TEXT NOT NULL,
    -- The last result as JSON, with its verdict and evidence.
    result TEXT NOT NULL,
    passed BOOLEAN NOT NULL,
    checked_ms BIGINT NOT NULL,
    -- The first pass; a later failure does not take it away.
    passed_ms BIGINT,
    PRIMARY KEY (learner_id, check_name)
);

CREATE TABLE step_record (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    opened_ms BIGINT,
    passed_ms BIGINT,
    -- How often the learner asked for a check by the button.
    attempts BIGINT NOT NULL DEFAULT 0,
    hints_revealed BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (learner_id, step)
);

CREATE TABLE answer (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    question BIGINT NOT NULL,
    -- The chosen options as a JSON array of positions from 0.
    choices TEXT NOT NULL,
    correct BOOLEAN NOT NULL,
    -- Whether the first answer was right.
    first_correct BOOLEAN NOT NULL,
    tries BIGINT NOT NULL,
    answered_ms BIGINT NOT NULL,
    PRIMARY KEY (learner_id, step, question)
);

-- Small facts about a learner that the server keeps by name, such as the chart as it was seen last.
CREATE TABLE learner_fact (
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (learner_id, name)
);
