"""The candidate generators, one a file: what lies here under a name may feed the pool under that name."""
