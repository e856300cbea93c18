-- Only adds, so that the code of revision 0005 goes on working beside it.
-- What drifts and was told, until it is told to be over: a report that is missed, looked at by hand or made twice
-- changes nothing of what people know.
CREATE TABLE nextpick.drift_told (
    column_name  text PRIMARY KEY,
    told_at      timestamptz NOT NULL DEFAULT now(),
    outcome      text NOT NULL                                -- sent | not_configured: to the log alone
);
INSERT INTO nextpick.drift_told (column_name, outcome)
SELECT DISTINCT column_name, 'sent' FROM nextpick.drift_metrics
WHERE alarm AND report_id = (
    SELECT report_id FROM nextpick.drift_reports WHERE notified IN ('sent', 'repeated', 'over', 'not_needed')
    ORDER BY as_of DESC LIMIT 1);
