"""The catalogue of theorems.

`sdescent.derive.theorems.catalogue` collects the entries and `sdescent.derive.theorems.entry.checking` checks them.
"""
