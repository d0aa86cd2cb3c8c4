"""JAX as it is used here: in double precision, with compiled functions that are compared with NumPy before they are trusted."""
