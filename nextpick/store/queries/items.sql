-- name: stage
-- A private table for one bulk upsert; it outlives the transaction, not the session.
DROP TABLE IF EXISTS pg_temp.incoming_items;
CREATE TEMPORARY TABLE incoming_items (
    place bigint GENERATED ALWAYS AS IDENTITY,
    item_id text, title text, categories text[], price float8, published_at timestamptz, attributes jsonb
);

-- name: fill
-- The rows of a bulk upsert.
COPY pg_temp.incoming_items (item_id, title, categories, price, published_at, attributes) FROM STDIN;

-- name: upsert_staged
-- The last row of each item, moved in time, replaces what was known; an item that stays as it was is not written.
-- Keeps `hidden`.
INSERT INTO nextpick.items AS i (item_id, title, categories, price, published_at, attributes)
SELECT DISTINCT ON (item_id) item_id, title, categories, price, published_at + %(shift)s, attributes
FROM pg_temp.incoming_items ORDER BY item_id, place DESC
ON CONFLICT (item_id) DO UPDATE SET
    title = excluded.title, categories = excluded.categories, price = excluded.price,
    published_at = excluded.published_at, attributes = excluded.attributes, updated_at = now()
WHERE (i.title, i.categories, i.price, i.published_at, i.attributes)
    IS DISTINCT FROM (excluded.title, excluded.categories, excluded.price, excluded.published_at, excluded.attributes);

-- name: name_unlisted
-- Items of staged events that the catalogue lacks, called by their ids until a catalogue says more.
INSERT INTO nextpick.items (item_id, title)
SELECT DISTINCT item_id, item_id FROM pg_temp.incoming_events
ON CONFLICT DO NOTHING;

-- name: unstage
-- The private table is done with.
DROP TABLE pg_temp.incoming_items;

-- name: read
-- The whole catalogue.
SELECT item_id, title, categories, price, published_at, attributes::text, hidden FROM nextpick.items ORDER BY item_id;

-- name: titles
-- What these items are called.
SELECT item_id, title FROM nextpick.items WHERE item_id = ANY (%(item_ids)s);
