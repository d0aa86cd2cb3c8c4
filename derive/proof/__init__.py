"""Proofs of bounds: a kernel, its independent replay, and the untrusted search for certificates."""
