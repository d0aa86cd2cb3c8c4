"""Where methods and models are stable, over pairs of settings."""
