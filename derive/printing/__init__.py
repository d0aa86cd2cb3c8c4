"""What is derived, written down: LaTeX of expressions and equations, and the JSON of the command line."""
