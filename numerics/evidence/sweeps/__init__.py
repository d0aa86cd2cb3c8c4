"""Sweeps over pairs of settings: where methods and models are stable, and the thresholds of the formulas (theory 5, 6)."""
