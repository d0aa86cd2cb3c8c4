"""The shared vocabulary: symbols, names that users may give, the registry of specifications, and the classes of errors."""
