"""The samplers of standardised laws, of noise at a gradient, and of compressors at a message. Dimensionless.

A sampler is chosen by the class of its first argument, and `register` adds one.
"""

from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.noises import correlate, sample_law, sample_noise

__all__ = ["compress", "correlate", "sample_law", "sample_noise"]
