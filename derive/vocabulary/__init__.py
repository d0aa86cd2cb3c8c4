"""The shared vocabulary: symbols, names that users may choose, the registry, and the classes of errors."""
