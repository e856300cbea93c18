-- Releases built block by block, compared before they go live, and gone back from. Only adds, so that the code of
-- revision 0001 goes on working beside it.
ALTER TABLE nextpick.releases DROP CONSTRAINT releases_status_check;
ALTER TABLE nextpick.releases
    ADD CONSTRAINT releases_status_check CHECK (status IN ('building', 'ready', 'blocked', 'rejected', 'dropped')),
    ADD COLUMN run_id text NOT NULL DEFAULT '',             -- whose work it is: an Airflow run's id, or a command's
    ADD COLUMN touched_at timestamptz NOT NULL DEFAULT now(),  -- when its builder last finished a step
    ADD COLUMN bytes bigint,                                -- of its tables with their indexes
    ADD COLUMN hidden_rows integer[] NOT NULL DEFAULT '{}', -- items hidden when it was begun: in none of its lists
    ADD COLUMN reasons text[] NOT NULL DEFAULT '{}',        -- why it is blocked or rejected
    ADD COLUMN diff jsonb;                                  -- against what was live when it was ready

-- The blocks of users a release is made of. A block's lists and its done_at are written in one transaction.
CREATE TABLE nextpick.release_blocks (
    release_id  bigint NOT NULL REFERENCES nextpick.releases ON DELETE CASCADE,
    block       integer NOT NULL,
    user_ids    text[] NOT NULL,
    done_at     timestamptz,
    PRIMARY KEY (release_id, block)
);

-- Scores do not compress: trying to cost a third of a load's time.
ALTER TABLE nextpick.lists
    ALTER COLUMN item_rows SET STORAGE EXTERNAL,
    ALTER COLUMN scores SET STORAGE EXTERNAL,
    ALTER COLUMN generator_scores SET STORAGE EXTERNAL,
    ALTER COLUMN generator_ranks SET STORAGE EXTERNAL,
    ALTER COLUMN history_rows SET STORAGE EXTERNAL,
    ALTER COLUMN history_counts SET STORAGE EXTERNAL,
    ALTER COLUMN history_weights SET STORAGE EXTERNAL,
    ALTER COLUMN history_first SET STORAGE EXTERNAL,
    ALTER COLUMN history_last SET STORAGE EXTERNAL;

-- What goes with a generation: each item's nearest, and the charts. The nearest are no columns of release_items:
-- revision 0001 fills that by a COPY which names no columns, and must go on doing so.
CREATE TABLE nextpick.release_similar (
    release_id      bigint NOT NULL REFERENCES nextpick.releases ON DELETE CASCADE,
    item_row        integer NOT NULL,
    similar_rows    integer[] NOT NULL,                     -- nearest first; rows of the release's items
    similar_scores  real[] NOT NULL,
    PRIMARY KEY (release_id, item_row)
);
CREATE TABLE nextpick.release_charts (
    release_id  bigint NOT NULL REFERENCES nextpick.releases ON DELETE CASCADE,
    chart       text NOT NULL CHECK (chart IN ('popular', 'trending', 'latest')),
    category    text NOT NULL,                              -- '' for the whole catalogue
    item_rows   integer[] NOT NULL,                         -- best first
    PRIMARY KEY (release_id, chart, category)
);

-- Bundles that were live and were gone back from: nothing makes them live again but a person with a reason.
CREATE TABLE nextpick.rejections (
    bundle_sha256  text PRIMARY KEY,
    model_version  text NOT NULL,
    release_id     bigint NOT NULL,
    who            text NOT NULL,
    reason         text NOT NULL,
    rejected_at    timestamptz NOT NULL DEFAULT now()
);

-- Who made what live, when and why. Rows are only ever added.
CREATE TABLE nextpick.release_log (
    entry_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT now(),
    who           text NOT NULL,
    action        text NOT NULL CHECK (action IN ('publish', 'force', 'block', 'rollback')),
    variant       text NOT NULL,
    from_release  bigint,
    to_release    bigint,
    reason        text NOT NULL DEFAULT ''
);

-- Users who asked to be forgotten: every read treats them as unknown, whatever a kept generation says.
CREATE TABLE nextpick.erased_users (
    user_id    text PRIMARY KEY,
    erased_at  timestamptz NOT NULL DEFAULT now()
);
