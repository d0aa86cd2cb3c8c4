"""Theorems about stationary variances on quadratics (theory 6.7)."""
