"""The shared vocabulary: symbols, names that users may choose, the registry of specifications, and error classes."""
