"""Draws from noise laws and compressors, and their quantiles and integration nodes."""
