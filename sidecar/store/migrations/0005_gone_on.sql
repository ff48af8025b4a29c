-- Of an answer: it went on by itself once, after a crash. The next time that takes a person.
ALTER TABLE message ADD COLUMN gone_on INTEGER NOT NULL DEFAULT 0 CHECK (gone_on IN (0, 1));
