-- The first schema: events in, lists out. Every table is in the schema nextpick.
CREATE SCHEMA IF NOT EXISTS nextpick;

-- Who did what to which item, when. Partitioned by month; a unique key on a partitioned table must hold the
-- partition key, so event ids are made unique in event_ids, in the same transaction.
CREATE TABLE nextpick.event_ids (
    event_id    text PRIMARY KEY CHECK (length(event_id) BETWEEN 1 AND 256)
);
CREATE TABLE nextpick.events (
    event_id           text NOT NULL,
    user_id            text NOT NULL CHECK (length(user_id) BETWEEN 1 AND 256),
    item_id            text NOT NULL CHECK (length(item_id) BETWEEN 1 AND 256),
    kind               text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    occurred_at        timestamptz NOT NULL,
    value              double precision,
    recommendation_id  uuid,                              -- the answer that led here, when the client says so
    received_at        timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (occurred_at);
CREATE INDEX events_by_user ON nextpick.events (user_id, occurred_at);
CREATE INDEX events_by_time ON nextpick.events (occurred_at);
CREATE TABLE nextpick.events_default PARTITION OF nextpick.events DEFAULT;

CREATE TABLE nextpick.items (
    item_id       text PRIMARY KEY CHECK (length(item_id) BETWEEN 1 AND 256),
    title         text NOT NULL,
    categories    text[] NOT NULL DEFAULT '{}',
    price         double precision CHECK (price >= 0),
    published_at  timestamptz,
    attributes    jsonb NOT NULL DEFAULT '{}',
    hidden        boolean NOT NULL DEFAULT false,
    updated_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX items_hidden ON nextpick.items (item_id) WHERE hidden;  -- the service asks for these every second

-- Loads of a user's own files or queries, and the rows they had to leave out.
CREATE TABLE nextpick.loads (
    load_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source        text NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    rows_read     bigint NOT NULL DEFAULT 0,
    events_new    bigint NOT NULL DEFAULT 0,
    events_known  bigint NOT NULL DEFAULT 0,
    items_written bigint NOT NULL DEFAULT 0,
    quarantined   bigint NOT NULL DEFAULT 0,
    dropped       jsonb NOT NULL DEFAULT '{}',            -- reason -> rows
    shift_days    integer NOT NULL DEFAULT 0
);
CREATE TABLE nextpick.quarantine (
    load_id      bigint NOT NULL REFERENCES nextpick.loads ON DELETE CASCADE,
    line_number  bigint NOT NULL,                          -- of the file, or of the query's result; from 1
    reason       text NOT NULL,
    line         jsonb NOT NULL,
    PRIMARY KEY (load_id, line_number)
);
CREATE TABLE nextpick.watermarks (
    source     text PRIMARY KEY,
    watermark  timestamptz NOT NULL                        -- rows after it are still to be fetched
);

-- Snapshots: interactions up to a cutoff plus the catalogue, as DVC knows them.
CREATE TABLE nextpick.snapshots (
    raw_md5      text PRIMARY KEY,                         -- DVC's md5 of data/raw
    cutoff       timestamptz NOT NULL,
    events       bigint NOT NULL,
    exported_at  timestamptz NOT NULL DEFAULT now(),
    run_id       text NOT NULL
);

-- A release binds one bundle to one generation of lists and its item table.
CREATE TABLE nextpick.releases (
    release_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_version  text NOT NULL,
    bundle_uri     text NOT NULL,
    bundle_sha256  text NOT NULL,
    cutoff         timestamptz NOT NULL,                   -- the lists know every event before it, and none after
    status         text NOT NULL DEFAULT 'building' CHECK (status IN ('building', 'ready', 'rejected', 'dropped')),
    users          bigint,
    items          bigint,
    lineage        jsonb NOT NULL DEFAULT '{}',            -- data md5, git sha, MLflow run, Airflow run
    created_at     timestamptz NOT NULL DEFAULT now(),
    ready_at       timestamptz
);
CREATE TABLE nextpick.live (
    variant     text PRIMARY KEY,
    release_id  bigint NOT NULL REFERENCES nextpick.releases,
    share       real NOT NULL CHECK (share > 0 AND share <= 1),
    flipped_at  timestamptz NOT NULL DEFAULT now()
);

-- One row a user and release: never updated, dropped with its partition.
CREATE TABLE nextpick.lists (
    release_id        bigint NOT NULL,
    user_id           text NOT NULL,
    item_rows         integer[] NOT NULL,                  -- best first; rows of the release's items
    scores            real[] NOT NULL,                     -- the ranker's, same order
    generator_scores  real[] NOT NULL,                     -- item by item, generators in the bundle's order; NaN = absent
    generator_ranks   smallint[] NOT NULL,                 -- same order; from 0 in the whole pool, -1 = not proposed
    history_rows      integer[] NOT NULL,                  -- the items the user has, as of the release's cutoff
    history_counts    integer[] NOT NULL,
    history_weights   real[] NOT NULL,
    history_first     bigint[] NOT NULL,                   -- microseconds since 1970 UTC
    history_last      bigint[] NOT NULL
) PARTITION BY LIST (release_id);
CREATE TABLE nextpick.release_items (
    release_id  bigint NOT NULL,
    item_row    integer NOT NULL,
    item_id     text NOT NULL,
    title       text NOT NULL,
    categories  text[] NOT NULL,
    price       double precision,
    features    real[] NOT NULL                            -- ItemTable's arrays as of the cutoff, in ITEM_FEATURES order
) PARTITION BY LIST (release_id);

-- What was answered, with the exact feature vectors used.
CREATE TABLE nextpick.impressions (
    recommendation_id  uuid NOT NULL,
    user_id            text NOT NULL,
    answered_at        timestamptz NOT NULL,
    as_of              timestamptz NOT NULL,
    release_id         bigint NOT NULL,
    variant            text NOT NULL,
    scenario           text NOT NULL,
    item_ids           text[] NOT NULL,                    -- rank 1 first
    scores             real[] NOT NULL,
    sources            text[] NOT NULL,
    features           real[]                              -- item by item in the bundle's FEATURES order; null where no ranker ran
) PARTITION BY RANGE (answered_at);
CREATE INDEX impressions_by_id ON nextpick.impressions (recommendation_id);
CREATE INDEX impressions_by_user ON nextpick.impressions (user_id, answered_at);
CREATE INDEX impressions_by_time ON nextpick.impressions USING brin (answered_at);  -- rows come in order of time
CREATE TABLE nextpick.impressions_default PARTITION OF nextpick.impressions DEFAULT;

-- One row a night's report, named by the moment it looks back from; one row a column and statistic of it.
CREATE TABLE nextpick.drift_reports (
    report_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of            timestamptz NOT NULL UNIQUE,
    run_id           text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    current_start    timestamptz NOT NULL,
    current_end      timestamptz NOT NULL,                  -- as_of, or just after the newest event where that is earlier
    reference_start  timestamptz NOT NULL,
    reference_end    timestamptz NOT NULL,
    release_id       bigint,                                -- live at as_of; null before the first publish
    verdict          text NOT NULL CHECK (verdict IN ('ok', 'warn', 'broken', 'too_few_rows')),
    reasons          text[] NOT NULL,
    path             text,                                  -- of the HTML below reports/drift; null where nothing could be shown
    notified         text NOT NULL                          -- pending | sent | not_configured | not_needed | not_asked | repeated | failed: why
);
CREATE TABLE nextpick.drift_metrics (
    report_id    bigint NOT NULL REFERENCES nextpick.drift_reports ON DELETE CASCADE,
    place        integer NOT NULL,                          -- in the report, from 0; alarms come first
    column_name  text NOT NULL,
    statistic    text NOT NULL,                             -- psi | ks | js | missing | volume | silence
    value        double precision,                          -- null where there were too few rows, like the next two
    threshold    double precision,
    noise_floor  double precision,                          -- what chance alone explains
    reference_n  bigint NOT NULL,
    current_n    bigint NOT NULL,
    verdict      text NOT NULL CHECK (verdict IN ('ok', 'warn', 'broken', 'too_few_rows')),
    PRIMARY KEY (report_id, column_name, statistic)
);
