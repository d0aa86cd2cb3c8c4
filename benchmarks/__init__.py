"""How fast the numerics are, beside what a user would write otherwise: `python -m benchmarks`."""
