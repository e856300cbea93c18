"""Releases: lists computed for every user, published whole, and turned into answers."""
