-- name: leave
-- Of a machine that vanished while it counted Postgres hears after hours, and nobody else would count until then.
SET LOCAL idle_in_transaction_session_timeout = '60s';

-- name: lock
-- Whether it is this transaction's turn to count; another that counts is not waited for.
SELECT pg_try_advisory_xact_lock(%(key)s);

-- name: due
-- The days of [first, last] that were not counted after `late`, or only before nothing more could come for them.
SELECT d::date FROM generate_series(%(first)s::date, %(last)s::date, interval '1 day') AS d
LEFT JOIN nextpick.kpi_days AS k ON k.day = d::date
WHERE k.day IS NULL OR k.counted_at <= %(late)s AND k.counted_at < d::date + %(settled)s ORDER BY 1;

-- name: forget
-- What was counted of a day.
WITH a AS (DELETE FROM nextpick.kpi_answers WHERE day = %(day)s),
     t AS (DELETE FROM nextpick.kpi_taken WHERE day = %(day)s),
     u AS (DELETE FROM nextpick.kpi_users WHERE day = %(day)s)
INSERT INTO nextpick.kpi_days (day, counted_at) VALUES (%(day)s, %(now)s)
ON CONFLICT (day) DO UPDATE SET counted_at = excluded.counted_at;

-- name: count_answers
-- A day's answers by variant and release.
INSERT INTO nextpick.kpi_answers (day, variant, release_id, answers)
SELECT %(day)s, variant, release_id, count(*) FROM nextpick.impressions
WHERE answered_at >= %(since)s AND answered_at < %(before)s GROUP BY variant, release_id;

-- name: count_users
-- A day's distinct users by variant; a session without a user is nobody.
INSERT INTO nextpick.kpi_users (day, variant, users)
SELECT %(day)s, variant, count(DISTINCT user_id) FROM nextpick.impressions
WHERE answered_at >= %(since)s AND answered_at < %(before)s AND user_id IS NOT NULL GROUP BY variant;

-- name: count_taken
-- What came `within` so much time of a day's answers: events that name an answer, on an item that it showed. Clocks of
-- clients may be an hour behind. Values that are no amount of money count as none: one would drown all others. Kinds
-- that brought money on most answers have figures of their own first, then those of most answers: neither a chatty page
-- nor a caller who goes on about one answer hides the purchases.
INSERT INTO nextpick.kpi_taken (day, variant, release_id, kind, taken, events, revenue, squares)
WITH counted AS (
    SELECT i.variant, i.release_id, e.kind, i.recommendation_id, count(*) AS events,
           coalesce(sum(e.value) FILTER (WHERE abs(e.value) <= %(most)s), 0) AS revenue
    FROM nextpick.events AS e JOIN nextpick.impressions AS i USING (recommendation_id)
    WHERE i.answered_at >= %(since)s AND i.answered_at < %(before)s
      AND e.occurred_at >= %(since)s::timestamptz - interval '1 hour'
      AND e.occurred_at < %(before)s::timestamptz + %(within)s
      AND e.occurred_at < i.answered_at + %(within)s AND e.item_id = ANY (i.item_ids)
    GROUP BY 1, 2, 3, 4
), common AS (
    SELECT kind FROM counted GROUP BY kind
    ORDER BY count(*) FILTER (WHERE revenue > 0) DESC, count(*) DESC, sum(events) DESC, kind LIMIT %(kinds)s
), named AS (
    SELECT variant, release_id, recommendation_id, sum(events) AS events, sum(revenue) AS revenue,
           CASE WHEN kind IN (SELECT kind FROM common) THEN kind ELSE 'other' END AS kind
    FROM counted GROUP BY 1, 2, 3, 6
)
SELECT %(day)s, variant, release_id, kind, count(*), sum(events), sum(revenue), sum(revenue * revenue)
FROM named GROUP BY variant, release_id, kind;

-- name: counts
-- The sums of [first, last], of the newest releases that answered; a release without an event has kind null.
WITH answered AS (
    SELECT variant, release_id, sum(answers)::bigint AS answers FROM nextpick.kpi_answers
    WHERE day BETWEEN %(first)s AND %(last)s GROUP BY variant, release_id
    ORDER BY release_id DESC, variant LIMIT %(most)s
), taken AS (
    SELECT variant, release_id, kind, sum(taken)::bigint AS taken, sum(events)::bigint AS events,
           sum(revenue) AS revenue, sum(squares) AS squares
    FROM nextpick.kpi_taken WHERE day BETWEEN %(first)s AND %(last)s GROUP BY variant, release_id, kind
)
SELECT variant, release_id, coalesce(kind, '') AS kind, answers, coalesce(taken, 0) AS taken,
       coalesce(events, 0) AS events, coalesce(revenue, 0) AS revenue, coalesce(squares, 0) AS squares
FROM answered LEFT JOIN taken USING (variant, release_id) ORDER BY variant, release_id DESC, kind;

-- name: arms
-- What each live variant should have of a day's users, and had. Only where all were there the whole day: on the day
-- before, too, and the shares are those of that day.
SELECT l.variant, l.share::float8 AS share, u.users FROM nextpick.live AS l
JOIN nextpick.kpi_users AS u ON u.variant = l.variant AND u.day = %(day)s
WHERE NOT l.shadow AND NOT EXISTS (
    SELECT FROM nextpick.live AS other WHERE NOT other.shadow AND NOT EXISTS (
        SELECT FROM nextpick.kpi_users AS b WHERE b.variant = other.variant AND b.day = %(day)s::date - 1))
  AND NOT EXISTS (
    SELECT FROM nextpick.release_log
    WHERE action IN ('split', 'unsplit') AND at >= (%(day)s::date)::timestamp AT TIME ZONE 'UTC')
ORDER BY l.variant;
