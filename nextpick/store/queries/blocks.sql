-- name: plan
-- The blocks of a release: users who did something that counts before the cutoff, by id, so many a block.
INSERT INTO nextpick.release_blocks (release_id, block, user_ids)
SELECT %(release_id)s, block, array_agg(user_id ORDER BY place)
FROM (
    SELECT user_id, place, (place - 1) / %(size)s AS block
    FROM (
        SELECT user_id, row_number() OVER (ORDER BY user_id COLLATE "C") AS place
        FROM (
            SELECT DISTINCT user_id FROM nextpick.events AS e
            WHERE occurred_at < %(cutoff)s AND received_at <= %(known)s AND kind = ANY (%(kinds)s)
              AND NOT EXISTS (
                  SELECT FROM nextpick.erased_users AS u WHERE u.user_id = e.user_id AND u.erased_at >= e.received_at)
        ) AS users
    ) AS placed
) AS cut
GROUP BY block;

-- name: to_do
-- The blocks of a release that are still to be filled, and how many users they have.
SELECT block, cardinality(user_ids) FROM nextpick.release_blocks
WHERE release_id = %(release_id)s AND done_at IS NULL ORDER BY block;

-- name: take
-- A block, held until the transaction ends: whether it is done, and its users without those erased since the plan.
-- Waits for whoever holds it as long as lock_timeout says.
SELECT done_at IS NOT NULL, ARRAY (
    SELECT u.user_id FROM unnest(user_ids) WITH ORDINALITY AS u (user_id, place)
    WHERE NOT EXISTS (
        SELECT FROM nextpick.erased_users AS x WHERE x.user_id = u.user_id AND x.erased_at >= %(since)s)
    ORDER BY place)
FROM nextpick.release_blocks WHERE release_id = %(release_id)s AND block = %(block)s
FOR UPDATE;

-- name: done
-- The block's lists are all there.
UPDATE nextpick.release_blocks SET done_at = now() WHERE release_id = %(release_id)s AND block = %(block)s;

-- name: forget
-- What the plan of a release holds of users is not needed once it is whole, or given up.
DELETE FROM nextpick.release_blocks WHERE release_id = %(release_id)s;
