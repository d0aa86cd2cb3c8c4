"""Theorems about the methods themselves, in discrete time: the counterparts of theorems about SDEs, with their own constants."""
