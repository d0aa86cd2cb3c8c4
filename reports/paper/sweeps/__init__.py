"""The section on sweeps: where methods and models are stable, over pairs of settings."""
