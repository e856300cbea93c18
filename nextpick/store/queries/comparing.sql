-- name: pairs
-- Every user of either release with the list in both; null where a release does not know the user.
SELECT coalesce(n.user_id, l.user_id), n.item_rows, l.item_rows
FROM (SELECT user_id, item_rows FROM nextpick.lists WHERE release_id = %(new)s::bigint) AS n
FULL JOIN (SELECT user_id, item_rows FROM nextpick.lists WHERE release_id = %(live)s::bigint) AS l USING (user_id);

-- name: unavailable
-- Items of these releases that nobody may be shown: hidden, or in no catalogue any more.
SELECT DISTINCT r.item_id
FROM nextpick.release_items AS r LEFT JOIN nextpick.items AS i USING (item_id)
WHERE r.release_id = ANY (%(releases)s::bigint[]) AND coalesce(i.hidden, true);

-- name: made
-- How far a release is: users it was marked ready with, lists, users its blocks name, blocks not done, users erased
-- since it was begun. One row.
SELECT coalesce(r.users, 0),
       (SELECT count(*) FROM nextpick.lists AS l WHERE l.release_id = r.release_id),
       coalesce(sum(cardinality(b.user_ids)), 0),
       count(*) FILTER (WHERE b.release_id IS NOT NULL AND b.done_at IS NULL),
       (SELECT count(*) FROM nextpick.erased_users AS e WHERE e.erased_at >= r.created_at)
FROM nextpick.releases AS r LEFT JOIN nextpick.release_blocks AS b USING (release_id)
WHERE r.release_id = %(release_id)s::bigint
GROUP BY r.release_id;

-- name: has_items
-- Whether the release's items are there. One row.
SELECT EXISTS (SELECT FROM nextpick.release_items WHERE release_id = %(release_id)s::bigint);

-- name: kept
-- What came of comparing a release, or null.
SELECT diff FROM nextpick.releases WHERE release_id = %(release_id)s::bigint;

-- name: keep
-- What came of comparing a release; one that is live, rejected or dropped stays what it is.
UPDATE nextpick.releases SET diff = %(diff)s, reasons = %(reasons)s, status = %(status)s
WHERE release_id = %(release_id)s::bigint AND status IN ('ready', 'blocked')
  AND release_id NOT IN (SELECT release_id FROM nextpick.live);
