-- name: record
-- One row a state of the data; exporting the same again says by which run and up to which cutoff it still held.
INSERT INTO nextpick.snapshots (raw_md5, cutoff, events, run_id)
VALUES (%(raw_md5)s, %(cutoff)s, %(events)s, %(run_id)s)
ON CONFLICT (raw_md5) DO UPDATE SET
    cutoff = excluded.cutoff, events = excluded.events, run_id = excluded.run_id, exported_at = now();

-- name: newest
-- The snapshot that was exported last, or no row before the first.
SELECT raw_md5, cutoff, events, run_id FROM nextpick.snapshots ORDER BY exported_at DESC, raw_md5 LIMIT 1;
