"""Entries of the catalogue as data, and the check of an entry: of its proof, and of its definitions against the engine."""
