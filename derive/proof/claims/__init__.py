"""The user's own claims: proved, refuted, decided by an oracle, or left open."""
