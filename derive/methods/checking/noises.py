"""A noise: its scales are not negative; and what its law says."""

from __future__ import annotations

import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.expansion import Expansion
from sdescent.derive.methods.checking.compressors import messages
from sdescent.derive.methods.checking.findings import Finding
from sdescent.derive.methods.checking.laws import about_law
from sdescent.derive.methods.checking.numbers import NotEvaluated, function
from sdescent.derive.methods.noise.scales import Noise

DIMENSION = 3


def about_noise(noise: Noise) -> list[Finding]:
    """What a noise without symbols says; its scales at gradients of many sizes."""
    return [_scales(noise), *about_law(noise.law)]


def given_with_a_run(noise: Noise) -> str:
    """What of the scales has no number until the method is run, in words; "" where nothing is missing."""
    if noise.dense is not None:
        return "its covariance is a matrix that is given with a run"
    other = sorted(
        {c.base for s in noise.scales for c in sp.sympify(s).atoms(Coordinate) if c.base != "g" and not c.entries}
    )
    return f"the vector {other[0]} is given with a run" if other else ""


def _scales(noise: Noise) -> Finding:
    if open_ := given_with_a_run(noise):
        return Finding("scales", "untested", open_)
    g, letters = messages(DIMENSION), sp.symbols(f"g1:{DIMENSION + 1}", real=True)
    expansion = Expansion(DIMENSION, {"g": letters})
    try:
        values = np.array([function(e, letters)(*g) for s in noise.scales for e in expansion.vector(s)])
    except NotEvaluated as reason:
        return Finding("scales", "untested", str(reason))
    if not np.all(values >= 0):
        where = np.argwhere(~(values >= 0))[0]
        place = ", ".join(f"{x:.4g}" for x in g[:, where[1]])
        told = f"that of client {where[0] // DIMENSION + 1} is {values[tuple(where)]:.6g} at g = ({place}), below 0"
        return Finding("scales", "failed", told)
    return Finding("scales", "passed", f"not negative, at {g.shape[1]} gradients")
