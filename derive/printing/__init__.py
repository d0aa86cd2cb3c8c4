"""Printed results: LaTeX of expressions and equations, text for a terminal, and the JSON of the command line."""
