-- Only adds and loosens, so that the code of revision 0004 goes on working beside it.
ALTER TABLE nextpick.drift_reports DROP CONSTRAINT drift_reports_verdict_check;
ALTER TABLE nextpick.drift_reports ADD CONSTRAINT drift_reports_verdict_check
    CHECK (verdict IN ('ok', 'warn', 'alarm', 'broken', 'too_few_rows'));
ALTER TABLE nextpick.drift_reports ADD COLUMN harm text;     -- whether what moved costs anything; null: of an older report
ALTER TABLE nextpick.drift_reports ADD COLUMN retrain text;  -- asking | requested | cooling_down | held_back | not_needed | not_asked; null: as above
ALTER TABLE nextpick.drift_reports ADD COLUMN taken jsonb;   -- {release: [answers something shown was taken of, answers]}
ALTER TABLE nextpick.drift_metrics DROP CONSTRAINT drift_metrics_verdict_check;
ALTER TABLE nextpick.drift_metrics ADD CONSTRAINT drift_metrics_verdict_check
    CHECK (verdict IN ('ok', 'warn', 'alarm', 'broken', 'too_few_rows'));
ALTER TABLE nextpick.drift_metrics ADD COLUMN kind text;     -- contract | volume | distribution | outcome; null: as above
ALTER TABLE nextpick.drift_metrics ADD COLUMN nights integer NOT NULL DEFAULT 1;  -- in a row that it has moved, this one included
ALTER TABLE nextpick.drift_metrics ADD COLUMN alarm boolean NOT NULL DEFAULT false;  -- whether people are told of it
UPDATE nextpick.drift_metrics SET alarm = true WHERE verdict IN ('warn', 'broken');

-- What people were told, or should have been: for the weekly sign of life, and to show that Slack does not take alerts.
CREATE TABLE nextpick.alerts (
    alert_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    told_at   timestamptz NOT NULL DEFAULT now(),
    what      text NOT NULL,                                  -- drift | over | heartbeat | failure | late | notice
    said      text NOT NULL,
    outcome   text NOT NULL                                   -- sent | not_configured | failed: why
);
CREATE INDEX alerts_told_at ON nextpick.alerts (told_at);
