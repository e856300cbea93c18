-- name: insert
-- A batch from the API, whole or not at all: an event whose id is known changes nothing, nor does one from before its
-- user was erased, be it that only the digest of its id tells so. Returns how many were new.
WITH incoming AS (
    SELECT * FROM unnest(%(event_ids)s::text[], %(user_ids)s::text[], %(item_ids)s::text[], %(kinds)s::text[],
                         %(occurred_at)s::timestamptz[], %(values)s::float8[], %(recommendation_ids)s::uuid[])
        AS t (event_id, user_id, item_id, kind, occurred_at, value, recommendation_id)
), fresh AS (
    INSERT INTO nextpick.event_ids (event_id)
    SELECT event_id FROM incoming AS i
    WHERE NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.occurred_at)
      AND NOT EXISTS (
        SELECT FROM nextpick.event_ids AS k
        WHERE k.event_id = 'erased-' || encode(sha256(convert_to(i.event_id, 'UTF8')), 'hex'))
    ORDER BY event_id
    ON CONFLICT DO NOTHING RETURNING event_id
), written AS (
    INSERT INTO nextpick.events (event_id, user_id, item_id, kind, occurred_at, value, recommendation_id)
    SELECT i.* FROM incoming AS i JOIN fresh USING (event_id)
    RETURNING 1
)
SELECT count(*) FROM written;
