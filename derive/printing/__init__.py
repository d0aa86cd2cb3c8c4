"""Derived results in print: LaTeX of expressions and equations, and the JSON of the command line."""
