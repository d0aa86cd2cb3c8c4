"""Every entry of the catalogue against numbers, and the weak orders of the models."""
