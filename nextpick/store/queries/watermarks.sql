-- name: read
-- Up to when a source has been fetched, or nothing.
SELECT watermark FROM nextpick.watermarks WHERE source = %(source)s;

-- name: advance
-- A source has been fetched further; a watermark never goes back.
INSERT INTO nextpick.watermarks AS w (source, watermark) VALUES (%(source)s, %(watermark)s)
ON CONFLICT (source) DO UPDATE SET watermark = greatest(w.watermark, excluded.watermark);
