"""Numerical solution of the SDE of an update rule with memory, in any dimension, with one array per letter of the state."""
