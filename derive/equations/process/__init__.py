"""Consequences of an equation for its process: generator, moment equations, stationary laws and densities."""
