"""Theorems about DSignSGD (theory 6.4, 6.5)."""
