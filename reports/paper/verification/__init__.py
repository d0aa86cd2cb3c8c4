"""The section that compares every entry of the catalogue with numbers and measures the weak orders of the models."""
