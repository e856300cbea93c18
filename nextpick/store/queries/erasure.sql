-- name: mark
-- From now on the user is unknown, whatever was known. Returns the moment.
INSERT INTO nextpick.erased_users AS x (user_id, erased_at) VALUES (%(user_id)s, clock_timestamp())
ON CONFLICT (user_id) DO UPDATE SET erased_at = excluded.erased_at
RETURNING erased_at;

-- name: lists
-- Lists in releases that are attached.
DELETE FROM nextpick.lists WHERE user_id = %(user_id)s;

-- name: events
-- Events. Of their ids a digest stays, by which event_batches.insert knows one that is sent again.
WITH gone AS (DELETE FROM nextpick.events WHERE user_id = %(user_id)s RETURNING event_id),
     ids AS (
         UPDATE nextpick.event_ids AS k SET event_id = 'erased-' || encode(sha256(convert_to(k.event_id, 'UTF8')), 'hex')
         FROM gone WHERE k.event_id = gone.event_id)
SELECT count(*) FROM gone;

-- name: impressions
-- Answers.
DELETE FROM nextpick.impressions WHERE user_id = %(user_id)s;

-- name: quarantine
-- Rejected rows that name the user in any field.
DELETE FROM nextpick.quarantine
WHERE jsonb_path_exists(line, '$.** ? (@ == $user)', jsonb_build_object('user', %(user_id)s::text));

-- name: comparisons
-- What comparisons of releases say of single users.
UPDATE nextpick.releases SET diff = (
    SELECT jsonb_set(diff, '{worst}', coalesce(jsonb_agg(one), '[]'))
    FROM jsonb_array_elements(diff -> 'worst') AS one
    WHERE NOT jsonb_path_exists(one, '$.** ? (@ == $user)', jsonb_build_object('user', %(user_id)s::text)))
WHERE jsonb_path_exists(diff, '$.worst.** ? (@ == $user)', jsonb_build_object('user', %(user_id)s::text));

-- name: plans
-- Releases in the making that have yet to fill the user's block; a block being filled is looked at by who fills it.
UPDATE nextpick.release_blocks AS b SET user_ids = array_remove(user_ids, %(user_id)s)
FROM (
    SELECT release_id, block FROM nextpick.release_blocks WHERE user_ids @> ARRAY[%(user_id)s::text]
    FOR UPDATE SKIP LOCKED
) AS free
WHERE (b.release_id, b.block) = (free.release_id, free.block);

-- name: late_lists
-- Lists of erased users that came in while they were being erased.
DELETE FROM nextpick.lists AS l USING nextpick.erased_users AS x, nextpick.releases AS r
WHERE l.user_id = x.user_id AND l.release_id = r.release_id AND r.cutoff <= x.erased_at;

-- name: late_events
-- Events of erased users that came in while they were being erased; of their ids, as above.
WITH gone AS (
         DELETE FROM nextpick.events AS e USING nextpick.erased_users AS x
         WHERE e.user_id = x.user_id AND e.received_at <= x.erased_at RETURNING e.event_id),
     ids AS (
         UPDATE nextpick.event_ids AS k SET event_id = 'erased-' || encode(sha256(convert_to(k.event_id, 'UTF8')), 'hex')
         FROM gone WHERE k.event_id = gone.event_id)
SELECT count(*) FROM gone;

-- name: late_impressions
-- Answers to erased users that were written after they were erased.
DELETE FROM nextpick.impressions AS i USING nextpick.erased_users AS x
WHERE i.user_id = x.user_id AND i.answered_at <= x.erased_at;

-- name: late_comparisons
-- What comparisons of releases say of users who were erased while they were made.
UPDATE nextpick.releases AS r SET diff = (
    SELECT jsonb_set(r.diff, '{worst}', coalesce(jsonb_agg(one ORDER BY place), '[]'))
    FROM jsonb_array_elements(r.diff -> 'worst') WITH ORDINALITY AS worst (one, place)
    WHERE NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = one ->> 1 AND x.erased_at >= r.created_at))
WHERE EXISTS (
    SELECT FROM jsonb_array_elements(r.diff -> 'worst') AS one
    JOIN nextpick.erased_users AS x ON x.user_id = one ->> 1
    WHERE x.erased_at >= r.created_at);

-- name: horizon
-- When a user was erased last, up to a moment; null where nobody was.
SELECT max(erased_at) FROM nextpick.erased_users WHERE erased_at <= %(until)s;
