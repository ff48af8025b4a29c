-- What a provider said when an answer of it broke off.
ALTER TABLE message ADD COLUMN said TEXT;
