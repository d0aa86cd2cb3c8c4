"""The public face (to come)."""
