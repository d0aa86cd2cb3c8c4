"""The numerical side: lowering to JAX, ensembles of SDEs, the discrete methods themselves, estimates, real data."""
