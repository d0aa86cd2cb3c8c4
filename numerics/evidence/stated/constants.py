"""Numbers for the constants of a theorem that satisfy its assumptions, by random draws and rejection."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np

from sdescent.derive.methods.compressors import RandK
from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import solved
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import symbols_of
from sdescent.derive.theorems.bounds.proving import BELOW_ONE
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.numerics.evidence.checks.formulas import Numbers, paths, symbols
from sdescent.numerics.evidence.checks.points import log_values

#: number of candidates drawn at a time, and of times
DRAWN, ROUNDS = 4000, 5
#: log-uniform ranges of constants and of step sizes, which may be small
USUAL, STEP = (0.1, 4.0), (1e-3, 1.0)
SEED = 20
#: preferred values of strong convexity constants, and of constants outside classes, which are often fractions; in other classes: 1
STRENGTH, FURTHER = 0.25, 0.5


@final
@dataclass(frozen=True)
class Constants:
    """The constants of a stated theorem, and the assumptions about them."""

    stated: Stated

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The free constants other than N, d and the step size."""
        setting = self.stated.setting
        ends = {"fstar", "N", "d", "eta", str(setting.context.horizon)}
        ends |= {p.start[1] for p in setting.potentials.values()}
        defined = {r.left[1] for r in self.equalities.values() if r.left[0] == "x"}
        # constants of the noise law and of its proofs
        of_signs = {"M", "z", "r"} if is_sign(self.stated.method) else set[str]()
        free = {n for n, kind in setting.context.symbols.items() if kind in ("const", "detclient")}
        return tuple(n for n in setting.context.symbols if n in free - ends - defined - of_signs)

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """The assumptions. An equality among constants determines a constant that has no other meaning."""
        left_out = () if self.stated.conclude == "gronwall" else (BELOW_ONE,)
        assumptions = {name: _turned(r) for name, r in self.stated.setting.assumptions.items() if name not in left_out}
        constants = self.stated.setting.free_constants
        others = {n for n, r in assumptions.items() if r.op == "==" and r.left[0] == "x" and r.left[1] not in constants}
        values = solved([r for n, r in assumptions.items() if r.op == "==" and n not in others], constants)
        remaining = {n: r for n, r in assumptions.items() if r.op != "==" or r.left not in values}
        return remaining | {f"{name[1]} by the equalities": name.eq(t) for name, t in values.items()}

    @cached_property
    def equalities(self) -> dict[str, Relation]:
        """The equalities that determine constants."""
        return {name: r for name, r in self.relations.items() if r.op == "==" and r.left[0] == "x"}

    def numbers(self, values: Mapping[str, Any], dim: int, clients: int) -> Numbers:
        """The constants as `Numbers`, including those that equalities determine; u is 1 by default."""
        constants = symbols(paths, **{"u": 1.0, **values, "N": clients, "d": dim, "fstar": 0.0})
        size = max(a.shape[-1] for a in constants.values())
        return Numbers(constants, size=(clients, dim, 1, size)).defined(self.equalities)

    @cached_property
    def fixed(self) -> bool:
        """Whether the theorem fixes the step size."""
        return any(r.left == nm.eta for r in self.equalities.values())

    def hold(self, numbers: Numbers) -> np.ndarray:
        """Whether all assumptions about constants alone hold, (points,)."""
        held, _ = numbers.held(self.relations)
        return np.all([*held.values(), np.ones(numbers.size[-1], bool)], axis=0)

    def feasible(self, dim: int, clients: int) -> dict[str, float] | None:
        """Numbers that satisfy the assumptions about constants, close to the preferred values; None if no draw satisfies them."""
        rng = np.random.default_rng((SEED, dim, clients))
        for _ in range(ROUNDS):
            draws = {} if self.fixed else {"eta": _rounded(log_values(rng, *STEP, DRAWN))}
            draws |= {name: self._draws(rng, name, dim) for name in self.names}
            with np.errstate(all="ignore"):
                held = self.hold(self.numbers(draws, dim, clients))
            if (good := np.flatnonzero(held)).size:
                far = sum((np.abs(np.log(draws[name][good] / self._near(name))) for name in draws), np.zeros(good.size))
                best = good[int(np.argmin(far))]
                values = {name: float(v[best]) for name, v in draws.items()}
                return values | {"eta": float(self.numbers(values, dim, clients).value(nm.eta).ravel()[0])}
        return None

    def _near(self, name: str) -> float:
        """The preferred value of a constant."""
        classes = self.stated.hypotheses.classes
        if any(name in symbols_of(t) for key in ("strongly convex", "pl") for t in classes.get(key, ())):
            return STRENGTH
        if name == "eta":
            return USUAL[0]
        return 1.0 if any(name in symbols_of(t) for terms in classes.values() for t in terms) else FURTHER

    def _draws(self, rng: np.random.Generator, name: str, dim: int) -> np.ndarray:
        method = self.stated.method
        if isinstance(method.compressor, RandK) and str(method.compressor.k) == name:
            return rng.integers(1, dim + 1, DRAWN).astype(float)
        return _rounded(rng.uniform(0.05, 0.95, DRAWN) if name in method.fractions else log_values(rng, *USUAL, DRAWN))


def _turned(r: Relation) -> Relation:
    turned = r.op == "==" and r.right[0] == "x" and r.left[0] != "x"
    return Relation(("==", r.right, r.left)) if turned else r


def _rounded(values: np.ndarray) -> np.ndarray:
    """The values, rounded to two significant digits."""
    scale = 10.0 ** (np.floor(np.log10(values)) - 1)
    return np.array([float(f"{v:.2g}") for v in (np.rint(values / scale) * scale).tolist()])


def largest(holds: Any, at: float, most: float = 1e4) -> tuple[float, bool] | None:
    """(largest step up to `most`, True), from `at` on, halved until the condition holds; (`at`, False) if none fails; or None."""
    low = at
    while not holds(low):
        low /= 2
        if low < 1e-9:
            return None
    high = 2 * low
    while holds(high):
        low, high = high, 2 * high
        if high > most:
            return at, False
    for _ in range(60):
        middle = np.sqrt(low * high)
        low, high = (middle, high) if holds(middle) else (low, middle)
    return float(low) * (1 - 1e-8), True  # inequalities hold up to rounding, so `low` may lie slightly beyond the limit
