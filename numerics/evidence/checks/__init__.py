"""Instances on which the theorems of the catalogue are compared with numbers; `sdescent.numerics.evidence.verify` runs them."""
