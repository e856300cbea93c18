"""What NextPick adds to Airflow. Every Airflow process imports this file, so it stays light."""

from airflow.plugins_manager import AirflowPlugin

from nextpick_airflow import pool, reports, runs


class NextPickPlugin(AirflowPlugin):
    """A pool that is there when a component starts, a record of how runs end, and the drift reports as a page."""

    name = "nextpick"
    listeners = [pool, runs]  # noqa: RUF012 - as Airflow declares it
    fastapi_apps = [reports.FASTAPI_APP]  # noqa: RUF012
    external_views = [reports.EXTERNAL_VIEW]  # noqa: RUF012
