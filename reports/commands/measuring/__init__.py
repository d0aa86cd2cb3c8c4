"""The command `measure`: a measurement along a run of the user's own model, stored point by point."""
