"""Theorems and models held against numbers: bounds, weak orders, sweeps with thresholds."""
