"""Closed second moments on quadratics, for the SDE and the method: theorems of 6.5 and 6.7 without random sampling (theory 7).

The theorems of 6.7 hold for every law with E L(x_i x_j) = 0. They are evaluated at one point with the required second moments. The
engine's moment equations (`sdescent.derive.equations.process.stationary`) are solved as numerical linear systems. For DSignSGD
without linearisation, the stationary law of the SDE comes from quadrature, the method's from detailed balance on a lattice.
"""

from collections.abc import Mapping

import numpy as np
import scipy.linalg
import sympy as sp

from sdescent.derive.equations.process.stationary import continuous_rate, discrete_step
from sdescent.derive.methods.compressors import RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, Method
from sdescent.derive.methods.noise import Affine, Correlated, Gaussian
from sdescent.derive.proof.language.terms import x
from sdescent.derive.vocabulary.names import Kind, Model
from sdescent.numerics.evidence.checks import formulas
from sdescent.numerics.evidence.checks.facts import of_points
from sdescent.numerics.evidence.checks.points import at_points, generic, log_uniform, lowered, scaled

METHOD: Kind = "method"
FAR = "the theorem is about the SDE"
#: E f_n = rho^n f_0 + F (1 - rho^n) with rho <= exp(-2 mu r eta) on a quadratic with equal h; the bound has the exponential for rho
WITHIN = "E f of the method after T/eta steps is compared; started below the noise floor, it may exceed the bound"


class MomentMap:
    """The time derivative, or the change in one step, of (V11, V12, V22) or of V11 alone, as an affine map."""

    def __init__(self, method: Method, model: Kind, h: tuple[str, ...]) -> None:
        dim = len(h)
        self.pairs = [(i, j) for i in range(dim) for j in range(i, dim)]
        names = {pair: sp.Symbol(f"V{pair[0]}{pair[1]}", real=True) for pair in self.pairs}
        v = sp.Matrix(dim, dim, lambda i, j: names[min(i, j), max(i, j)])
        rate = discrete_step(method, v, h) - v if model == "method" else continuous_rate(method, v, model, h)
        rates = [sp.expand(rate[i, j]) for i, j in self.pairs]
        letters = list(names.values())
        self.slopes = {(a, b): sp.diff(r, s) for a, r in enumerate(rates) for b, s in enumerate(letters)}
        self.force = {a: r.xreplace(dict.fromkeys(letters, sp.S.Zero)) for a, r in enumerate(rates)}

    def at(self, numbers: Mapping[str, np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray]:
        """The matrix (count, m, m) and the force (count, m) of the map."""
        size = len(self.pairs)
        slopes, force = lowered(self.slopes, numbers, count), lowered(self.force, numbers, count)
        matrix = np.array([[slopes[a, b] for b in range(size)] for a in range(size)])
        return np.moveaxis(matrix, 2, 0), np.array([force[a] for a in range(size)]).T


def moved(matrix: np.ndarray, force: np.ndarray, first: np.ndarray, span: float, subject: Kind) -> np.ndarray:
    """The moments that start at `first`: after `span` steps of the method, or at the time `span` of a model."""
    whole = np.pad(np.column_stack([matrix, force]), ((0, 1), (0, 0)))
    step = np.eye(len(whole)) + whole
    move = np.linalg.matrix_power(step, int(span)) if subject == "method" else scipy.linalg.expm(whole * span)
    return (move @ np.append(first, 1))[:-1]


def stationary(id: str, noise: str, model: Model, count: int = 200) -> list[formulas.Verified]:
    """Checks 6.7 on a quadratic, SDE and method, with "gaussian" (one coordinate), "correlated" or "affine" noise (and Rand-k)."""
    rng = np.random.default_rng(71)
    if noise == "correlated":
        method, h = DSGD(Correlated(Gaussian())), ("h1", "h2")
        draws = log_uniform(rng, count, eta=(0.01, 1), h1=(0.1, 2.5), h2=(0.1, 2.5))
        draws |= {"Sigma1_2": rng.normal(size=count), "Sigma1_1": 3 + np.zeros(count), "Sigma2_2": 4 + np.zeros(count)}
    elif noise == "affine":
        method, h = DCSGD(RandK("k"), Affine()), ("h1", "h2")
        draws = log_uniform(rng, count, eta=(0.01, 1), h1=(0.1, 2), h2=(0.1, 2), sigma0=(0.1, 2), sigma1=(0.1, 1))
        draws["k"] = rng.integers(1, 3, count).astype(float)
    else:
        method, h = DSGD(Gaussian()), ("lam",)
        draws = log_uniform(rng, count, eta=(0.01, 1), lam=(0.1, 3), sigma=(0.1, 2))
    draws["N"] = rng.integers(1, 9, count).astype(float)
    results = []
    for subject in (model, METHOD):
        matrix, force = MomentMap(method, subject, h).at(draws, count)
        fixed = np.linalg.solve(matrix, -force[..., None])[..., 0]
        # a point with the second moments (V11, V12, V22); negative squares, which no law has, are replaced by 0
        roots = np.sqrt(np.maximum(fixed, 0))
        point = {"x": roots[:, 0]} if noise == "gaussian" else {"x1": roots[:, 0], "x2": roots[:, -1]}
        if noise == "correlated":
            point = {"x1": np.ones(count), "x2": fixed[:, 1]}
        numbers = of_points(count, **draws, **point)
        if subject == "method":
            left, right = numbers.sides(formulas.conclusion(id))
            gap = float(np.median(np.abs(right / left - 1)))
            apart = f"the method's own fixed point differs from the formula by {gap:.2g} (median, relative)"
            results.append(at_points(id, numbers, "method", None, "closed moments", FAR, apart=apart, covered=False))
        else:
            results.append(at_points(id, numbers, route="closed moments"))
    return results


def polyak(id: str, model: Model, count: int = 200, scale: float = 1.0) -> list[formulas.Verified]:
    """Checks 6.5-first-order or 6.5-corrected, E f(X_T) on h1 x1^2/2 + h2 x2^2/2 with Rand-1, affine noise, bound times `scale`."""
    rng = np.random.default_rng(65)
    draws = log_uniform(rng, count, eta=(0.01, 1.5), h1=(0.3, 2), h2=(0.3, 2), sigma0=(0.1, 2), sigma1=(0.1, 0.7))
    draws["h2"] = np.where(rng.uniform(size=count) < 0.2, draws["h1"], draws["h2"])
    draws["N"] = np.full(count, 2.0)
    steps, start = rng.integers(1, 60, count), rng.normal(size=(2, count)) * np.exp(rng.uniform(-4, 1, count))
    first = np.array([start[0] ** 2, start[0] * start[1], start[1] ** 2])
    loss = lambda v: (draws["h1"] * v[0] + draws["h2"] * v[2]) / 2  # noqa: E731
    ratio = float(RandK(1).omega(sp.Integer(2)).value)
    L0, mu, T = np.maximum(draws["h1"], draws["h2"]), np.minimum(draws["h1"], draws["h2"]), steps * draws["eta"]
    values = formulas.symbols(formulas.paths, f0=loss(first), fstar=0, eta=draws["eta"], N=2, d=2)
    values |= formulas.symbols(formulas.paths, L0=L0, L1=0, mu=mu, T=T)
    each = {name: np.stack([draws[scale_of] ** 2] * 2) for name, scale_of in (("s0", "sigma0"), ("s1", "sigma1"))}
    values |= formulas.symbols(formulas.clients, omega=[ratio, ratio], **each)
    claim = scaled(formulas.conclusion(id), scale)
    results = []
    for subject in (model, METHOD):
        matrix, force = MomentMap(DCSGD(RandK(1), Affine()), subject, ("h1", "h2")).at(draws, count)
        spans = steps if subject == "method" else T
        last = [moved(matrix[n], force[n], first[:, n], spans[n], subject) for n in range(count)]
        numbers = formulas.Numbers({**values, x("fT"): formulas.paths(loss(np.array(last).T))}, size=(2, 1, 1, count))
        about, note, apart = ("method", FAR, WITHIN) if subject == "method" else ("SDE", "", "")
        results.append(at_points(id, numbers, about, claim, "closed moments", note, apart=apart))
    return results


def descent_of_signs(id: str, count: int = 400, scale: float = 1.0) -> list[formulas.Verified]:
    """Checks 6.5-sign on a quadratic: |x_j| falls at speed 1 to 0, or by sign steps, eta > 0; T may exceed the time span."""
    rng = np.random.default_rng(66)
    h, start = np.exp(rng.uniform(-1.5, 1.5, (2, count))), np.exp(rng.uniform(-2, 1, (2, count)))
    alike = rng.uniform(size=count) < 0.3
    h[1], start[1] = np.where(alike, h[0], h[1]), np.where(alike, start[0] * rng.choice([1, 1e-3], count), start[1])
    T = rng.uniform(0, 1.2, count) * np.max(start, axis=0)
    results = []
    claim = scaled(formulas.conclusion(id), scale)
    for subject, eta in (("SDE", 0.0), ("method", 0.05)):
        if eta:
            end, route, note = start.copy(), "enumeration", FAR
            for n in range(int(np.max(T) / eta) + 1):
                end = np.where(n * eta + eta <= T, end - eta * np.sign(end), end)
            T = np.floor(T / eta) * eta
            apart = f"sign descent with eta = {eta} oscillates around the minimum instead of stopping"
        else:
            end, route, note, apart = np.maximum(start - T, 0), "quadrature", "", ""
        roots = [np.sqrt(np.sum(h * z**2, axis=0) / 2) for z in (start, end)]
        here = {"root0": roots[0], "rootT": roots[1], "root": roots[1], "T": T, "mu": np.min(h, axis=0)}
        results.append(at_points(id, of_points(count, **here), subject, claim, route, note, apart=apart, covered=False))
    return results


def near_the_optimum(id: str, scales: str, count: int = 300) -> list[formulas.Verified]:
    """Checks 6.7 for signs on the linearised SDE, and how far SDE and method deviate, for two ("several") scales or "one"."""
    rng = np.random.default_rng(67)
    if scales == "several":
        draws = log_uniform(rng, count, eta=(0.01, 1), h=(0.1, 3), sigma1=(0.1, 3), sigma2=(0.1, 3))
        draws["N"] = 2 + np.zeros(count)
        cases = [numbers for _, numbers in generic("linear signs", draws, count)]
    else:
        draws = log_uniform(rng, count, eta=(0.01, 1), h=(0.1, 3), sigma=(0.1, 3))
        draws["N"] = rng.integers(1, 9, count).astype(float)
        bare = of_points(count, **draws)
        stated = formulas.theorem_of(id).definitions["stationary"].right
        rate = [bare.plus({x("x"): formulas.paths(np.full(count, n))}).value(stated) for n in (0.0, 1.0)]
        cases = [bare.plus({x("x"): np.sqrt(rate[0] / (rate[0] - rate[1]))})]
    note = "the SDE linearised at the optimum"
    results = [at_points(id, numbers, route="closed moments", note=note) for numbers in cases]
    note = "the theorem is about the linearised SDE"
    for subject, exact, route in (("SDE, not linearised", _density, "quadrature"), ("method", _chain, "enumeration")):
        for eta in (0.2, 0.02):
            at = {"eta": eta, "h": 1.0, "sigma": 1.0, "N": 2.0}
            v = exact(eta, 1.0, 1.0)
            values = formulas.symbols(formulas.paths, **at, x=np.sqrt(v), M=(2 * np.pi) ** -0.5)
            numbers = formulas.Numbers(values, size=(2, 1, 1, 1))
            _, right = numbers.sides(formulas.conclusion(id))
            ratio = float(right.item() / v)
            apart = f"without linearisation E x^2 is {v:.4g}, and the formula gives {ratio:.4g} times that value"
            results.append(at_points(id, numbers, subject, None, route, note, at, covered=False, apart=apart))
    return results


def _density(eta: float, h: float, sigma: float, N: int = 2) -> float:
    """The moment E x^2 for a density proportional to exp(int 2 drift/V)/V, V = (eta/N)(1 - R^2), Gaussian noise, by quadrature."""
    wide = 12 * np.sqrt(eta * sigma / h)
    z = np.linspace(-wide, wide, 40_001)
    R = 2 * scipy.special.ndtr(h * z / sigma) - 1
    V = eta / N * np.maximum(1 - R**2, 1e-300)
    force = -2 * R / V
    log = np.concatenate([[0.0], np.cumsum((force[1:] + force[:-1]) / 2 * np.diff(z))]) - np.log(V)
    p = np.exp(log - np.max(log))
    return float(np.sum(p * z**2) / np.sum(p))


def _chain(eta: float, h: float, sigma: float) -> float:
    """The moment E x^2 of the method with two clients, whose steps -eta, 0 and eta on eta Z satisfy detailed balance."""
    z = eta * np.arange(-400, 401)
    up = scipy.special.ndtr(-h * z / sigma) ** 2  # both signs are negative
    down = scipy.special.ndtr(h * z / sigma) ** 2
    with np.errstate(divide="ignore"):
        ratios = np.log(up[:-1]) - np.log(down[1:])
    half = len(z) // 2
    log = np.concatenate([-np.cumsum(ratios[:half][::-1])[::-1], [0.0], np.cumsum(ratios[half:])])
    p = np.exp(log - np.max(log))
    return float(np.sum(p * z**2) / np.sum(p))
