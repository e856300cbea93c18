"""Airflow glue: assets, defaults, the run's moment, DVC stages as tasks, alerts, the database connection."""
