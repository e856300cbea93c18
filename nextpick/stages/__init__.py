"""Stages: read, call the library, write. DVC, Airflow and the command line call the same `run`."""
