-- name: named
-- Whether a text is the id of a user, an item, a release. One row. An item that only the live release still has is
-- looked for there last, which reads that release's items.
SELECT EXISTS (SELECT FROM nextpick.erased_users WHERE user_id = %(id)s)
       OR EXISTS (SELECT FROM nextpick.events WHERE user_id = %(id)s)
       OR EXISTS (SELECT FROM nextpick.impressions WHERE user_id = %(id)s)
       OR EXISTS (
           SELECT FROM nextpick.lists WHERE user_id = %(id)s
               AND release_id = (SELECT release_id FROM nextpick.live WHERE variant = 'default')) AS a_user,
       CASE WHEN EXISTS (SELECT FROM nextpick.items WHERE item_id = %(id)s) THEN true
            ELSE EXISTS (
                SELECT FROM nextpick.release_items WHERE item_id = %(id)s
                    AND release_id = (SELECT release_id FROM nextpick.live WHERE variant = 'default')) END AS an_item,
       EXISTS (SELECT FROM nextpick.releases WHERE release_id = %(release_id)s::bigint) AS a_release;

-- name: erased
-- When a user was erased, or no row.
SELECT erased_at FROM nextpick.erased_users WHERE user_id = %(user_id)s;

-- name: history
-- A user's newest events, newest first; nothing that came in before the user was erased.
SELECT e.occurred_at, e.kind, e.item_id, coalesce(i.title, e.item_id) AS title, coalesce(i.hidden, false) AS hidden,
       e.value, e.recommendation_id
FROM (
    SELECT * FROM nextpick.events AS e
    WHERE user_id = %(user_id)s AND NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = %(user_id)s AND x.erased_at >= e.received_at)
    ORDER BY occurred_at DESC, event_id DESC LIMIT %(most)s
) AS e LEFT JOIN nextpick.items AS i USING (item_id)
ORDER BY e.occurred_at DESC, e.event_id DESC;

-- name: listed
-- The first of a user's list in a release, best first; none of a user who was erased since the release's cutoff.
SELECT s.place, i.item_id, i.title, s.score, coalesce(c.hidden, false) AS hidden
FROM nextpick.lists AS l
JOIN nextpick.releases AS r USING (release_id)
LEFT JOIN nextpick.erased_users AS x USING (user_id)
CROSS JOIN LATERAL unnest(l.item_rows[:%(most)s], l.scores[:%(most)s]) WITH ORDINALITY AS s (item_row, score, place)
JOIN nextpick.release_items AS i ON i.release_id = %(release_id)s::bigint AND i.item_row = s.item_row
LEFT JOIN nextpick.items AS c ON c.item_id = i.item_id
WHERE l.release_id = %(release_id)s::bigint AND l.user_id = %(user_id)s
  AND (x.erased_at IS NULL OR x.erased_at < r.cutoff)
ORDER BY s.place;

-- name: answers
-- A user's last answers, newest first, and what the user did within a day to what they showed: {item: kinds}.
WITH mine AS (
    SELECT recommendation_id, answered_at, release_id, variant, scenario, item_ids, sources, narrowed
    FROM nextpick.impressions AS i
    WHERE user_id = %(user_id)s AND NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = %(user_id)s AND x.erased_at >= i.answered_at)
    ORDER BY answered_at DESC LIMIT %(most)s
)
SELECT m.*, coalesce((
    SELECT jsonb_object_agg(item_id, kinds) FROM (
        SELECT e.item_id, string_agg(DISTINCT e.kind, ', ') AS kinds FROM nextpick.events AS e
        WHERE e.user_id = %(user_id)s AND e.item_id = ANY (m.item_ids)
          AND e.occurred_at >= m.answered_at AND e.occurred_at < m.answered_at + interval '1 day'
        GROUP BY e.item_id) AS each), '{}') AS taken
FROM mine AS m ORDER BY m.answered_at DESC;

-- name: in_release
-- An item as a release has it, or no row. Reads the release's items: they are found by their rows otherwise.
SELECT item_row, title, categories, price, features FROM nextpick.release_items
WHERE release_id = %(release_id)s::bigint AND item_id = %(item_id)s;

-- name: similar
-- An item's nearest in a release, nearest first.
SELECT s.place, i.item_id, i.title, s.score, coalesce(c.hidden, false) AS hidden
FROM nextpick.release_similar AS n
CROSS JOIN LATERAL unnest(n.similar_rows[:%(most)s], n.similar_scores[:%(most)s])
    WITH ORDINALITY AS s (item_row, score, place)
JOIN nextpick.release_items AS i ON i.release_id = %(release_id)s::bigint AND i.item_row = s.item_row
LEFT JOIN nextpick.items AS c ON c.item_id = i.item_id
WHERE n.release_id = %(release_id)s::bigint AND n.item_row = %(item_row)s
ORDER BY s.place;

-- name: release
-- What there is to a release besides its standing: nothing in it names a user who was erased since it was begun.
SELECT r.items, r.ready_at, r.lineage,
       CASE WHEN r.diff ? 'worst' THEN jsonb_set(r.diff, '{worst}', (
           SELECT coalesce(jsonb_agg(one ORDER BY place), '[]')
           FROM jsonb_array_elements(r.diff -> 'worst') WITH ORDINALITY AS worst (one, place)
           WHERE NOT EXISTS (
               SELECT FROM nextpick.erased_users AS x WHERE x.user_id = one ->> 1 AND x.erased_at >= r.created_at)))
           ELSE r.diff END AS diff,
       ARRAY(SELECT variant FROM nextpick.live AS l WHERE l.release_id = r.release_id ORDER BY variant) AS variants
FROM nextpick.releases AS r WHERE release_id = %(release_id)s;

-- name: log
-- What was lately done with a release, newest first, among the newest thousand entries.
SELECT at, who, action, from_release, to_release, reason
FROM (SELECT * FROM nextpick.release_log ORDER BY entry_id DESC LIMIT 1000) AS lately
WHERE %(release_id)s::bigint IN (from_release, to_release) ORDER BY entry_id DESC LIMIT %(most)s;
