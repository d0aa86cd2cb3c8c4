"""The catalogue: one theorem a file. `derive.theorems.catalogue` collects them, `derive.theorems.entry.checking` checks them."""
