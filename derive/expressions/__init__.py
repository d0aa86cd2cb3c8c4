"""Expressions for one generic coordinate: what they are made of, their derivatives, and when they vanish."""
