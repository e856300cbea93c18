-- name: copy
-- Answers as they were given, in the binary format.
COPY nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                           item_ids, scores, sources, features) FROM STDIN (FORMAT binary);

-- name: known
-- Which of these answers are stored already: asked before a write is tried again.
SELECT array_agg(recommendation_id) FROM nextpick.impressions
WHERE recommendation_id = ANY (%(ids)s) AND answered_at >= %(since)s;
