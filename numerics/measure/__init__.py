"""Measurements along the run of a user's own loss: gradient noise, curvature, forecasts, and the assumptions of theorems."""
