-- name: read
-- A user's list in a release and what the user did since its cutoff, in one round trip: always one row. Of an erased
-- user there is nothing from before the erasure.
SELECT l.item_rows, l.scores, l.generator_scores, l.generator_ranks,
       l.history_rows, l.history_counts, l.history_weights, l.history_first, l.history_last,
       e.item_ids, e.kinds, e.occurred_at
FROM (SELECT) AS one
LEFT JOIN nextpick.erased_users AS x ON x.user_id = %(user_id)s
LEFT JOIN nextpick.lists AS l ON l.release_id = %(release_id)s::bigint AND l.user_id = %(user_id)s
    AND (x.erased_at IS NULL OR x.erased_at < %(cutoff)s)
CROSS JOIN LATERAL (
    SELECT array_agg(item_id) AS item_ids, array_agg(kind) AS kinds, array_agg(moment) AS occurred_at
    FROM (
        SELECT item_id, kind, (extract(epoch FROM occurred_at) * 1000000)::bigint AS moment
        FROM nextpick.events
        WHERE user_id = %(user_id)s AND occurred_at >= %(cutoff)s AND kind = ANY (%(kinds)s)
          AND (x.erased_at IS NULL OR x.erased_at < received_at)
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

-- name: items_of_draft
-- The same of a release in the making.
SELECT item_row, item_id, title, categories, price, features FROM {table} ORDER BY item_row;

-- name: hidden
-- Items nobody may be shown any more.
SELECT item_id FROM nextpick.items WHERE hidden;

-- name: going
-- This partition of a table, and before it any other that is half detached; whether each is.
SELECT c.relname, i.inhdetachpending
FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
WHERE i.inhparent = %(parent)s::regclass AND (c.relname = %(partition)s OR i.inhdetachpending)
ORDER BY i.inhdetachpending DESC;

-- name: fill_similar
-- The nearest of each item.
COPY nextpick.release_similar (release_id, item_row, similar_rows, similar_scores) FROM STDIN (FORMAT binary);

-- name: fill_charts
-- The charts of a release.
COPY nextpick.release_charts (release_id, chart, category, item_rows) FROM STDIN;

-- name: drop_similar
-- The nearest go with the generation.
DELETE FROM nextpick.release_similar WHERE release_id = %(release_id)s;

-- name: charts
-- All charts of a release.
SELECT chart, category, item_rows FROM nextpick.release_charts WHERE release_id = %(release_id)s::bigint;

-- name: drop_charts
-- The charts go with the generation.
DELETE FROM nextpick.release_charts WHERE release_id = %(release_id)s;

-- name: indexed
-- A row where the table has a primary key.
SELECT 1 FROM pg_index WHERE indrelid = %(table)s::regclass AND indisprimary;

-- name: without_erased
-- Users erased while their lists were being written.
DELETE FROM {table} WHERE user_id IN (SELECT user_id FROM nextpick.erased_users WHERE erased_at >= %(since)s);

-- name: size
-- Bytes of a release's tables, indexes and all, and of its rows in the tables that all releases share.
SELECT (SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%(tables)s::text[]) AS name)::bigint
     + (SELECT coalesce(sum(pg_column_size(s.*)), 0) FROM nextpick.release_similar AS s
        WHERE release_id = %(release_id)s)
     + (SELECT coalesce(sum(pg_column_size(c.*)), 0) FROM nextpick.release_charts AS c
        WHERE release_id = %(release_id)s);
