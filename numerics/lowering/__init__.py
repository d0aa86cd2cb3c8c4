"""Lower SymPy to arrays: expressions, functions and losses as JAX programs."""
