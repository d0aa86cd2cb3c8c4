"""Stated theorems on instances from the library: one step by enumeration, the horizon by second moments."""
