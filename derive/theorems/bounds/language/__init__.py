"""The language of theorem files: letters and their roles, formulas, assumptions, and the kernel's names for them."""
