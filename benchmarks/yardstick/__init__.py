"""What `benchmarks/quality.py` is made of: reading a split, choosing settings on train alone, fusing, measuring."""
