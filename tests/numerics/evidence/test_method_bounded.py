"""The theorems on methods of bounded steps against the methods: true, tight, and false with the constants of the SDE."""

from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.methods.compressors import Clip, NormClip, RandK, Sign
from sdescent.derive.methods.distributed import DSGD, DSignSGD
from sdescent.derive.methods.losses import Cosh
from sdescent.derive.methods.noise import Cauchy, Scaled
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD, NormClipped
from sdescent.derive.proof.language.terms import Relation, fn, mat, norm, num, tr, vec, x
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.discrete.normalised import ALONG
from sdescent.derive.theorems.entry.from_method import put, step_radius
from sdescent.derive.theorems.entry.instances import LAWS
from sdescent.derive.theorems.entry.theorem import Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.checks import method_bounded
from sdescent.numerics.evidence.checks.formulas import Numbers, conclusion, paths
from sdescent.numerics.evidence.verify import CHECKS
from sdescent.numerics.simulate.method import run
from tests.numerics.evidence.compared import compared, stricter
from tests.support.samples import slow_but

ALL = entries()
KINDS = ("sign step of the method", "sign steps of the method", "messages of the method", "bounded noise of the method")
OWN = {id: e for id, e in ALL.items() if isinstance(e, Theorem) and e.evidence and e.evidence[0].kind in KINDS}
#: of each kind and method one
ONE_STEP = [id for id in OWN if id in {
    "6.4-global-pathwise-method", "6.4-corrected-method", "6.3-direction-pathwise-method", "6.3-clipped-pathwise-method",
    "6.3-clipped-noise-method", "6.3-bounded-pathwise-method",
}]  # fmt: skip
SUMMED = ("6.3-direction-scheduled-method", "6.3-bounded-scheduled-method", "6.4-clients-scheduled-method")


def cases(theorem):
    """The points of its evidence; of another theorem of the same names too."""
    own = CHECKS[theorem.evidence[0].kind][0]
    return own.cases(theorem, **theorem.evidence[0].options)


@pytest.mark.parametrize("id", slow_but([*ONE_STEP, *SUMMED], [*ONE_STEP, *SUMMED[:2]]))
def test_they_hold_and_are_tight(id):
    """Where steps are summed, what is lost is f(x_K) - f*, so that the start must be far from it."""
    (one,) = compared(id)
    assert one.verdict is Verdict.CONFIRMED and not one.failing and one.count >= 150
    assert one.tightness is not None and one.tightness < (1.05 if id in ONE_STEP else 1.5)
    assert compared(id, claim=stricter(conclusion(id), "1/2"))[0].verdict is Verdict.VIOLATED


#: too rare among random steps: one step of the glued exponential uphill, and one of cosh from its minimum, both with L0 = L1 = 1
RARE = {
    "6.3-clipped-pathwise-method": {
        x("eta"): 5, x("eps"): 5, x("c"): 5, x("tau"): 1, norm(vec("g")): 1, norm(vec("sv")): 1, ALONG: -1,
        x("Af"): np.exp(4) - 4 - 1 - 0.5,
    },
    "6.3-bounded-pathwise-method": {
        x("eta"): 7, x("eps"): 3.5, x("c"): 7, x("r"): 1, x("N"): 1, norm(vec("g")): 0, tr(mat("S")): 1,
        x("q"): 0, x("v"): 1, x("Af"): np.cosh(3.5) - 1,
    },
}  # fmt: skip


@pytest.mark.parametrize("id", ONE_STEP)
def test_psi_is_not_the_half_of_the_sde(id):
    """With 1/2 for psi(c), in the condition and in the bound, some step of the method is above it."""
    theorem, claim, half = OWN[id], conclusion(id), {fn("psi", x("c")): num("1/2")}
    other = {name: Relation((r.op, put(r.left, half), put(r.right, half))) for name, r in theorem.assumptions.items()}
    smaller, above = Relation((claim.op, claim.left, put(claim.right, half))), 0
    rare = {x("u"): 1, x("L0"): 1, x("L1"): 1} | RARE.get(id, {})
    one = [("", Numbers({t: paths(v) for t, v in rare.items()}))]
    for _, numbers in one if id in RARE else cases(replace(theorem, assumptions=other)):
        numbers = numbers.defined(theorem.definitions)
        held = np.all([numbers.holds(r) for r in (*other.values(), *theorem.definitions.values())], axis=0)
        above += np.sum(held & ~numbers.holds(smaller))
    assert above


# --- the steps that are compared are the methods' ---------------------------------------------------------------------


@pytest.mark.slow
def test_the_mean_of_phi_over_the_steps_is_the_methods():
    """E Phi at each of 4 steps by all places, against 40,000 paths: 4.5 standard errors, 4 comparisons."""
    scales, start, eta = np.array([[0.4], [1.5]]), np.array([[0.7], [-0.3]]), 0.3
    moves = np.full((4, 1), eta)
    number = next(n for n, law in enumerate(LAWS) if isinstance(law, Cauchy))
    (_, slope), R = method_bounded.curve_of(Cosh()), lambda a: 2 / np.pi * np.arctan(a)
    exact, tree = (method_bounded.reached(start, moves, scales, slope, R, lattice)[:, 0] for lattice in (True, False))
    assert exact == pytest.approx(tree, rel=1e-12)
    method = DSignSGD(Scaled(LAWS[number], ("sigma1", "sigma2")))
    params, places = {"eta": eta, "sigma1": 0.4, "sigma2": 1.5}, {"x1": lambda x: x[0], "x2": lambda x: x[1]}
    made = run(method, [0.7, -0.3], 3 * eta, 40_000, 3, params, Cosh(), save=4, statistics=places)
    y = np.sinh(np.stack([made.values["x1"], made.values["x2"]]))
    phi = np.sum(y * np.mean(R(y[None] / scales[:, :, None, None]), axis=0), axis=0)
    assert np.all(np.abs(phi.mean(axis=1) - exact) < 4.5 * phi.std(axis=1) / 200 + 1e-9)


@pytest.mark.parametrize("method", slow_but(["normalised", "norm-clipped"], ["norm-clipped"]))
def test_a_message_is_subtracted_as_the_server_does_it(method):
    """One step from a point, without noise, against the method's own run."""
    own = NormalisedSGD(clients=1) if method == "normalised" else NormClipped(c=2, clients=1)
    start, eta = np.array([1.5, -2.0]), 0.1
    made = run(own, start, eta, 1, 0, {"eta": eta}, Cosh(), save=2)
    moved = start - eta * method_bounded.message(method, np.sinh(start)[:, None], np.array([2.0]))[:, 0]
    assert made.final[:, 0] == pytest.approx(moved, rel=1e-12)


@pytest.mark.parametrize("compressor", [Sign(), Clip(2), NormClip(2)])
def test_messages_are_as_long_as_they_may_be(compressor):
    """||C(v)|| <= longest at random v of all sizes, and longest is attained."""
    sent = {
        Sign: np.sign,
        Clip: lambda v: np.clip(v, -2, 2),
        NormClip: lambda v: method_bounded.message("", v, np.array(2.0)),
    }
    for dim in (1, 3):
        longest, rng = float(compressor.longest(sp.Integer(dim))), np.random.default_rng(dim)
        vectors = [rng.normal(size=dim) * np.exp(rng.uniform(-3, 3)) for _ in range(200)]
        assert max(np.linalg.norm(sent[type(compressor)](v)) for v in vectors) == pytest.approx(longest, rel=1e-12)


def test_an_identity_has_no_longest_message():
    assert RandK(1).longest(sp.Integer(3)) is None
    with pytest.raises(ValueError, match="no known bound on their length"):
        step_radius(sde(DSGD()), num(1))
