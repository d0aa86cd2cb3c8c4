"""JAX as it is used here: in double precision, with programs that are held against NumPy before they are trusted."""
