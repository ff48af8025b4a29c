-- Parts that rotted are no JSON any more: they have no words, and their message can be changed and deleted all the same.
DROP VIEW message_text;
CREATE VIEW message_text AS
SELECT number, (
    SELECT substr(group_concat(json_extract(part.value, '$.text'), char(10)), 1, 100000)
    FROM json_each(CASE WHEN json_valid(parts) THEN parts ELSE '[]' END) AS part
    WHERE CASE part.type WHEN 'object' THEN json_extract(part.value, '$.type') = 'text' END
) AS text
FROM message;

-- The index may still have their words, which it does not know by them: it has to be made anew, and says so.
CREATE VIEW message_unknown_to_search AS
SELECT number FROM message_text JOIN message_search_docsize ON id = number WHERE text IS NULL AND sz <> x'00';

DROP TRIGGER message_deleted;
CREATE TRIGGER message_deleted BEFORE DELETE ON message WHEN old.state <> 'streaming' BEGIN
    SELECT RAISE(ABORT, 'index') FROM message_unknown_to_search WHERE number = old.number;
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;
DROP TRIGGER message_changing;
CREATE TRIGGER message_changing BEFORE UPDATE OF parts, state ON message WHEN old.state <> 'streaming' BEGIN
    SELECT RAISE(ABORT, 'index') FROM message_unknown_to_search WHERE number = old.number;
    INSERT INTO message_search (message_search, rowid, text)
    SELECT 'delete', number, text FROM message_text WHERE number = old.number;
END;
