"""Theorems on the methods themselves, in discrete time: the counterparts of theorems on SDEs, with their own constants."""
