"""Sweeps: many experiments by one TOML file, read and listed as points, each of which is an experiment."""
