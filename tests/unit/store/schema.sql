-- version 6

CREATE TABLE provider (
    id            TEXT    PRIMARY KEY,
    name          TEXT    NOT NULL,
    provider_type TEXT    NOT NULL CHECK (provider_type = 'openai'),
    source_type   TEXT    NOT NULL CHECK (source_type IN ('builtin', 'user')),
    preset        TEXT,
    base_url      TEXT    NOT NULL,
    concurrency   INTEGER NOT NULL CHECK (concurrency BETWEEN 1 AND 64),
    background    INTEGER NOT NULL CHECK (background IN (0, 1)),
    created_at    INTEGER NOT NULL
) STRICT;

CREATE TABLE model_configuration (
    id           TEXT    PRIMARY KEY,
    provider_id  TEXT    NOT NULL REFERENCES provider (id) ON DELETE CASCADE,
    identifier   TEXT    NOT NULL,
    display_name TEXT    NOT NULL,
    position     INTEGER NOT NULL,
    UNIQUE (provider_id, identifier)
) STRICT;

CREATE TABLE model_capability (
    model_id   TEXT    NOT NULL REFERENCES model_configuration (id) ON DELETE CASCADE,
    capability TEXT    NOT NULL CHECK (capability IN ('vision', 'text', 'structured_output', 'tool_use')),
    has_it     INTEGER NOT NULL CHECK (has_it IN (0, 1)),
    PRIMARY KEY (model_id, capability)
) STRICT, WITHOUT ROWID;

CREATE TABLE capability_assignment (
    capability TEXT PRIMARY KEY CHECK (capability IN ('vision', 'text', 'structured_output', 'tool_use')),
    model_id   TEXT NOT NULL REFERENCES model_configuration (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

CREATE TABLE setting (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE session (
    number          INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    title           TEXT    NOT NULL,
    titled_by       TEXT    CHECK (titled_by IN ('question', 'model', 'person')),
    leaves_computer INTEGER NOT NULL CHECK (leaves_computer IN (0, 1)),
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL
) STRICT;

CREATE INDEX session_by_change ON session (updated_at, number);

CREATE TABLE message (
    number          INTEGER PRIMARY KEY,
    id              TEXT    NOT NULL UNIQUE,
    session         INTEGER NOT NULL REFERENCES session (number) ON DELETE CASCADE,
    role            TEXT    NOT NULL CHECK (role IN ('user', 'assistant')),
    parts           TEXT    NOT NULL CHECK (json_valid(parts)),
    state           TEXT    NOT NULL CHECK (state IN ('streaming', 'complete', 'interrupted')),
    kind            TEXT,
    model_name      TEXT,
    provider_name   TEXT,
    leaves_computer INTEGER NOT NULL CHECK (leaves_computer IN (0, 1)),
    dropped_before  INTEGER NOT NULL,
    finish_reason   TEXT    CHECK (finish_reason IN ('stop', 'length')),
    created_at      INTEGER NOT NULL
, gone_on INTEGER NOT NULL DEFAULT 0 CHECK (gone_on IN (0, 1)), said TEXT) STRICT;

CREATE INDEX message_by_session ON message (session, number);

CREATE INDEX message_streaming ON message (session) WHERE state = 'streaming';

CREATE TABLE message_attachment (
    message INTEGER NOT NULL REFERENCES message (number) ON DELETE CASCADE,
    sha256  TEXT    NOT NULL,
    PRIMARY KEY (message, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_attachment_by_file ON message_attachment (sha256);

CREATE VIRTUAL TABLE session_search USING fts5 (
    title, content = 'session', content_rowid = 'number', tokenize = 'simplify casefold true strip true unicodewords'
);

CREATE TABLE 'session_search_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'session_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE 'session_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB);

CREATE TABLE 'session_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE VIRTUAL TABLE message_search USING fts5 (
    text, content = 'message_text', content_rowid = 'number', tokenize = 'simplify casefold true strip true unicodewords'
);

CREATE TABLE 'message_search_data'(id INTEGER PRIMARY KEY, block BLOB);

CREATE TABLE 'message_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;

CREATE TABLE 'message_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB);

CREATE TABLE 'message_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;

CREATE TRIGGER session_inserted AFTER INSERT ON session BEGIN
    INSERT INTO session_search (rowid, title) VALUES (new.number, new.title);
END;

CREATE TRIGGER session_deleted AFTER DELETE ON session BEGIN
    INSERT INTO session_search (session_search, rowid, title) VALUES ('delete', old.number, old.title);
END;

CREATE TRIGGER session_renamed AFTER UPDATE OF title ON session BEGIN
    INSERT INTO session_search (session_search, rowid, title) VALUES ('delete', old.number, old.title);
    INSERT INTO session_search (rowid, title) VALUES (new.number, new.title);
END;

CREATE TRIGGER message_changed AFTER UPDATE OF parts, state ON message WHEN new.state <> 'streaming' BEGIN
    INSERT INTO message_search (rowid, text) SELECT number, text FROM message_text WHERE number = new.number;
END;

CREATE TRIGGER message_inserted AFTER INSERT ON message WHEN new.state <> 'streaming' BEGIN
    INSERT INTO message_search (rowid, text) SELECT number, text FROM message_text WHERE number = new.number;
END;

CREATE VIEW message_text AS
SELECT number, (
    SELECT substr(group_concat(json_extract(part.value, '$.text'), char(10)), 1, 100000)
    FROM json_each(CASE WHEN json_valid(parts) THEN parts ELSE '[]' END) AS part
    WHERE CASE part.type WHEN 'object' THEN json_extract(part.value, '$.type') = 'text' END
) AS text
FROM message;

CREATE VIEW message_unknown_to_search AS
SELECT number FROM message_text JOIN message_search_docsize ON id = number WHERE text IS NULL AND sz <> x'00';

CREATE TRIGGER message_deleted BEFORE DELETE ON message WHEN old.state <> 'streaming' BEGIN
    SELECT RAISE(ABORT, 'index') FROM message_unknown_to_search WHERE number = old.number;
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;

CREATE TRIGGER message_changing BEFORE UPDATE OF parts, state ON message WHEN old.state <> 'streaming' BEGIN
    SELECT RAISE(ABORT, 'index') FROM message_unknown_to_search WHERE number = old.number;
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;
