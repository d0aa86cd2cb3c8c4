"""Certificates that the tests start from: of the catalogue's entries, written by hand, edited, and judged in finite models."""
