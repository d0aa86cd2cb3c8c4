"""Tests of a law, whose density, mean of the sign, moments and symmetry must be consistent, and tests of a noise."""

from collections.abc import Callable, Iterator
from typing import Any

import mpmath
import numpy as np
import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.expressions.gradient_form import Expansion
from sdescent.derive.methods.checking.compressors_and_losses import messages
from sdescent.derive.methods.checking.findings import EVERYTHING, Compared, Finding, Mesh, NotEvaluated, function, mesh
from sdescent.derive.methods.noise.law import ARGUMENT, Law
from sdescent.derive.methods.noise.scales import Noise
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal

#: the points at which functions are compared
AT = np.array([-7.3, -3.1, -1.3, -0.45, -0.02, 0.0, 0.02, 0.25, 0.9, 2.2, 5.6])
#: the greatest orders of moments and of signed moments, and how far below the tail index the orders stay
ORDERS, SIGNED, MARGIN = 4, 2, 0.25
#: the accepted relative error; numbers below 1 in size count as 1
NEAR = 1e-7
#: for tails: the number of scales 10^(2^m), and the limits for steps of local powers that have settled, shrink, or do not shrink
SCALES, SETTLED, SHRINKS, GROWTH = 7, 1e-6, 0.75, 0.9
#: for the slope: the step of the differences and the accepted error
STEP, SLACK = 2e-4, 1e-5
#: advice for a law that is not symmetric
ASYMMETRIC = "a law that is not symmetric says symmetric = False"
#: the dimension in which the scales of a noise are tested
DIMENSION = 3


def about_law(law: Law, patient: bool = True) -> list[Finding]:
    """Compare the statements of a law without symbols with its density; if `patient`, also one that NumPy cannot
    evaluate (10 s).
    """
    if law.degenerate:
        return [Finding(EVERYTHING, "untested", "the point mass at 0 has no density")]
    findings = []
    density: function | None = None
    within: Mesh | None = None
    try:
        density = function(law.density(ARGUMENT), [ARGUMENT])
        if patient or density.quick:
            within = mesh(density, [*AT, *-AT])
            findings += list(_density(law, density, within))
        else:
            findings.append(Finding("density", "untested", "its values are slow to compute"))
    except Exception as reason:  # a user's class may raise anything
        findings.append(_unknown("density", reason))
    # name, test, its arguments after the law
    tests: list[tuple[Any, ...]] = [("sign's mean", _sign_mean, within), ("symmetry of the sign's mean", _odd)]
    tests += [] if density is None else [("slope of the sign's mean", _slope, density)]
    if within is not None:
        tests += [("moments", _moments, within), ("signed moments", _signed_moments, within), ("tail", _tail)]
    for what, test, *of in tests:
        try:
            findings.append(test(law, *of))
        except Exception as reason:  # a user's class may raise anything
            findings.append(_unknown(what, reason))
    return [f for f in findings if f is not None]


def _unknown(what: str, reason: Exception) -> Finding:
    expected = isinstance(reason, (NoClosedForm, NotEvaluated, Refusal))
    return Finding(what, "untested", str(reason) if expected else f"it raises {type(reason).__name__}: {reason}")


def _density(law: Law, density: function, within: Mesh) -> Iterator[Finding]:
    values, mass = density(within.nodes), float(np.sum(within.weights))
    lowest = int(np.argmin(np.where(np.isnan(values), 0.0, values)))
    if values[lowest] < -NEAR:
        yield Finding("density", "failed", f"it is {values[lowest]:.6g} at {within.nodes[lowest]:.6g}, below 0")
    elif not abs(mass - 1) <= NEAR + 10 * within.doubt:
        yield Finding("density", "failed", f"its integral is {mass:.8g}, which should be 1")
    else:
        yield Finding("density", "passed", "not negative, with integral 1")
    if law.symmetric:
        at = AT[AT > 0]
        pairs = Compared([f"p({-z:g}):" for z in at], density(-at), density(at), NEAR * np.maximum(1, density(at)))
        yield _verdict("symmetry of the density", pairs, "p(-z) = p(z)", ASYMMETRIC)


def _verdict(what: str, pairs: Compared, held: str, remedy: str = "") -> Finding:
    worst = pairs.worst()
    if 2 * pairs.count < len(pairs.places):
        return Finding(what, "untested", f"it is a number at only {pairs.count} of {len(pairs.places)} points")
    if worst is None:
        return Finding(what, "passed", f"{held}, at {pairs.count} points")
    return Finding(what, "failed", f"{worst} ({held})" + (f"; {remedy}" if remedy else ""))


def _sign_mean(law: Law, within: Mesh | None) -> Finding:
    if within is None:
        return Finding("sign's mean", "untested", "there is no integral of the density to compare it with")
    stated = function(law.sign_mean(ARGUMENT), [ARGUMENT])(AT)
    signs = np.array([within.mean(np.sign(x + within.nodes)) for x in AT])
    pairs = Compared([f"at x = {x:g}" for x in AT], stated, signs, np.full(len(AT), NEAR + 10 * within.doubt))
    return _verdict("sign's mean", pairs, "E sign(x + Z) is the integral of the density")


def _odd(law: Law) -> Finding | None:
    if not law.symmetric:
        return None
    mean, at = function(law.sign_mean(ARGUMENT), [ARGUMENT]), AT[AT > 0]
    pairs = Compared([f"at x = {-x:g}" for x in at], mean(-at), -mean(at), np.full(len(at), NEAR))
    return _verdict("symmetry of the sign's mean", pairs, "2F(-x) - 1 = -(2F(x) - 1)", ASYMMETRIC)


def _slope(law: Law, density: function) -> Finding:
    """Test the slope by central differences of order 4, at points away from 0, where some laws have a kink."""
    mean, at, step = function(law.sign_mean(ARGUMENT), [ARGUMENT]), AT[np.abs(AT) > 0.1] + 0.0123, STEP
    slope = (8 * (mean(at + step) - mean(at - step)) - (mean(at + 2 * step) - mean(at - 2 * step))) / (12 * step)
    pairs = Compared([f"at x = {x:g}" for x in at], slope, 2 * density(-at), SLACK * np.maximum(1, density(-at)))
    return _verdict("slope of the sign's mean", pairs, "d/dx E sign(x + Z) = 2p(-x)")


def _moments(law: Law, within: Mesh) -> Finding:
    """Compare the moments, mean and variance that depend on an overridden method with integrals over the density."""
    overridden = [name for name in ("moment", "mean", "variance") if getattr(type(law), name) is not getattr(Law, name)]
    if not overridden:
        return Finding("moments", "passed", "computed from the density, so there is nothing to compare")
    first, second = within.mean(within.nodes), within.mean(within.nodes**2)
    rows: list[tuple[str, sp.Expr, float, float]] = []  # name, stated, integral, size
    if "moment" in overridden:
        for m in _orders(law, ORDERS):
            size = within.mean(np.abs(within.nodes) ** m)
            rows.append((f"E Z^{m}:", law.moment(m), within.mean(within.nodes**m), size))
    if _tail_of(law) - MARGIN > 1 and ("mean" in overridden or ("moment" in overridden and not law.symmetric)):
        rows.append(("mean:", law.mean, first, within.mean(np.abs(within.nodes))))
    if _tail_of(law) - MARGIN > 2 and len(overridden) > len({"mean"} & set(overridden)):
        rows.append(("variance:", law.variance, second - first**2, second))
    if not rows:
        return Finding("moments", "untested", f"with the tail index {law.tail}, there is no moment to compare")
    places, stated, integrals, size = (list(column) for column in zip(*rows, strict=True))
    values = np.array([float(sp.N(e)) for e in stated])
    pairs = Compared(places, values, np.array(integrals), 10 * (NEAR + within.doubt) * np.maximum(1, size))
    return _verdict("moments", pairs, "integrals of the density, " + ", ".join(p.removesuffix(":") for p in places))


def _orders(law: Law, most: int) -> list[int]:
    """The orders, up to `most`, of finite moments; only even ones if the law is symmetric."""
    return [m for m in range(1, most + 1) if m < _tail_of(law) - MARGIN and (m % 2 == 0 or not law.symmetric)]


def _tail_of(law: Law) -> float:
    if law.tail == sp.oo:
        return float("inf")
    if not sp.sympify(law.tail).is_number:
        raise NotEvaluated(f"its tail index {law.tail} is not a number")
    return float(law.tail)


def _signed_moments(law: Law, mesh: Mesh) -> Finding:
    """Compare the signed moments, if the class overrides them, with integrals over the density."""
    if type(law).signed_moment is Law.signed_moment:
        return Finding("signed moments", "passed", "computed from the density, so there is nothing to compare")
    rows: list[tuple[str, float, float, float]] = []  # name, stated, integral, size
    for m in range(SIGNED + 1):
        if m and not m < _tail_of(law) - MARGIN:
            continue
        values, size = function(law.signed_moment(m, ARGUMENT), [ARGUMENT])(AT), mesh.mean(np.abs(mesh.nodes) ** m)
        for y, value in zip(AT, values, strict=True):
            if m or y:  # for m = y = 0, 2F - 1 may be a Piecewise with an arbitrary value at its kink
                rows.append((f"R_{m}({y:g}):", value, mesh.mean(mesh.nodes**m * np.sign(y + mesh.nodes)), size))
    places, stated, integrals, size = (list(column) for column in zip(*rows, strict=True))
    pairs = Compared(places, np.array(stated), np.array(integrals), 10 * (NEAR + mesh.doubt) * np.maximum(1, size))
    return _verdict("signed moments", pairs, "R_m(y) = E[Z^m sign(y + Z)] equals its integral over the density")


def _tail(law: Law) -> Finding:
    """Compare the stated tail index with the decay of the density: the limit of its local powers at growing scales."""
    density = sp.lambdify([ARGUMENT], law.density(ARGUMENT), "mpmath")
    powers = [power for side in (1, -1) if (power := _power(_local_powers(density, side))) is not None]
    if len(powers) < 2:
        return Finding("tail", "untested", "the density falls neither like a power nor faster, as far as can be seen")
    index, stated = min(powers) - 1, _tail_of(law)
    if index < stated - 0.05 * max(1.0, index):
        detail = f"it says that all moments below {law.tail} exist, but the density falls like |z|^-{index + 1:.4g}"
        return Finding("tail", "failed", f"{detail}: moments exist below {index:.4g}")
    if index == float("inf"):
        more = "" if stated == index else f": all moments exist, and it says those below {law.tail}"
        return Finding("tail", "passed", f"the density falls faster than powers{more}")
    more = "" if abs(index - stated) <= 0.05 * max(1.0, index) else f", and it says those below {law.tail}"
    detail = f"the density falls like |z|^-{index + 1:.4g}: moments exist below {index:.4g}{more}"
    return Finding("tail", "passed", detail)


def _local_powers(density: Callable[[Any], Any], side: int) -> list[float]:
    """The local powers -log10(p(10 z)/p(z)) of the density at |z| = 10, 10^2, 10^4, 10^8, .., as long as it is positive.

    The last one is oo if the density is 0 from some scale on.
    """
    powers: list[float] = []
    for m in range(SCALES):
        for digits in (40 + 3 * 2**m, 1000 + 60 * 2**m):  # more digits for formulas with cancellation
            with mpmath.workdps(digits):
                z = mpmath.mpf(10) ** (2**m)
                try:
                    near, far = (mpmath.re(density(side * at)) for at in (z, 10 * z))
                except (ArithmeticError, ValueError, TypeError, NotImplementedError):  # no value so far out
                    return powers
                if near > 0 and far > 0:
                    powers.append(float(mpmath.log10(near) - mpmath.log10(far)))
                    break
        else:
            return [*powers, float("inf")] if near >= 0 and far == 0 else powers
    return powers


def _power(local: list[float]) -> float | None:
    """The limit of the local powers, extrapolated from their last steps; oo if their growth does not slow; None if unclear.

    From one scale 10^(2^m) to the next, that of z^-a log^b z halves its distance from a, and that of a lognormal tail
    doubles.
    """
    if local and local[-1] == float("inf"):
        return local[-1]
    if len(local) < 4:
        return None
    first, second, third = np.diff(local[-4:])
    if max(abs(first), abs(second), abs(third)) <= SETTLED * max(1.0, abs(local[-1])):
        return local[-1]
    if 0 < first * GROWTH <= second and second * GROWTH <= third:
        return float("inf")
    if all(abs(later) <= SHRINKS * abs(sooner) for sooner, later in ((first, second), (second, third))):
        return local[-1] + float(third * third / (second - third))
    return None


def about_noise(noise: Noise) -> list[Finding]:
    """The findings about a noise without symbols: its scales at gradients of many sizes, and its law."""
    return [_scales(noise), *about_law(noise.law)]


def given_with_a_run(noise: Noise) -> str:
    """The data of the scales that only a run supplies, in words; "" if there are none."""
    if noise.dense is not None:
        return "its covariance is a matrix that is given with a run"
    letters = {c for s in noise.scales for c in sp.sympify(s).atoms(Coordinate)}
    other = sorted({c.base for c in letters if c.base != "g" and not c.entries})
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
        detail = f"that of client {where[0] // DIMENSION + 1} is {values[tuple(where)]:.6g} at g = ({place}), below 0"
        return Finding("scales", "failed", detail)
    return Finding("scales", "passed", f"not negative, at {g.shape[1]} gradients")
