"""Theorems of one's own: a small text file states a method, assumptions and a claim, to be proved, refuted or left undecided."""
