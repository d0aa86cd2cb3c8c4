"""Files on disk: results with keys of everything that they depend on, and files that are written whole or not at all."""
