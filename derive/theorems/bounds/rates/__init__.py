"""The search for rates of one step by interpolation."""
