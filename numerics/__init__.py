"""The numerical side: lowering to JAX, ensembles of SDEs, the discrete methods themselves, estimates, real data."""

if __name__ != "sdescent.numerics":
    raise ImportError("there is no package numerics: import sdescent.numerics")
