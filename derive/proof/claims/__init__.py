"""Claims of the user's own: proved, refuted, decided by an oracle, or neither."""
