"""Theorems about means that need sampling, checked along simulated paths."""
