"""The words that all else is said in: symbols, names that users may give, the registry of specs, errors."""
