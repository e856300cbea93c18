-- name: describe
-- What is known of a user: events, by kind and since when, and how long the list in a release is, null where there is
-- none. Always one row; of an erased user there is nothing from before the erasure.
WITH own AS (
    SELECT kind, count(*) AS n, min(occurred_at) AS first_at, max(occurred_at) AS last_at
    FROM nextpick.events AS e
    WHERE user_id = %(user_id)s AND NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
    GROUP BY kind
)
SELECT coalesce(sum(n), 0)::bigint, min(first_at), max(last_at), coalesce(jsonb_object_agg(kind, n), '{}'),
       (SELECT cardinality(item_rows) FROM nextpick.lists AS l
        JOIN nextpick.releases AS r USING (release_id)
        LEFT JOIN nextpick.erased_users AS x USING (user_id)
        WHERE l.release_id = %(release_id)s::bigint AND l.user_id = %(user_id)s
          AND (x.erased_at IS NULL OR x.erased_at < r.cutoff))
FROM own;
