"""Samplers of noise laws and compressors, their quantiles and integration nodes, and counter-based random numbers."""
