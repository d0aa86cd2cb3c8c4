"""Certificates as files of the proof assistant Rocq, and its judgement on them."""
