"""Candidate generators, the ranker, and the bundle that holds them."""
