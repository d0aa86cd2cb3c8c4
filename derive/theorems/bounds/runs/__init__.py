"""Runs that refute a theorem of one's own: losses to try, a method carried out in exact numbers, and the check of a run."""
