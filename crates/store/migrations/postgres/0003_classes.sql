CREATE TABLE instructor (
    instructor_id TEXT PRIMARY KEY,
    -- What is typed to sign in, in lower case.
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    -- Argon2id in PHC form; none for who signs in elsewhere only.
    password_hash TEXT,
    -- Who this is at the OpenID Connect provider.
    issuer TEXT,
    subject TEXT,
    -- Sessions begun under another number are over.
    session_version BIGINT NOT NULL DEFAULT 1,
    created_ms BIGINT NOT NULL,
    UNIQUE (issuer, subject)
);

CREATE TABLE class (
    class_id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    join_code TEXT NOT NULL UNIQUE,
    starts_ms BIGINT,
    ends_ms BIGINT,
    archived_ms BIGINT,
    -- Whether learners wait until someone lets them in.
    approval BOOLEAN NOT NULL,
    -- The server's settings of the class, as JSON.
    settings TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- The end of the class's log.
    head_seq BIGINT NOT NULL DEFAULT 0,
    head_hash TEXT NOT NULL
);

CREATE TABLE staff (
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    instructor_id TEXT NOT NULL REFERENCES instructor (instructor_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    -- When the help queue was looked at last.
    help_seen_ms BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (class_id, instructor_id)
);
CREATE INDEX staff_of_instructor ON staff (instructor_id);

CREATE TABLE invitation (
    -- SHA-256 of the code, in hex.
    code_hash TEXT PRIMARY KEY,
    -- By this it is listed and revoked.
    invitation_id TEXT NOT NULL UNIQUE,
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    -- For whom, in the inviter's words.
    note TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);

CREATE TABLE member (
    learner_id TEXT PRIMARY KEY REFERENCES learner (learner_id) ON DELETE CASCADE,
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    -- The shown name; none for who stays anonymous.
    name TEXT,
    -- waiting, active, left or removed
    state TEXT NOT NULL,
    joined_ms BIGINT NOT NULL,
    -- Since when the hand is up, and in which step.
    hand_ms BIGINT,
    hand_step TEXT
);
CREATE INDEX member_of_class ON member (class_id);

CREATE TABLE hint (
    hint_id TEXT NOT NULL,
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    words TEXT NOT NULL,
    sent_by TEXT NOT NULL,
    sent_ms BIGINT NOT NULL,
    seen_ms BIGINT,
    PRIMARY KEY (learner_id, hint_id)
);

-- The logs of all classes. An entry is appended without a number; sealing gives it its place in the chain.
CREATE TABLE event (
    event_id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    -- Stays when the learner is forgotten: it names nobody.
    learner_id TEXT,
    at_ms BIGINT NOT NULL,
    body TEXT NOT NULL,
    seq BIGINT,
    previous TEXT,
    hash TEXT
);
CREATE UNIQUE INDEX event_in_order ON event (class_id, seq);
CREATE INDEX event_of_learner ON event (learner_id, seq);
CREATE INDEX event_unsealed ON event (event_id) WHERE seq IS NULL;

-- How far readers of the logs have come, such as a webhook. One server at a time reads for each.
CREATE TABLE reader (
    name TEXT NOT NULL,
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    position BIGINT NOT NULL,
    holder TEXT,
    held_until_ms BIGINT NOT NULL DEFAULT 0,
    failures BIGINT NOT NULL DEFAULT 0,
    retry_ms BIGINT NOT NULL DEFAULT 0,
    -- What happened last, in a sentence.
    outcome TEXT,
    outcome_ms BIGINT,
    PRIMARY KEY (class_id, name)
);

-- What belongs to a class and has no columns of its own, as JSON: webhooks, LTI platforms and their links.
CREATE TABLE class_document (
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    document_id TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (class_id, kind, document_id)
);
CREATE INDEX class_document_by_id ON class_document (kind, document_id);

-- Who comes by way of a learning platform.
CREATE TABLE external_learner (
    class_id TEXT NOT NULL REFERENCES class (class_id) ON DELETE CASCADE,
    platform TEXT NOT NULL,
    subject TEXT NOT NULL,
    learner_id TEXT NOT NULL REFERENCES learner (learner_id) ON DELETE CASCADE,
    PRIMARY KEY (class_id, platform, subject)
);
CREATE INDEX external_learner_of_learner ON external_learner (learner_id);

-- What may be used once, until it expires.
CREATE TABLE used_once (
    value TEXT PRIMARY KEY,
    expires_ms BIGINT NOT NULL
);

-- Small facts about the whole installation, kept by name.
CREATE TABLE installation (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
