"""Texts of Rocq: definitions and proved lemmas that exported files begin with, as far as they need them."""
