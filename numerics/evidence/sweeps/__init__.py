"""Sweeps over pairs of parameters: the stability of methods and models against the thresholds of the formulas (theory 5, 6)."""
