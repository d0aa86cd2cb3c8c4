"""Stated theorems on instances that are searched for in the library: one step by enumeration, the horizon by means of squares."""
