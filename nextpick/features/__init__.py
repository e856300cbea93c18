"""What the ranker sees: aggregates as of a moment, and the one function that makes its input."""
