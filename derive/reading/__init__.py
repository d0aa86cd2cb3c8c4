"""Input of users, read without evaluating anything: specifications, claims, problem and experiment files."""
