-- The words of what was deleted leave the index in the same moment, and not when it is next merged.
INSERT INTO session_search (session_search, rank) VALUES ('secure-delete', 1);
INSERT INTO message_search (message_search, rank) VALUES ('secure-delete', 1);
