"""The catalogue: one theorem per file. `derive.theorems.catalogue` collects them, `derive.theorems.entry.checking` checks them."""
