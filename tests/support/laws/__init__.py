"""Noise laws for the tests, typed from their definitions."""
