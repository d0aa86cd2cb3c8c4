"""The methods and their parts: noise laws, compressors, losses, schedules."""
