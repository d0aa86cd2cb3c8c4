"""The section on sweeps: the stability of methods and models over pairs of settings."""
