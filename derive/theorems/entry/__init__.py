"""Entries of the catalogue as data, and the check of an entry: its proof, and its definitions against the engine."""
