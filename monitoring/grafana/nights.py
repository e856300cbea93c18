"""What the nights bring: releases, and reports of drift."""

from panels import Dashboard, Panel, figure

PIPELINE = Dashboard(
    "nextpick-pipeline",
    "NextPick: pipeline",
    "Does every night bring a new release, and what is live?",
    (
        figure(
            "Age of the lists",
            "Since the moment up to which what is live knows events.",
            "s",
            "time() - max(nextpick_live_cutoff_timestamp_seconds)",
            (93600, "orange"),
            (129600, "red"),
        ),
        figure(
            "Release",
            "That is served; of several processes the one furthest behind.",
            "none",
            "min(nextpick_release_id)",
        ),
        figure("Users with a list", "In that release.", "short", "max(nextpick_release_users)"),
        figure("Its size", "Lists and items in Postgres, with indexes.", "bytes", "max(nextpick_release_bytes)"),
        figure("Newest event", "Ago.", "s", "time() - max(nextpick_newest_event_timestamp_seconds)"),
        figure(
            "Not loaded",
            "Tries in 15 minutes to load a release that failed.",
            "short",
            "sum(increase(nextpick_release_load_errors_total[15m]))",
            (1, "red"),
        ),
        Panel(
            "Last success, ago",
            "Of each DAG; those that run every night are late after 30 hours.",
            "s",
            (("{{dag}}", "time() - max by (dag) (nextpick_pipeline_last_success_timestamp_seconds)"),),
            "bargauge",
            ((93600, "orange"), (108000, "red")),
        ),
        Panel(
            "Failed last",
            "1 where a DAG's last run failed.",
            "none",
            (("{{dag}}", "max by (dag) (nextpick_pipeline_last_run_failed)"),),
            "bargauge",
            ((1, "red"),),
        ),
        Panel(
            "How long runs take",
            "The last run of each DAG.",
            "s",
            (("{{dag}}", "max by (dag) (nextpick_pipeline_last_run_seconds)"),),
        ),
        Panel(
            "What is live",
            "By variant, with the version in MLflow.",
            "none",
            (("", "max by (variant, release, model_version) (nextpick_live_release_info)"),),
            "table",
        ),
    ),
    "now-7d",
)

DRIFT = Dashboard(
    "nextpick-drift",
    "NextPick: drift",
    "The newest drift report. Airflow, Drift in the menu, has every night in full; docs/drift.md says how to read it.",
    (
        figure(
            "Report, ago",
            "The night the newest report is of.",
            "s",
            "time() - max(nextpick_drift_report_timestamp_seconds)",
            (93600, "orange"),
            (108000, "red"),
        ),
        figure(
            "Columns moved",
            "Beyond the bar of a warning, at least.",
            "short",
            "sum(nextpick_drift_nights > bool 0)",
        ),
        figure("Slack did not take", "Alerts of 24 hours.", "short", "max(nextpick_alerts_failed)", (1, "red")),
        Panel(
            "Verdict",
            "Of the newest report.",
            "none",
            (("{{verdict}}", "max by (verdict) (nextpick_drift_verdict)"),),
            width=6,
        ),
        Panel("Harm", "What it says of harm.", "none", (("{{harm}}", "max by (harm) (nextpick_drift_harm)"),), width=6),
        Panel(
            "How far each column moved",
            "Its statistic over where it alarms: 1 is the bar. The ten that moved most.",
            "short",
            (
                (
                    "{{column}} {{statistic}}",
                    'topk(10, max by (column, statistic) ((abs(nextpick_drift_value{statistic="volume"}) '
                    "or nextpick_drift_value) / (nextpick_drift_threshold > 0)))",
                ),
            ),
        ),
        Panel(
            "Nights in a row",
            "That a column has moved.",
            "short",
            (("{{column}} {{statistic}}", "topk(10, max by (column, statistic) (nextpick_drift_nights))"),),
        ),
        Panel(
            "Figures",
            "Every statistic of the newest report.",
            "short",
            (("", "max by (column, statistic) (nextpick_drift_value)"),),
            "table",
            least=None,
        ),
    ),
    "now-30d",
)
