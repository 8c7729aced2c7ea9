-- Whom a token is bound to: the id of a partner or client, to whom the release gate gives what the token reads. Empty: own staff.
ALTER TABLE token ADD COLUMN recipient text COLLATE "C" NOT NULL DEFAULT '';
