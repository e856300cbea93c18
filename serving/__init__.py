"""The HTTP edge: what a product's backend calls."""
