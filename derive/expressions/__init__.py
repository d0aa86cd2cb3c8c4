"""Expressions for one generic coordinate: their building blocks, their derivatives, and tests whether they vanish."""
