"""What NextPick adds to Airflow. Every Airflow process imports this file, so it stays light."""

from airflow.plugins_manager import AirflowPlugin

from nextpick_airflow import pool


class NextPickPlugin(AirflowPlugin):
    """A pool that is there when a component starts."""

    name = "nextpick"
    listeners = [pool]  # noqa: RUF012 - as Airflow declares it
