"""Certificates exported as files for the proof assistant Rocq, and Rocq's verdict on them."""
