"""Theorems of one's own: a method, assumptions and a claim in a small text file, proved, refuted, or left undecided."""
