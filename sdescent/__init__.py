"""Stochastic optimisers and their SDEs: derived symbolically, simulated beside the method, with bounds that a kernel proves.

    >>> import sdescent as sd
    >>> method = sd.DCSGD(sd.compressors.RandK(2), sd.noise.StudentT(5), clients=4)
    >>> equation = sd.sde(method, "corrected", loss=sd.losses.Quadratic(1), dim=3)
    >>> equation.coordinates().drift[0]
    eta*x1/2 - x1

A method is a compressor, a noise, a number of clients and a schedule (`DSGD`, `DCSGD`, `DSignSGD`), a named method of `sd.methods`,
or an update rule of your own (`Method`). The pieces are in `sd.noise`, `sd.compressors`, `sd.losses` and `sd.schedules`.

Most functions have the names of commands: `sde` derives (its command is `derive`, which is a package here), `audit` checks a
stated equation, `scaling` solves for scaling rules, `claim` proves or refutes an inequality, `prove` a theorem about a method,
`suggest` finds one, `tune` chooses its step size, `check` checks a theorem of the catalogue or a piece of your own, `replay` a
certificate, `verify` compares a theorem with numbers, `solve` solves an equation, `run` runs the method itself, and `report`
writes a report. `load` reads a file.

`sd.plugins` has the tools for writing a piece of your own. Names are imported when they are first used, so that importing the
package costs almost nothing.
"""

from sdescent.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # pyright: ignore[reportUnsupportedDunderAll]
