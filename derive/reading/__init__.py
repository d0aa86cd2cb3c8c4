"""What a user writes, read without being evaluated: numbers and names, specs, problem files."""
