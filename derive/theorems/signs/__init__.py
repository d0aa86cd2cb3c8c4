"""Theorems on DSignSGD (theory 6.4, 6.5)."""
