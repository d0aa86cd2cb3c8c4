"""Formulas as text: the grammar of claims, update rules and stated equations, parsed by a whitelist."""
