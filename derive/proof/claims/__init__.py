"""The user's own claims: proved, refuted, decided by z3, or left undecided."""
