"""Samplers of noise laws and compressors, quantiles and integration nodes of laws, and counter-based random numbers."""
