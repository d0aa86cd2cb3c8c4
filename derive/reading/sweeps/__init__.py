"""Sweeps: one TOML file that describes many experiments, read as a list of points, each of which is an experiment."""
