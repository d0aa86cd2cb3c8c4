"""Simulate ensembles of paths, of the method itself and of the equations that model it."""
