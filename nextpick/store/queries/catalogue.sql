-- name: put
-- Items from the API, each id once: what a sent item does not name stays as it is. Returns how many were added, how
-- many differ now, and how many somebody else added meanwhile, which are not changed: then it is to be run again. Who
-- listens on nextpick_live is told.
WITH sent AS (
    SELECT e ->> 'item_id' AS item_id, e FROM jsonb_array_elements(%(items)s::jsonb) AS e ORDER BY 1
), wanted AS (
    SELECT item_id, e, e ->> 'title' AS title, (e ->> 'price')::float8 AS price,
           ARRAY(SELECT jsonb_array_elements_text(e -> 'categories')) AS categories,
           (e ->> 'published_at')::timestamptz AS published_at, (e ->> 'hidden')::boolean AS hidden
    FROM sent
), added AS (
    INSERT INTO nextpick.items (item_id, title, categories, price, published_at, attributes, hidden)
    SELECT item_id, coalesce(title, item_id), categories, price, published_at, coalesce(e -> 'attributes', '{}'),
           coalesce(hidden, false)
    FROM wanted ON CONFLICT DO NOTHING RETURNING item_id
), known AS (
    SELECT item_id FROM nextpick.items JOIN sent USING (item_id)
), changed AS (
    UPDATE nextpick.items AS i SET
        title = coalesce(w.title, i.title),
        categories = CASE WHEN w.e ? 'categories' THEN w.categories ELSE i.categories END,
        price = CASE WHEN w.e ? 'price' THEN w.price ELSE i.price END,
        published_at = CASE WHEN w.e ? 'published_at' THEN w.published_at ELSE i.published_at END,
        attributes = coalesce(w.e -> 'attributes', i.attributes),
        hidden = coalesce(w.hidden, i.hidden),
        updated_at = now()
    FROM wanted AS w WHERE i.item_id = w.item_id AND (
        i.title IS DISTINCT FROM coalesce(w.title, i.title)
        OR w.e ? 'categories' AND i.categories IS DISTINCT FROM w.categories
        OR w.e ? 'price' AND i.price IS DISTINCT FROM w.price
        OR w.e ? 'published_at' AND i.published_at IS DISTINCT FROM w.published_at
        OR i.attributes IS DISTINCT FROM coalesce(w.e -> 'attributes', i.attributes)
        OR i.hidden IS DISTINCT FROM coalesce(w.hidden, i.hidden))
    RETURNING 1
)
SELECT (SELECT count(*) FROM added), (SELECT count(*) FROM changed),
       (SELECT count(*) FROM sent) - (SELECT count(*) FROM added) - (SELECT count(*) FROM known),
       (SELECT pg_notify('nextpick_live', 'items') FROM changed LIMIT 1);

-- name: get
-- One item as the catalogue has it.
SELECT item_id, title, categories, price, published_at, attributes, hidden, updated_at
FROM nextpick.items WHERE item_id = %(item_id)s;

-- name: similar
-- An item's nearest in a release.
SELECT similar_rows, similar_scores FROM nextpick.release_similar
WHERE release_id = %(release_id)s AND item_row = %(item_row)s;
