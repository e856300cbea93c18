-- name: sent
-- Ids of the events that replays have sent so far.
SELECT event_id FROM nextpick.event_ids WHERE starts_with(event_id, %(prefix)s);
