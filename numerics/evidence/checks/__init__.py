"""Instances that compare the theorems of the catalogue with numbers; `sdescent.numerics.evidence.verify` runs them."""
