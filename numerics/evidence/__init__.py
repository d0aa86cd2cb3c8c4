"""Comparison of theorems and models with numbers: bounds, weak orders, sweeps with thresholds."""
