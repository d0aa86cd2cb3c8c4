"""The tools for writing a piece of your own: its registration, the letters of its formulas, its sampler, and a theorem about it.

`register` gives a piece its name. `coerce` reads a parameter. `v` is a coordinate of the message, and `g` of the gradient. A
compressor states its moments as a `GradientForm`. `compress.register` and `sample_law.register` add samplers, in 64-bit `jnp`.
"""

from sdescent.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # pyright: ignore[reportUnsupportedDunderAll]
