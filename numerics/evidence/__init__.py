"""Theorems and models compared with numbers: bounds, weak orders, sweeps with thresholds."""
