"""### Let a challenger answer a share of the users
By hand only. The release named answers such a share of the users from now on, the same ones every time, and the live
release the others; in the *shadow* it is asked for as many and shown to nobody. Share 0 ends it. `precompute` keeps the
challenger's lists as fresh as the live ones; click-through and orders of both are in `nextpick kpis`, on the NextPick
page and in Grafana. Make a challenger: trigger `precompute` with its version, and *Make it live* off.

**If it fails** nothing has changed; the log says what stands against the release. A split ends by itself once the
challenger's model goes live. While Airflow is down: `nextpick split --off`.
"""

from datetime import timedelta

import structlog
from airflow.sdk import Param, dag, task

from nextpick.settings import load_settings
from nextpick_airflow import alerts
from nextpick_airflow.database import connection
from nextpick_airflow.defaults import defaults
from nextpick_airflow.forms import optional, switch
from nextpick_airflow.window import param, who

log = structlog.get_logger()
PARAMS = {
    "release": optional("Challenger", "The release's number. Needed but for share 0.", pattern=r"^\d{1,18}$"),
    "share": Param(0.1, type="number", minimum=0, maximum=1, title="Share of the users", description="0 ends it."),
    "shadow": switch("In the shadow", "Ask the challenger too, and show its answers to nobody.", False),
    "because": Param(type="string", minLength=10, title="Because", description="Kept with your name."),
}


@dag(schedule=None, params=PARAMS, doc_md=__doc__, is_paused_upon_creation=False, **defaults(timedelta(minutes=10)))
def split() -> None:
    @task
    def set_share() -> None:
        from nextpick.stages import split

        share, because = float(param("share")), param("because")
        release = param("release")
        wanted = split.from_form(release, share, bool(param("shadow")))
        with connection() as conn:
            said = " ".join(split.ask(conn, load_settings(), wanted, who=who(), because=because))
        log.info(said)
        alerts.split(said, who(), because)

    set_share()


split()
