-- name: read
-- A user's list in a release and what the user did since its cutoff, in one round trip: always one row.
SELECT l.item_rows, l.scores, l.generator_scores, l.generator_ranks,
       l.history_rows, l.history_counts, l.history_weights, l.history_first, l.history_last,
       e.item_ids, e.kinds, e.occurred_at
FROM (SELECT) AS one
LEFT JOIN nextpick.lists AS l ON l.release_id = %(release_id)s::bigint AND l.user_id = %(user_id)s
CROSS JOIN LATERAL (
    SELECT array_agg(item_id) AS item_ids, array_agg(kind) AS kinds, array_agg(moment) AS occurred_at
    FROM (
        SELECT item_id, kind, (extract(epoch FROM occurred_at) * 1000000)::bigint AS moment
        FROM nextpick.events
        WHERE user_id = %(user_id)s AND occurred_at >= %(cutoff)s AND kind = ANY (%(kinds)s)
        ORDER BY occurred_at DESC, event_id DESC
        LIMIT %(limit)s::bigint
    ) AS newest
) AS e;

-- name: first
-- Any one list of a release, for a trial answer before the release is served.
SELECT user_id, item_rows, scores, generator_scores, generator_ranks,
       history_rows, history_counts, history_weights, history_first, history_last
FROM nextpick.lists WHERE release_id = %(release_id)s::bigint AND cardinality(item_rows) > 0 LIMIT 1;

-- name: items
-- A release's items in row order: what the answers show, and the ranker's item features as of the cutoff.
SELECT item_row, item_id, title, categories, price, features
FROM nextpick.release_items WHERE release_id = %(release_id)s::bigint ORDER BY item_row;

-- name: hidden
-- Items nobody may be shown any more.
SELECT item_id FROM nextpick.items WHERE hidden;

-- name: attached
-- The partitions a table has, and whether one is half detached.
SELECT c.relname, i.inhdetachpending
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = %(parent)s::regclass AND c.relname = %(partition)s;
