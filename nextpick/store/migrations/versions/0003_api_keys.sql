-- Who may call the API. Only adds, so that the code of revision 0002 goes on working beside it. Rows are kept once
-- revoked: they say who could do what, and until when.
CREATE TABLE nextpick.api_keys (
    key_id      text PRIMARY KEY,
    name        text NOT NULL,
    sha256      bytea NOT NULL CHECK (octet_length(sha256) = 32),  -- of the whole text of the key, which nobody keeps
    scopes      text[] NOT NULL CHECK (cardinality(scopes) > 0),
    per_second  double precision CHECK (per_second > 0 AND per_second < 'Infinity'),  -- requests; NULL for any number
    made_by     text NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz
);
CREATE UNIQUE INDEX api_keys_name ON nextpick.api_keys (name) WHERE revoked_at IS NULL;
