-- Chats. `number` is the order in which rows were made; ids are for those who ask.

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

-- `parts` is JSON: [{"type": "text", "text": …}, {"type": "image", "attachment": …}].
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
) STRICT;

CREATE INDEX message_by_session ON message (session, number);
CREATE INDEX message_streaming ON message (session) WHERE state = 'streaming';

CREATE TABLE message_attachment (
    message INTEGER NOT NULL REFERENCES message (number) ON DELETE CASCADE,
    sha256  TEXT    NOT NULL,
    PRIMARY KEY (message, sha256)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_attachment_by_file ON message_attachment (sha256);

-- What of a message is searched: its first 100,000 characters. To split these into words takes a tenth of a second;
-- somebody may paste a book.
CREATE VIEW message_text AS
SELECT number, (
    SELECT substr(group_concat(json_extract(part.value, '$.text'), char(10)), 1, 100000)
    FROM json_each(parts) AS part
    WHERE json_extract(part.value, '$.type') = 'text'
) AS text
FROM message;

-- The words of titles and messages. The texts themselves stay where they are, so that no start has to split them into
-- words again (quick_check would). An answer that streams is indexed when it ends, not at each of its writes.
CREATE VIRTUAL TABLE session_search USING fts5 (
    title, content = 'session', content_rowid = 'number', tokenize = 'simplify casefold true strip true unicodewords'
);
CREATE VIRTUAL TABLE message_search USING fts5 (
    text, content = 'message_text', content_rowid = 'number', tokenize = 'simplify casefold true strip true unicodewords'
);

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

-- Before the row changes: fts5 has to be told the words that it knows.
CREATE TRIGGER message_deleted BEFORE DELETE ON message WHEN old.state <> 'streaming' BEGIN
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;
CREATE TRIGGER message_changing BEFORE UPDATE OF parts, state ON message WHEN old.state <> 'streaming' BEGIN
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;
CREATE TRIGGER message_changed AFTER UPDATE OF parts, state ON message WHEN new.state <> 'streaming' BEGIN
    INSERT INTO message_search (rowid, text) SELECT number, text FROM message_text WHERE number = new.number;
END;
CREATE TRIGGER message_inserted AFTER INSERT ON message WHEN new.state <> 'streaming' BEGIN
    INSERT INTO message_search (rowid, text) SELECT number, text FROM message_text WHERE number = new.number;
END;
