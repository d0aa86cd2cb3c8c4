"""Files: results by what they are a function of, written whole or not at all."""
