"""Instances on which the theorems of the catalogue are compared with numbers; `numerics.evidence.verify` runs them."""
