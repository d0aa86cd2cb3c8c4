"""Formulas as text: the grammar, read by a whitelist, of claims, update rules and equations of a user's own."""
