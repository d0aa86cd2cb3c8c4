"""Runs that refute a theorem of one's own: losses to try, a method in exact arithmetic, and the check of a run."""
