-- name: any_events
-- Whether there is any event at all. One row.
SELECT EXISTS (SELECT FROM nextpick.events);

-- name: regular
-- The user who was there on the most days of the last four weeks that have events, or no row.
SELECT user_id FROM nextpick.events
WHERE occurred_at > (SELECT max(occurred_at) FROM nextpick.events) - interval '28 days'
GROUP BY user_id ORDER BY count(DISTINCT date_trunc('day', occurred_at)) DESC, user_id LIMIT 1;

-- name: last_titles
-- The titles of the %(count)s different items a user turned to last, newest first.
SELECT coalesce(i.title, e.item_id)
FROM (
    SELECT item_id, max(occurred_at) AS last_at FROM nextpick.events
    WHERE user_id = %(user_id)s GROUP BY item_id ORDER BY last_at DESC, item_id LIMIT %(count)s) AS e
LEFT JOIN nextpick.items AS i USING (item_id)
ORDER BY e.last_at DESC, e.item_id;
