"""Theorems of one's own compared with numbers: instances of their assumptions, one step exactly, the horizon, and outside."""
