-- Only adds, so that the code of revision 0006 goes on working beside it.
-- How each run of a DAG ended, for /metrics: nothing but Airflow may read Airflow's own tables.
CREATE TABLE nextpick.runs (
    dag         text NOT NULL,
    run_id      text NOT NULL,                              -- Airflow's; one that is cleared and run again is the same row
    outcome     text NOT NULL CHECK (outcome IN ('success', 'failed')),
    started_at  timestamptz,                                -- null where Airflow did not say
    ended_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dag, run_id)
);
CREATE INDEX runs_by_end ON nextpick.runs (dag, ended_at);

-- What came of answers, day by day (UTC): sums, so that days add up. A day is counted anew until a day after its end.
CREATE TABLE nextpick.kpi_answers (
    day         date NOT NULL,
    variant     text NOT NULL,
    release_id  bigint NOT NULL,
    answers     bigint NOT NULL,
    PRIMARY KEY (day, variant, release_id)
);
CREATE TABLE nextpick.kpi_taken (
    day         date NOT NULL,
    variant     text NOT NULL,
    release_id  bigint NOT NULL,
    kind        text NOT NULL,                              -- of events; the rarer of many are 'other'
    taken       bigint NOT NULL,                            -- answers with such an event
    events      bigint NOT NULL,
    revenue     double precision NOT NULL,                  -- the sum of their values
    squares     double precision NOT NULL,                  -- of each answer's revenue, added up: for its spread
    PRIMARY KEY (day, variant, release_id, kind)
);
CREATE TABLE nextpick.kpi_users (                           -- distinct ones do not add up over releases
    day         date NOT NULL,
    variant     text NOT NULL,
    users       bigint NOT NULL,
    PRIMARY KEY (day, variant)
);
CREATE TABLE nextpick.kpi_days (
    day         date PRIMARY KEY,
    counted_at  timestamptz NOT NULL
);
