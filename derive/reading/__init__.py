"""Users' input, read without evaluating anything: specifications, claims, and the files of problems and experiments."""
