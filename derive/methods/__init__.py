"""The methods and their parts: laws of the noise, compressors, losses, schedules."""
