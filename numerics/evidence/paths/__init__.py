"""Theorems along simulated paths, for means that need sampling."""
