"""Runs that refute a theorem of one's own: a method carried out in exact numbers, and its check, apart from every search."""
