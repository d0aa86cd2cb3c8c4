"""Theorems about D(C)SGD, whose clients compress without bias and have affine noise (theory 6.1 to 6.3, 6.5, 6.8)."""
