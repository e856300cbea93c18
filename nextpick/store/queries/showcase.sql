-- name: any_events
-- Whether there is any event at all. One row.
SELECT EXISTS (SELECT FROM nextpick.events);

-- name: newest_user
-- The user who did something last, or no row.
SELECT user_id FROM nextpick.events ORDER BY occurred_at DESC, event_id LIMIT 1;

-- name: last_titles
-- The titles of the %(count)s different items a user turned to last, newest first.
SELECT coalesce(i.title, e.item_id)
FROM (
    SELECT item_id, max(occurred_at) AS last_at FROM nextpick.events
    WHERE user_id = %(user_id)s GROUP BY item_id ORDER BY last_at DESC, item_id LIMIT %(count)s) AS e
LEFT JOIN nextpick.items AS i USING (item_id)
ORDER BY e.last_at DESC, e.item_id;
