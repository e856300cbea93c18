-- name: followed
-- What became of a window's answers to known users, not narrowed and no challenger's: of each release, how many answers
-- had these places, from 0, taken within `within` of the answer by the same user, who took so many distinct items in that
-- time, shown or not. Nothing from before a user was erased. A row a distinct outcome, so few rows however many answers.
WITH answered AS (
    SELECT release_id, user_id, answered_at, item_ids FROM nextpick.impressions AS i
    WHERE answered_at >= %(since)s AND answered_at < %(before)s AND user_id IS NOT NULL AND NOT narrowed
      AND variant <> 'challenger'
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at)
)
SELECT a.release_id, coalesce(t.places, '{}') AS places, t.relevant, count(*) AS answers
FROM answered AS a CROSS JOIN LATERAL (
    SELECT count(DISTINCT e.item_id) AS relevant,
           array_agg(DISTINCT array_position(a.item_ids, e.item_id) - 1)
               FILTER (WHERE e.item_id = ANY (a.item_ids)) AS places
    FROM nextpick.events AS e
    WHERE e.user_id = a.user_id AND e.kind = ANY (%(kinds)s)
      AND e.occurred_at >= a.answered_at AND e.occurred_at < a.answered_at + %(within)s
      AND e.occurred_at >= %(since)s AND e.occurred_at < %(before)s::timestamptz + %(within)s
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
) AS t
GROUP BY 1, 2, 3 ORDER BY 1, 3, 2;

-- name: shown
-- What a window's answers showed, those left out that were narrowed or a challenger's: each user's one after the other
-- in every scenario.
SELECT user_id, scenario, item_ids FROM nextpick.impressions AS i
WHERE answered_at >= %(since)s AND answered_at < %(before)s AND NOT narrowed AND variant <> 'challenger'
  AND NOT EXISTS (SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at)
ORDER BY user_id COLLATE "C", scenario COLLATE "C", answered_at, recommendation_id;

-- name: popularity
-- How often each item was taken in a window.
SELECT item_id, count(*) FROM nextpick.events
WHERE occurred_at >= %(since)s AND occurred_at < %(before)s AND kind = ANY (%(kinds)s)
GROUP BY item_id;

-- name: release
-- What a release was made from, besides its bundle: events before `cutoff` that were told by `known`, which items were
-- hidden, which were changed since, and whether users were erased since.
SELECT cutoff, created_at, hidden_rows,
       (SELECT coalesce(array_agg(item_id ORDER BY item_id), '{}') FROM nextpick.items WHERE updated_at > created_at),
       EXISTS (SELECT FROM nextpick.erased_users WHERE erased_at > created_at)
FROM nextpick.releases WHERE release_id = %(release_id)s;

-- name: listed
-- A sample of a release's answers from lists, with the features they were ranked by; the same one every time: ids are
-- random, and so is the order of their hashes. Only ids are sorted: answers are wide.
WITH chosen AS (
    SELECT recommendation_id FROM nextpick.impressions AS i
    WHERE answered_at >= %(since)s AND answered_at < %(before)s AND release_id = %(release_id)s
      AND user_id IS NOT NULL AND features IS NOT NULL AND NOT narrowed AND %(source)s = ANY (sources)
      AND NOT EXISTS (
          SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at)
    ORDER BY md5(recommendation_id::text) LIMIT %(limit)s
)
SELECT recommendation_id, user_id, answered_at, as_of, item_ids, sources, features
FROM nextpick.impressions JOIN chosen USING (recommendation_id)
WHERE answered_at >= %(since)s AND answered_at < %(before)s ORDER BY recommendation_id;

-- name: known
-- What some answers knew of their users: before the release's cutoff what it was made from, then what was told by the
-- time of the answer, up to its as_of, which is just after the newest event that it knew. Of another event that came in
-- within `unsure` of the answer nobody can tell whether it knew it. `since`: not before the cutoff.
SELECT a.recommendation_id, a.user_id, e.item_id, e.kind, e.occurred_at, e.occurred_at >= %(cutoff)s AS since,
       e.occurred_at >= %(cutoff)s AND NOT newest
           AND e.received_at > a.answered_at - %(unsure)s AND e.received_at < a.answered_at + %(unsure)s AS unsure
FROM unnest(%(ids)s::uuid[], %(user_ids)s::text[], %(answered_at)s::timestamptz[], %(as_of)s::timestamptz[])
         AS a (recommendation_id, user_id, answered_at, as_of)
JOIN nextpick.events AS e ON e.user_id = a.user_id AND e.occurred_at < a.as_of
CROSS JOIN LATERAL (SELECT e.occurred_at = a.as_of - interval '1 microsecond' AS newest) AS n
WHERE e.kind = ANY (%(kinds)s)
  AND CASE WHEN e.occurred_at < %(cutoff)s THEN e.received_at <= %(known)s
           ELSE newest OR e.received_at < a.answered_at + %(unsure)s END
  AND NOT EXISTS (
      SELECT FROM nextpick.erased_users AS x WHERE x.user_id = e.user_id AND x.erased_at >= e.received_at)
ORDER BY a.recommendation_id, e.occurred_at, e.event_id;
