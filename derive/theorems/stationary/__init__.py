"""Stationary variances on quadratics, by theorem (theory 6.7)."""
