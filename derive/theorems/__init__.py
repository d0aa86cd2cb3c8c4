"""The catalogue: one theorem per file. `sdescent.derive.theorems.catalogue` collects them, `sdescent.derive.theorems.entry.checking` checks them."""
