"""What NextPick adds to Airflow. Every Airflow process imports this file, so it stays light."""

from airflow.plugins_manager import AirflowPlugin

from nextpick_airflow import home, pool, reports, runs


class NextPickPlugin(AirflowPlugin):
    """A pool that is there when a component starts, a record of how runs end, and two pages: NextPick, and Drift."""

    name = "nextpick"
    listeners = [pool, runs]  # noqa: RUF012 - as Airflow declares it
    fastapi_apps = [home.FASTAPI_APP, reports.FASTAPI_APP]  # noqa: RUF012
    external_views = [home.EXTERNAL_VIEW, reports.EXTERNAL_VIEW]  # noqa: RUF012
