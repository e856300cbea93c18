-- name: copy
-- Answers as they were given, in the binary format.
COPY nextpick.impressions (recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario,
                           item_ids, scores, sources, features, propensities, narrowed) FROM STDIN (FORMAT binary);

-- name: known
-- Which of these answers are stored already: asked before a write is tried again.
SELECT array_agg(recommendation_id) FROM nextpick.impressions
WHERE recommendation_id = ANY (%(ids)s) AND answered_at >= %(since)s;

-- name: get
-- One answer as it was given, or no row; nothing from before its user was erased.
SELECT recommendation_id, user_id, answered_at, as_of, release_id, variant, scenario, item_ids, scores, sources, features,
       propensities, narrowed
FROM nextpick.impressions AS i WHERE recommendation_id = %(recommendation_id)s
  AND NOT EXISTS (SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at);

-- name: shown
-- Which items answers of a window put at which rank, from 0: the best of each user, item and day; nothing from before
-- a user was erased, or of answers whose first place was not the first of all.
SELECT user_id, item_id, min(place - 1)::smallint, min(answered_at)
FROM nextpick.impressions AS i, unnest(item_ids) WITH ORDINALITY AS offered (item_id, place)
WHERE answered_at >= %(since)s AND answered_at < %(before)s AND user_id IS NOT NULL AND NOT narrowed
  AND NOT EXISTS (SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at)
GROUP BY user_id, item_id, date_trunc('day', answered_at, 'UTC')
ORDER BY min(answered_at), user_id, item_id;

-- name: lots
-- Answers of a window some of whose places were given away by lot, place by place with its propensity: those of the
-- scenario default to known users, numbered from 0 in order of time; nothing from before a user was erased.
SELECT dense_rank() OVER (ORDER BY answered_at, recommendation_id) - 1, user_id, item_id, (place - 1)::smallint,
       answered_at, propensity
FROM nextpick.impressions AS i, unnest(item_ids, propensities) WITH ORDINALITY AS offered (item_id, propensity, place)
WHERE answered_at >= %(since)s AND answered_at < %(before)s AND user_id IS NOT NULL AND propensities IS NOT NULL
  AND scenario = 'default'
  AND NOT EXISTS (SELECT FROM nextpick.erased_users AS x WHERE x.user_id = i.user_id AND x.erased_at >= i.answered_at)
ORDER BY answered_at, recommendation_id, place;
