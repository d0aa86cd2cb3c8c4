"""DCSGD and DSignSGD with several step rules on one problem, in one run, each with a tuned step size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
import sympy as sp

from sdescent.derive.methods.compressors import Bernoulli, Compressor, RandK
from sdescent.derive.methods.distributed import DCSGD, DSignSGD, Method
from sdescent.derive.methods.noise import Affine, Scaled, StudentT
from sdescent.derive.methods.schedules import Adaptive, Normalised
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.names import Precision
from sdescent.derive.vocabulary.symbols import parameter, t
from sdescent.numerics.lowering.landscape import Landscape
from sdescent.numerics.measure.growth import Coefficients
from sdescent.numerics.simulate.chunks import LANES
from sdescent.numerics.simulate.method import Oracle, run

#: names of the step rules of DCSGD; each rule has one multiplier m > 0
CONSTANT, NORMALISED, THEORY = "constant", "normalised", "theory"
RULES = (CONSTANT, NORMALISED, THEORY)
#: the compressor unless a problem has another
SPARSIFIER = Bernoulli("p")


@final
@dataclass(frozen=True)
class RaceProblem:
    """A loss, the starting point of its runs, and the settings of the clients.

    Attributes:
        name: the name in file names and texts.
        start: x_0, shape (d,).
        sigma0, sigma1: those of the noise N(0, (sigma0^2 + sigma1^2 ||g||^2) I) that each client adds to the full gradient.
        oracle: the clients' own gradients, which may be mini-batches; None for the full gradient with noise.
        probe: the loss with the gradient whose norm is G in the step sizes, for runs with an oracle for which the full gradient
            takes too long; None for `land`.
        compressor: the compressor of DCSGD; its only symbol may be p.
    """

    name: str
    land: Landscape
    start: np.ndarray
    clients: int
    sigma1: float
    dtype: Precision = "float32"
    sigma0: float = 0.0
    oracle: Oracle | None = None
    probe: Landscape | None = None
    compressor: Compressor = SPARSIFIER

    def with_rand_k(self, p: float) -> "RaceProblem":
        """The problem with Rand-k, k = max(1, round(p d)), for which omega = d/k - 1 does not depend on the p of a setting."""
        return replace(self, compressor=RandK(max(1, round(p * len(self.start)))))

    def omega(self, p: float) -> float:
        """The compressor's omega in E||C(v)||^2 = (1 + omega) ||v||^2; 1/p - 1 for the Bernoulli sparsifier."""
        return float(self.compressor.omega(sp.Integer(len(self.start))).value.subs(parameter("p"), p))

    def growth(self, p: float) -> float:
        """The factor A of theory 4 in E||x_{n+1} - x_n||^2 = h^2 A G^2: 1 + (omega + d sigma1^2 (1 + omega))/N."""
        omega = self.omega(p)
        return 1 + (omega + len(self.start) * self.sigma1**2 * (1 + omega)) / self.clients

    def floor(self, p: float) -> float:
        """The floor D0/N of theory 4, D0 = d sigma0^2 (1 + omega): the part of E||mean message||^2 that does not depend on G."""
        return len(self.start) * self.sigma0**2 * (1 + self.omega(p)) / self.clients

    @property
    def compressed(self) -> Method:
        """DCSGD with the compressor, affine noise and h = 1/(k0 + k1 G)."""
        noise = Affine("sigma0" if self.sigma0 else 0, "sigma1")
        return DCSGD(self.compressor, noise, self.clients, Normalised("k0", "k1"))

    @property
    def signs(self) -> Method:
        """DSignSGD with Cauchy noise and steps h = c (1 + t)^(-q), where t = n since eta = 1."""
        h = parameter("c") * (1 + t) ** (-parameter("q"))
        return DSignSGD(Scaled(StudentT(1), "sigma"), self.clients, Adaptive(h))


def step(rule: str, m: float, growth: float, line: Coefficients, floor: float = 0.0) -> tuple[float, float]:
    """The k0 and k1 of h = 1/(k0 + k1 G) for a rule of `RULES` with multiplier m > 0 (else BadInput).

    The rules are h = m (constant), h = m/G (normalised) and h = m/K(G) (theory), where K(G) = A (L0 + L1 G) + L1 D0/N is the K of
    theory 6.3 with kappa = 1 and u = m. Its condition eta u <= 2 eps holds with eps = 1/2 for m = 1 and eta = 1. `growth` is A,
    `line` is L0 and L1, with ||Hess f||_op <= L0 + L1 G where it was measured, `floor` is D0/N.
    """
    if not m > 0:
        raise BadInput("m", m, "a number > 0")
    l0, l1 = line
    theory = (growth * l0 + l1 * floor) / m, growth * l1 / m
    pairs = {CONSTANT: (1 / m, 0.0), NORMALISED: (0.0, 1 / m), THEORY: theory}
    if rule not in pairs:
        raise unknown_name("rule", rule, RULES)
    return pairs[rule]


def bounded_share(gap: float, steps: int, growth: float, line: Coefficients, floor: float) -> float:
    """The bound of theory 6.3 on the mean of G^2/K over the steps, for the steps of the theory (m = 1, eps = 1/2, kappa = 1).

    The bound is 2 (f(x_0) - f*)/T + c_f D0/N with c_f = L0/K(0)^2 if L1 D0/N <= A L0, else 1/(4 A L1 D0/N). It has a floor unless
    D0 = 0. It is proved for the corrected SDE, (L0, L1)-smooth losses and equal clients.
    """
    l0, c = line[0], line[1] * floor
    share = l0 / (growth * l0 + c) ** 2 if c <= growth * l0 else 1 / (4 * growth * c)
    return 2 * gap / steps + share * floor


@final
@dataclass(frozen=True)
class RaceRuns:
    """The results of several settings, each with independent seeds, at the saved step numbers (S,).

    `loss`, `gradient_norm` (NaN from a blow-up on), `length` (sum of ||x_{m+1} - x_m||_2), (S, settings, seeds); `blown` by run.
    """

    steps: np.ndarray
    loss: np.ndarray
    gradient_norm: np.ndarray
    length: np.ndarray
    blown: np.ndarray


def race(
    problem: RaceProblem, method: Method, settings: Sequence[Mapping[str, float]], steps: int, saved: int, seeds: int, key: Any
) -> RaceRuns:  # fmt: skip
    """Run each setting with `seeds` seeds, all of them independent of one another, with eta = 1, so that the step size is h.

    Paths are run in chunks of one size, so a problem compiles once for any number of settings and seeds.

    The method is `problem.compressed`, with settings p, k0, k1 (p for `SPARSIFIER` alone), or `problem.signs`, with c, q, sigma
    (not with an oracle). `steps` is a multiple of 2 `saved` (else BadInput): saved times are an even number of steps apart. Path s
    * seeds + r is run r of setting s.
    """
    if steps % (2 * saved):
        raise BadInput("steps", steps, f"a multiple of {2 * saved}")
    names = list(settings[0])
    varied = {name: np.repeat([float(s[name]) for s in settings], seeds) for name in names}
    params = {"eta": 1.0}
    if "sigma" not in names:
        params |= {"sigma1": problem.sigma1} | ({"sigma0": problem.sigma0} if problem.sigma0 else {})
    ensemble = run(
        method, problem.start, float(steps), paths=len(settings) * seeds, key=key, params=params,
        loss=problem.probe or problem.land,
        save=saved + 1, dtype=problem.dtype, varied=varied, travelled=True, chunk=LANES, oracle=problem.oracle,
    )  # fmt: skip
    shape = (saved + 1, len(settings), seeds)
    names = ("loss", "gradient_norm", "length")
    values = {name: np.asarray(ensemble.values[name], float).reshape(shape) for name in names}
    return RaceRuns(
        np.rint(ensemble.times).astype(int), **values, blown=np.isfinite(ensemble.blow_up).reshape(shape[1:])
    )


def grid(low: int, high: int) -> tuple[float, ...]:
    """The powers 2^low, .., 2^high as values of x, which set the length of a step in `multiplier`."""
    return tuple(2.0**k for k in range(low, high + 1))


def multiplier(rule: str, x: float, growth: float) -> float:
    """The multiplier m of a rule with steps of root mean square x G (constant), x (normalised) or x G/(L0 + L1 G) (theory).

    E||mean message||^2 = A G^2 (theory 4), so m = x/sqrt(A), and m = x sqrt(A) for the rule of theory 6.3, whose h contains 1/A.
    """
    return x * np.sqrt(growth) if rule == THEORY else x / np.sqrt(growth)


def best(losses: Any) -> tuple[int, bool]:
    """The index of the first grid point with the smallest median of last losses (grid points, seeds), and whether it is at an edge.

    There the choice is no optimum. BadInput for fewer than three points, or a NaN (blow-ups are inf or a cap).
    """
    array = np.asarray(losses, float)
    if array.ndim != 2 or len(array) < 3 or np.any(np.isnan(array)):
        raise BadInput("losses", array.shape, "an array (3 or more grid points, seeds) without NaN; a blow-up is inf")
    index = int(np.argmin(np.median(array, axis=1)))
    return index, index in (0, len(array) - 1)


def matched(multipliers: Any, lengths: Any, target: float) -> float:
    """The multiplier of the normalised rule at which its path is as long as `target` > 0 (BadInput unless all lengths are).

    Its steps are m/G times a message. The length is proportional to m to the extent that the law of message/G is the same
    everywhere, so the nearest measured multiplier is scaled. The match must be measured on other seeds.
    """
    m, measured = np.asarray(multipliers, float), np.asarray(lengths, float)
    if not (np.isfinite(target) and target > 0 and np.all(np.isfinite(measured) & (measured > 0))):
        raise BadInput("length", target, "finite lengths > 0")
    nearest = int(np.argmin(np.abs(np.log(measured / target))))
    return float(m[nearest] * target / measured[nearest])
