"""Data as it comes in and as the pipeline sees it: pure functions on frames, but for the readers of a user's files."""
