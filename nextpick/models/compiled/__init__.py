"""What numba compiles, the only part that imports it. Each has a plain twin that gives the same without numba."""
