"""The one-machine run: Postgres, Airflow, MLflow and the API as processes of one supervisor, without Docker."""
