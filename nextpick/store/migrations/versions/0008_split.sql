-- Only adds and loosens, so that the code of revision 0007 goes on working beside it.
-- The variant `challenger` may stand beside `default`: it answers a share of the users, or, in the shadow, is asked for
-- as many and shown to none.
ALTER TABLE nextpick.live ADD COLUMN shadow boolean NOT NULL DEFAULT false;
ALTER TABLE nextpick.live ADD COLUMN salt text NOT NULL DEFAULT '';  -- of the hash that says whose it answers: one a split
ALTER TABLE nextpick.release_log DROP CONSTRAINT release_log_action_check;
ALTER TABLE nextpick.release_log ADD CONSTRAINT release_log_action_check
    CHECK (action IN ('publish', 'force', 'block', 'rollback', 'split', 'unsplit'));
