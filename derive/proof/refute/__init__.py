"""Counterexamples: found in floating point or by z3, and checked exactly."""
