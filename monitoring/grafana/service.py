"""Is the API there, quick and right?"""

from panels import ASKED, RATE, Dashboard, Panel, figure, quantiles

SERVICE = Dashboard(
    "nextpick-service",
    "NextPick: service",
    "Is the API there, quick and right? Objectives: 99.9 % without a fault of ours, 99 % within 100 ms.",
    (
        figure("API up", "Processes that Prometheus reaches.", "short", 'sum(up{job="nextpick"})'),
        figure("Requests", "A second, over five minutes.", "reqps", "nextpick:requests:rate5m"),
        figure(
            "Errors",
            "The share of requests that failed by our fault (5xx), over an hour.",
            "percentunit",
            "nextpick:errors:ratio_rate1h",
            (0.001, "orange"),
            (0.0144, "red"),
        ),
        figure(
            "Slow",
            "The share of recommendations that took over 100 ms or failed, over an hour.",
            "percentunit",
            "nextpick:slow:ratio_rate1h",
            (0.01, "orange"),
            (0.144, "red"),
        ),
        figure(
            "Degraded",
            "The share of answers that lack a part, over five minutes.",
            "percentunit",
            "nextpick:degraded:ratio_rate5m",
            (0.01, "orange"),
            (0.05, "red"),
        ),
        figure("Alerts", "That fire now.", "short", 'count(ALERTS{alertstate="firing"}) or vector(0)', (1, "red")),
        Panel(
            "Requests by route",
            "A second.",
            "reqps",
            (("{{route}}", f"sum by (route) (rate(nextpick_request_seconds_count{{{ASKED}}}[{RATE}]))"),),
            stacked=True,
        ),
        Panel(
            "Requests that were not answered well",
            "By status: 4xx are the callers', 5xx ours, 499 left before the answer.",
            "reqps",
            (
                (
                    "{{status}}",
                    f'sum by (status) (rate(nextpick_request_seconds_count{{{ASKED},status!~"2.."}}[{RATE}]))',
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Time to recommend",
            "Of whole requests to /recommend, errors included.",
            "s",
            quantiles("nextpick_request_seconds", 'route="/recommend"'),
        ),
        Panel("Time to choose and rank", "Part of that.", "s", quantiles("nextpick_rank_seconds")),
        Panel(
            "Time of Postgres: a user's list",
            "Part of that; 150 ms is when an answer does without.",
            "s",
            quantiles("nextpick_database_seconds", 'statement="list"'),
        ),
        Panel(
            "Time of Postgres: events",
            "Part of requests to /events.",
            "s",
            quantiles("nextpick_database_seconds", 'statement="events"'),
        ),
        Panel(
            "Queues",
            "Requests under way, answers to be stored, work that waits.",
            "short",
            (
                ("in flight", "sum(nextpick_requests_in_flight)"),
                ("answers to store", "sum(nextpick_impressions_waiting)"),
                ("{{what}}", "sum by (what) (nextpick_waiting)"),
            ),
        ),
        Panel(
            "Lateness of the loop",
            "How late the busiest process is with what is due; above 5 ms it begins to refuse.",
            "s",
            (("latest", "max(nextpick_loop_late_seconds)"),),
        ),
        Panel(
            "Answers stored and lost",
            "A second; lost ones by reason.",
            "reqps",
            (
                ("stored", f"sum(rate(nextpick_impressions_written_total[{RATE}]))"),
                ("lost: {{reason}}", f"sum by (reason) (rate(nextpick_impressions_dropped_total[{RATE}]))"),
            ),
        ),
        Panel(
            "Events",
            "A second, by what became of them.",
            "reqps",
            (("{{outcome}}", f"sum by (outcome) (rate(nextpick_events_total[{RATE}]))"),),
            stacked=True,
        ),
    ),
)
