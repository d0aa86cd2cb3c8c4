"""Rocq texts at the head of exported files: definitions and proved lemmas, as far as each file needs them."""
