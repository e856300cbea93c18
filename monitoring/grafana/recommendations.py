"""What is answered, and what it brings."""

from panels import ARM, RATE, Dashboard, Panel, quantiles

RECOMMENDATIONS = Dashboard(
    "nextpick-recommendations",
    "NextPick: recommendations and KPIs",
    "What is answered, by whom, and what it brings. KPIs are of the last 7 days, counted every 5 minutes.",
    (
        Panel(
            "Share of answers taken",
            "With an event within a day that names the answer, on an item shown: kind click is click-through, purchase "
            "is conversion.",
            "percentunit",
            (
                (
                    "{{variant}} {{release}} {{kind}}",
                    f"max by (variant, release, kind) (nextpick_kpi_taken_share{{{ARM}}})",
                ),
            ),
        ),
        Panel(
            "Share taken: its 95 % interval",
            "Wilson's. Two releases differ where theirs lie apart.",
            "percentunit",
            (
                (
                    "{{variant}} {{release}} {{kind}} from",
                    f"max by (variant, release, kind) (nextpick_kpi_taken_share_low{{{ARM}}})",
                ),
                (
                    "{{variant}} {{release}} {{kind}} to",
                    f"max by (variant, release, kind) (nextpick_kpi_taken_share_high{{{ARM}}})",
                ),
            ),
        ),
        Panel(
            "Revenue an answer",
            "The sum of the values of those events over all answers, and its 95 % interval.",
            "short",
            (
                (
                    "{{variant}} {{release}} {{kind}}",
                    f"max by (variant, release, kind) (nextpick_kpi_revenue_per_answer{{{ARM}}})",
                ),
                (
                    "{{variant}} {{release}} {{kind}} from",
                    f"max by (variant, release, kind) (nextpick_kpi_revenue_per_answer_low{{{ARM}}})",
                ),
                (
                    "{{variant}} {{release}} {{kind}} to",
                    f"max by (variant, release, kind) (nextpick_kpi_revenue_per_answer_high{{{ARM}}})",
                ),
            ),
            least=None,
        ),
        Panel(
            "Answers of the last 7 days",
            "By variant and release: what the shares are shares of.",
            "short",
            (("{{variant}} {{release}}", f"max by (variant, release) (nextpick_kpi_answers{{{ARM}}})"),),
        ),
        Panel(
            "Items by who filled the slot",
            "The share of each source; what each means is in docs/api.md.",
            "percentunit",
            (
                (
                    "{{source}}",
                    f"sum by (source) (rate(nextpick_recommended_items_total[{RATE}])) / scalar("
                    f"sum(rate(nextpick_recommended_items_total[{RATE}])))",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Answers without a part",
            "A second, by what is missing.",
            "reqps",
            (("{{missing}}", f"sum by (missing) (rate(nextpick_degraded_answers_total[{RATE}]))"),),
        ),
        Panel(
            "Candidates a list",
            "In the lists of the users who asked.",
            "short",
            quantiles("nextpick_candidates"),
        ),
        Panel(
            "Candidates kept out",
            "An answer: as they are hidden, or by what the request says.",
            "short",
            (
                (
                    "{{reason}}",
                    f"sum by (reason) (rate(nextpick_filtered_candidates_total[{RATE}])) / scalar("
                    f"sum(rate(nextpick_answers_total[{RATE}])))",
                ),
            ),
        ),
        Panel(
            "Answers by variant",
            "A second.",
            "reqps",
            (("{{variant}}", f'sum by (variant) (rate(nextpick_answers_total{{variant=~"$variant"}}[{RATE}]))'),),
            stacked=True,
        ),
        Panel(
            "Share that a variant should have",
            "As Postgres says; `nextpick kpis` tells whether users fall so.",
            "percentunit",
            (("{{variant}}", 'max by (variant) (nextpick_live_share{variant=~"$variant"})'),),
        ),
    ),
    "now-7d",
    {
        "variant": "label_values(nextpick_kpi_answers, variant)",
        "release": "label_values(nextpick_kpi_answers, release)",
    },
)
