"""NextPick's library: it knows recommendation, and neither Airflow nor HTTP."""

__version__ = "0.1.0"
