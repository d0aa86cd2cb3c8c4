"""The catalogue: one theorem a file. `derive.theorems.catalogue` collects them, `derive.theorems.checking` checks them."""
