"""Ensembles of paths: the method itself, and the equations that model it."""
