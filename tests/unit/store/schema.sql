-- version 1

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
