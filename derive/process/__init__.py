"""What an equation implies for its process: generator, moment equations, stationary laws and densities."""
