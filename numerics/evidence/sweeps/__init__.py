"""Sweeps over pairs of parameters: stability of methods and models against thresholds of the formulas (theory 5, 6)."""
