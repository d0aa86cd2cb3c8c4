"""Proofs of inequalities that are linear in inner products of vectors, by exact semidefinite programming."""
