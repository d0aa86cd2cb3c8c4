"""Tests of a compressor (unbiasedness, covariance, and its stated growth, ratio and greatest length) and of a loss (smoothness)."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import sympy as sp

from sdescent.derive.expressions.gradient_form import Expansion, GradientForm
from sdescent.derive.expressions.joints import Rough, rough
from sdescent.derive.methods.checking.findings import EVERYTHING, VALUES, Finding, NotEvaluated, function
from sdescent.derive.methods.compressors.base import Biased, Compressor, Unbiased, omega_of
from sdescent.derive.methods.losses import Loss, Smoothness
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

#: the dimensions in which compressors and losses are tested
DIMENSIONS, OF_LOSSES = (1, 2, 3), (1, 2)
#: the accepted relative error of numbers that should agree
NEAR = 1e-9
#: the amount by which the observed power of |v| may exceed the stated growth
EXCESS = 0.05
#: advice for a formula without a value
UNDEFINED = "the formula is undefined there, as 0/0 is; define its value there by a sympy.Piecewise"
#: the sizes of v between which growth is measured; a root of E||C(v)||^2 below this share of the larger size is rounding error
SMALL, LARGE, SHARE = 1e9, 1e13, 1e-6

#: (v, shape (d, n)) -> mean (d, n) and covariance (n, d, d) of C(v) given v
MomentsAt = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def given_at(form: GradientForm, dim: int) -> MomentsAt:
    """The moments given the message v in dimension `dim`, as a function of arrays."""
    letters = sp.symbols(f"v1:{dim + 1}", real=True)
    expansion = Expansion(dim, {"v": letters})
    functions = [function(e, letters) for e in (*expansion.vector(form.mean), *form.covariance(expansion))]

    def evaluate(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values = np.array([f(*v) for f in functions])
        return values[:dim], np.moveaxis(values[dim:].reshape(dim, dim, -1), -1, 0)

    return evaluate


def messages(dim: int) -> np.ndarray:
    """Test messages, shape (d, n), of many sizes; some have coordinates that are 0, equal or opposite."""
    rng = np.random.default_rng(dim)
    scattered = rng.normal(size=(dim, 24)) * 10.0 ** rng.uniform(-3, 3, 24)
    scattered[0, :4] = 0.0
    opposite = np.resize([0.7, -0.7, 0.2], dim)[:, None]
    return np.concatenate([scattered, np.ones((dim, 2)) * [1.0, 0.3], opposite, np.zeros((dim, 1))], axis=1)


def about_compressor(compressor: Compressor) -> list[Finding]:
    """Compare the statements of a compressor without symbols with its moments given the message, without any sampling."""
    findings: dict[str, Finding] = {}
    tested: list[int] = []
    for dim in DIMENSIONS:
        try:
            compressor.check_dimension(dim)
            moments = given_at(compressor.conditional_moments(sp.Integer(dim)), dim)
            here = list(_in_dimension(compressor, moments, dim))
        except BadInput:
            continue
        except Exception as reason:  # a user's class may raise anything
            here = [Finding(f"moments given the message, d = {dim}", "untested", f"{type(reason).__name__}: {reason}")]
        tested.append(dim)
        for finding in here:
            if finding.what not in findings or findings[finding.what].status != "failed":
                findings[finding.what] = finding
    if not tested:
        return [Finding(EVERYTHING, "untested", f"it exists in none of the dimensions {DIMENSIONS}")]
    more = {"passed": f", in dimensions {', '.join(map(str, tested))}"}
    return [Finding(f.what, f.status, f.detail + more.get(f.status, "")) for f in findings.values()]


def _in_dimension(compressor: Compressor, moments: MomentsAt, dim: int) -> Iterator[Finding]:
    v = messages(dim)
    mean, covariance = moments(v)
    if 2 * np.sum(np.all(np.isfinite(mean), axis=0) & np.all(np.isfinite(covariance), axis=(1, 2))) < v.shape[1]:
        raise NotEvaluated("they are not finite numbers at most of the test messages")
    size = np.sum(v**2, axis=0)
    spread = np.trace(covariance, axis1=1, axis2=2)
    second = np.sum(mean**2, axis=0) + spread
    if isinstance(compressor, Unbiased):
        gap, slack = np.sqrt(np.sum((mean - v) ** 2, axis=0)), NEAR * np.sqrt(size) + 1e-300
        yield _verdict("unbiased", gap, slack, v, "E C(v) = v", lambda n: f"E C(v) = {_numbers(mean[:, n])}")
    finite = np.all(np.isfinite(covariance), axis=(1, 2))
    least = np.full(v.shape[1], np.nan)
    least[finite] = np.linalg.eigvalsh(covariance[finite])[:, 0]
    rounding = NEAR * (second + size) + 1e-300
    statement = "Cov(C | v) has no negative eigenvalue"
    yield _verdict("covariance", -least, rounding, v, statement, lambda n: f"its least eigenvalue is {least[n]:.6g}")
    yield _growth(compressor, moments, dim)
    error = np.sum((mean - v) ** 2, axis=0) + spread
    d = sp.Integer(dim)
    if isinstance(compressor, Unbiased):
        statement = "E||C - v||^2 <= omega ||v||^2"
        yield _ratio("omega", lambda: omega_of(compressor, d).value, error, size, v, statement)
    elif isinstance(compressor, Biased) and (bound := compressor.contraction(d)) is not None:
        yield _ratio("contraction", lambda: bound, error, size, v, "E||C - v||^2 <= a ||v||^2")
    if (longest := compressor.longest(d)) is not None:
        yield _ratio("longest", lambda: longest**2, second, np.ones_like(size), v, "E||C||^2 <= l^2")


def _verdict(
    what: str, excess: np.ndarray, slack: np.ndarray, v: np.ndarray, statement: str, numbers: Callable[[int], str]
) -> Finding:
    """The finding of a comparison, which fails if the excess is above the slack, or is not a number, at some message.

    Shapes: v (d, n), excess and slack (n,). `numbers` writes those at a message, by its index.
    """
    wrong = ~(excess <= slack)
    if not wrong.any():
        return Finding(what, "passed", f"{statement}, at {len(excess)} messages")
    with np.errstate(over="ignore", invalid="ignore"):  # the slack at v = 0 is tiny
        n = int(np.argmax(np.where(wrong, np.where(np.isnan(excess), np.inf, excess / slack), -1.0)))
    place = f"at v = {_numbers(v[:, n])}"
    if np.isnan(excess[n]):
        return Finding(what, "failed", f"{place} the value is not a number ({statement}): {UNDEFINED}")
    return Finding(what, "failed", f"{place} {numbers(n)} ({statement})")


def _growth(compressor: Compressor, moments: MomentsAt, dim: int) -> Finding:
    """Compare the stated growth with the observed one: the power of |v| in the root of E||C(v)||^2 along four rays."""
    rays = np.random.default_rng(7).normal(size=(dim, 4))
    rays /= np.sqrt(np.sum(rays**2, axis=0))
    roots = []
    for size in (SMALL, LARGE):
        mean, covariance = moments(size * rays)
        roots.append(np.sqrt(np.sum(mean**2, axis=0) + np.abs(np.trace(covariance, axis1=1, axis2=2))))
    power = np.log10(np.maximum(roots[1], 1e-300) / np.maximum(roots[0], 1e-300)) / np.log10(LARGE / SMALL)
    grows, stated, root = float(np.max(power)), compressor.growth, "the root of E||C(v)||^2 grows like"
    if not grows <= stated + EXCESS and roots[1].max() > SHARE * LARGE:
        ray = _numbers(rays[:, int(np.argmax(power))])
        detail = f"it says |C(v)| <= const (1 + |v|^{stated}), but {root} |v|^{grows:.3g} along {ray}"
        return Finding("growth", "failed", detail)
    return Finding("growth", "passed", f"{root} |v|^{max(grows, 0):.3g}, as |v|^{stated} allows")


def _ratio(
    what: str, bound: Callable[[], Any], error: np.ndarray, size: np.ndarray, v: np.ndarray, statement: str
) -> Finding:
    try:
        value = float(sp.N(bound()))
    except BadInput as reason:  # not about the dimension, which was checked before
        return Finding(what, "failed", reason.message)
    except (Refusal, NoClosedForm, NotImplementedError) as reason:
        return Finding(what, "untested", str(reason))
    slack = NEAR * size * (1 + value) + 1e-300

    def numbers(n: int) -> str:
        return f"it is {error[n] / size[n]:.6g}" if size[n] else f"the left side is {error[n]:.6g}"

    return _verdict(what, error - value * size, slack, v, f"{statement}, {value:.6g}", numbers)


def _numbers(values: Iterable[float]) -> str:
    return "(" + ", ".join(f"{x:.4g}" for x in values) + ")"


def about_loss(loss: Loss) -> list[Finding]:
    """Test the bound that the (L0, L1) of a loss give for its Hessian, at random points; its symbols take `VALUES` in turn."""
    findings = []
    expected = (BadInput, Refusal, NoClosedForm, NotEvaluated, NotImplementedError)
    for dim in OF_LOSSES:
        try:
            findings.append(_smoothness(loss, dim))
        except Exception as reason:  # a user's class may raise anything
            why = str(reason) if isinstance(reason, expected) else f"it raises {type(reason).__name__}: {reason}"
            findings.append(Finding(f"smoothness, d = {dim}", "untested", why))
    return findings


def _place(kink: Rough) -> str:
    return f"at x = {_numbers(map(float, kink.at.values()))}"


def _smoothness(loss: Loss, dim: int) -> Finding:
    letters = sp.symbols(f"x1:{dim + 1}", real=True)
    value, constants = sp.sympify(loss.value(letters)), loss.smoothness(dim)
    if isinstance(constants, tuple) and len(constants) == 2:
        constants = Smoothness(*constants)
    if not isinstance(constants, Smoothness):
        raise BadInput("smoothness", constants, "a pair (L0, L1), or an sd.losses.Smoothness")
    symbols = {s for e in (value, constants.l0, constants.l1) for s in sp.sympify(e).free_symbols}
    names = sorted(symbols - set(letters), key=str)
    put = {s: VALUES[n % len(VALUES)] for n, s in enumerate(names)}
    at = "" if not names else " with " + ", ".join(f"{s} = {put[s]}" for s in names)
    value = value.xreplace(put)
    what, kinks = f"smoothness, d = {dim}", rough(value, letters, 2)
    if broken := next((k for k in kinks if k.at and k.order < 1), None):
        return Finding(what, "failed", f"{_place(broken)}{at} there is no gradient, or it jumps: {broken.parts[0]}")
    if unknown := next((k for k in kinks if not k.at), None):
        return Finding(what, "untested", f"where {unknown.parts[0]} changes its formula is not known{at}")
    l0, l1 = (float(sp.N(sp.sympify(e).xreplace(put))) for e in (constants.l0, constants.l1))
    rng = np.random.default_rng(dim)
    x = rng.normal(size=(dim, 32)) * 10.0 ** rng.uniform(-2, 1, 32)
    for kink in kinks:  # further points near each kink, where the Hessian may be unbounded
        x = np.hstack([x, np.array([[float(e)] for e in kink.at.values()]) + x[:, :8] * 10.0 ** -np.arange(1, 9)])
    gradient = np.array([function(sp.diff(value, s), letters)(*x) for s in letters])
    # away from the kinks, delta functions are 0
    second = [[sp.diff(value, s, r).replace(sp.DiracDelta, lambda *_: sp.S.Zero) for s in letters] for r in letters]
    hessian = np.array([[function(e, letters)(*x) for e in row] for row in second])
    norm = np.abs(np.linalg.eigvalsh(np.moveaxis(hessian, -1, 0))).max(axis=1)
    bound = l0 + l1 * np.sqrt(np.sum(gradient**2, axis=0))
    wrong = ~(norm <= bound * (1 + NEAR))
    statement = f"||H|| <= {l0:.6g} + {l1:.6g} ||grad f||{at}"
    if not wrong.any():
        bent = f"; {_place(kinks[0])} its gradient has a kink, so that there is no Hessian" if kinks else ""
        return Finding(what, "passed", f"{statement}, at {len(norm)} points{bent}")
    n = int(np.argmax(np.where(wrong, norm / bound, 0.0)))
    place = f"at x = {_numbers(x[:, n])}"
    return Finding(what, "failed", f"{place} ||H|| is {norm[n]:.6g} and the bound {bound[n]:.6g} ({statement})")
