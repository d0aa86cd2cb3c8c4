"""Losses of the library in the class that a theorem assumes. Each has its minimum 0 at 0, a critical point.

| loss | is in the class because |
|---|---|
| sum h_j x_j^2/2, mu <= h_j <= L0 | \\|f''_j\\| <= L0, and strongly convex with mu |
| (L0/L1^2) (cosh(L1 x_j) - 1) | f'' = L0 cosh <= L0 + L1 \\|f'\\|, as cosh <= 1 + \\|sinh\\|; f'' >= L0 |
| (L0/L1^2) (exp(L1 x_j) - L1 x_j - 1) | f'' = L0 + L1 f' |
| (L0/b^2) log cosh(b x_j) | f'' <= L0, \\|f'_j\\| <= L0/b |
| (L0/b^2) (1 - cos(b x_j)) | \\|f''\\| <= L0, \\|f'_j\\| <= L0/b, not convex |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.methods.losses import Quadratic, Separable, SeparableSum
from sdescent.derive.methods.losses import x as generic
from sdescent.derive.methods.specialise import exactly


@final
@dataclass(frozen=True)
class LossClass:
    """What a class needs: numbers of its constants; None where it does not speak of them."""

    dim: int
    l0: float | None
    l1: float
    mu: float | None
    convex: bool
    gradient: float | None


@final
@dataclass(frozen=True)
class Member:
    """A loss of the class.

    Args:
        name: in words; latex: as LaTeX.
        loss: of the library.
        unit: the length over which its gradient changes.
        curvatures: of a quadratic loss, h_j.
    """

    name: str
    latex: str
    loss: Separable
    unit: float
    curvatures: tuple[float, ...] | None = None


def members(constants: LossClass) -> Iterator[Member]:
    """The losses of the library that are in the class."""
    l0, l1, mu = constants.l0, constants.l1, constants.mu
    if l0 is None:
        l0 = 1.0 if mu is None else 2 * mu
    if l0 <= 0:
        return
    if constants.gradient is not None:
        b = l0 * np.sqrt(constants.dim) / constants.gradient
        if mu is None and b > 0:
            yield _sum("log cosh z_j", r"\log\cosh z_j", lambda z: sp.log(sp.cosh(z)), l0, b)
            if not constants.convex:
                yield _sum("1 - cos z_j", r"(1-\cos z_j)", lambda z: 1 - sp.cos(z), l0, b)
        return
    if mu is None or mu <= l0:
        low = l0 / 10 if mu is None else mu
        yield _quadratic(l0, low, constants.dim)
        if constants.dim == 1 and low < l0:
            yield _quadratic(low, low, 1)
    if l1 > 0 and (mu is None or mu <= l0):
        yield _sum("cosh z_j - 1", r"(\cosh z_j-1)", lambda z: sp.cosh(z) - 1, l0, l1)
        if mu is None:
            yield _sum("exp(z_j) - z_j - 1", r"(e^{z_j}-z_j-1)", lambda z: sp.exp(z) - z - 1, l0, l1)
    if l1 == 0 and mu is None and not constants.convex:
        yield _sum("1 - cos z_j", r"(1-\cos z_j)", lambda z: 1 - sp.cos(z), l0, 1.0)


def _quadratic(high: float, low: float, dim: int) -> Member:
    """Curvatures from high to low, the constants of the class."""
    middle = [float(f"{v:.3g}") for v in np.geomspace(high, low, dim)[1:-1].tolist()]
    values = (high, *middle, low)[:dim] if dim > 1 else (high,)
    curvatures = ", ".join(f"{v:.4g}" for v in values)
    latex = rf"$\frac12\sum_jh_jx_j^2$, $h={curvatures if dim == 1 else f'({curvatures})'}$"
    loss = Quadratic(tuple(exactly(v) for v in values))
    return Member(f"sum of h_j x_j^2/2, h = {curvatures}", latex, loss, 1.0, values)


def _sum(name: str, latex: str, of: Any, l0: float, b: float) -> Member:
    scale, factor = exactly(float(b)), f"{l0 / b**2:.4g}"
    formula = rf"${factor}\sum_j{latex}$, $z={b:.4g}\,x$"
    loss = SeparableSum(exactly(float(l0)) / scale**2 * of(scale * generic))
    return Member(f"{factor} sum of {name}, z = {b:.4g} x", formula, loss, 1 / b)
