"""Files on disk: results keyed by everything that they depend on, and files written whole or not at all."""
