-- Only adds and loosens, so that the code of revision 0003 goes on working beside it.
ALTER TABLE nextpick.impressions ALTER COLUMN user_id DROP NOT NULL;  -- null: an anonymous session
ALTER TABLE nextpick.impressions ADD COLUMN propensities real[];      -- how likely each item was in its place; null: certain

ALTER TABLE nextpick.impressions ADD COLUMN narrowed boolean NOT NULL DEFAULT false;  -- by filters, ids, pages before, /rank

-- One row: the key that every process of the service signs cursors with. Made here, by Postgres's strong generator.
CREATE TABLE nextpick.signing (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret  bytea NOT NULL CHECK (octet_length(secret) = 32)
);
INSERT INTO nextpick.signing (secret) SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
