"""Points solved together: the bits of each point alone, numbers close to the experiment's own, and nothing compiled twice."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

import sdescent as sd
from sdescent.derive.methods.specialise import specialise
from sdescent.derive.reading.experiments import METHOD, experiment
from sdescent.derive.vocabulary import plugin_loading
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.backend.double import jax
from sdescent.numerics.lowering.special import hyp2f1_step_at, hyp2f1_step_rows
from sdescent.numerics.simulate.blow_up import NotANumber
from sdescent.numerics.simulate.ensemble import Ensemble
from sdescent.numerics.simulate.equation import solve
from sdescent.numerics.simulate.method import run
from sdescent.numerics.studies import together
from sdescent.numerics.studies.shared_programs import family_of
from sdescent.numerics.studies.together import Member, solve_together
from tests.support.commands.own_pieces import forgotten
from tests.support.compilations import compilations

FIRST = "first-order"
BASE: dict[str, Any] = {
    "method": "dcsgd", "compressor": "bernoulli:p=1/2", "noise": "student-t:nu=5,sigma=1/2", "loss": "quadratic:h=1|2",
    "clients": 2, "x0": [1, -1], "dim": 2, "eta": "1/10", "T": 1, "paths": 40, "models": [FIRST], "save": 3,
}  # fmt: skip


#: a rule with memory whose beta follows from rho
TABLE = {"memory": {"m": 0}, "update": ["m = beta*m + (1-beta)*G", "x = x - eta*m"], "regime": {"beta": "1 - rho*eta"}}
#: at c = 0 the coefficients of its equation have only a limit at the start
LIMIT = {**TABLE, "update": ["m = beta*m + (1-beta)*G", "x = x - eta*m/(c + 1 - beta^k)"]}


def member(**fields: Any) -> Member:
    return together.member(experiment({**BASE, **fields}))


def ensemble(outcome: Any) -> Ensemble:
    assert isinstance(outcome, Ensemble), outcome
    return outcome


def same(a: Ensemble, b: Ensemble) -> bool:
    values = all(np.array_equal(a.values[name], b.values[name], equal_nan=True) for name in a.values)
    values = values and all(np.array_equal(a.final_memory[name], b.final_memory[name]) for name in a.final_memory)
    return values and np.array_equal(a.blow_up, b.blow_up) and np.array_equal(a.final, b.final, equal_nan=True)


def alone(kind: Any, point: Member) -> Ensemble:
    return ensemble(solve_together(kind, [point])[0])


def is_the_experiment(found: Ensemble, kind: Any, point: Member) -> bool:
    """Symbols in place of numbers round differently in the last digits; draws are the same."""
    problem = point.like.problems[0]
    more: dict[str, Any] = {"params": {"eta": 0.1}, "save": 3, "loss": problem.loss}
    if kind == METHOD:
        direct = run(problem.method, [1.0, -1.0], float(problem.T or 0), 40, 0, **more)
    else:
        equation, dt = sd.sde(problem.method, kind, problem.loss, 2), float(point.like.step(problem))
        direct = solve(equation, [1.0, -1.0], float(problem.T or 0), 40, 0, dt=dt, **more)
    pairs = [(found.final, direct.final), (found.values["loss"], direct.values["loss"])]
    pairs += [(found.final_memory[letter], value) for letter, value in direct.final_memory.items()]
    if "doubling_error" in direct.settings:
        assert np.isclose(found.settings["doubling_error"], direct.settings["doubling_error"], rtol=1e-6)
    return all(np.allclose(one, other, rtol=1e-9, atol=1e-12) for one, other in pairs)


GRID = [
    {"noise": f"student-t:nu={nu},sigma={sigma}", "compressor": f"bernoulli:p={p}", "clients": clients}
    for clients in (2, 3) for nu, sigma, p in (("3", "1/2", "1/4"), ("9/2", "2", "1"), ("3", "2", "1"))
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", [METHOD, FIRST])
def test_points_have_the_same_bits_together_and_alone(kind: Any) -> None:
    members = [member(**fields) for fields in GRID]
    together = [ensemble(solved) for solved in solve_together(kind, members)]
    other = [ensemble(solved) for solved in solve_together(kind, members[::-1][:4])]
    assert all(same(solved, alone(kind, m)) for solved, m in zip(together, members, strict=True))
    assert all(map(same, together[::-1], other))
    assert len({solved.final.tobytes() for solved in together}) == len(GRID)  # and they are all different
    assert is_the_experiment(together[0], kind, members[0])


@pytest.mark.slow
def test_another_index_scale_step_or_number_of_clients_compiles_nothing() -> None:
    for kind in (METHOD, FIRST):
        solve_together(kind, [member()])
    changes = [
        {"noise": "student-t:nu=7/2,sigma=1/3"},
        {"eta": "1/7"},
        {"clients": 9},
        {"compressor": "bernoulli:p=1/3"},
    ]
    with compilations() as noted:
        for change in changes:
            for kind in (METHOD, FIRST):
                alone(kind, member(**change))
    assert noted == []
    with compilations() as noted:  # the listener hears of a compilation
        solve_together(METHOD, [member(loss="quartic")])
    assert noted


BATCH = {"regime": "batch-equivalent"}
#: rules, with what differs between two points of one family
RULES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "large noise": (
        {**BATCH, "method": "rmsprop:c=1", "params": {"eps0": "1/10"}, "noise": "gaussian:sigma=1"},
        {**BATCH, "method": "rmsprop:c=2", "params": {"eps0": "1/5"}, "noise": "gaussian:sigma=3"},
    ),
    "a limit at the start": tuple({"method": LIMIT, "params": {"rho": 2, "c": c}} for c in (1, 0)),
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), [*zip(RULES, [METHOD, FIRST], strict=True)])
def test_rules_with_memory_are_solved_together(name: str, kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one call; each point has the bits of that point alone, and is the experiment with the same draws."""
    points = [member(compressor=None, **fields) for fields in RULES[name]]
    calls: list[int] = []
    own = together._call
    monkeypatch.setattr(together, "_call", lambda kind, part, alone: calls.append(len(part)) or own(kind, part, alone))
    whole = [ensemble(found) for found in solve_together(kind, points)]
    assert calls == [2]
    with compilations() as noted:
        other = [ensemble(found) for found in solve_together(kind, points[::-1])][::-1]
        single = [alone(kind, point) for point in points]
    assert noted == []
    assert all(map(same, whole, single)) and all(map(same, whole, other)) and not same(*whole)
    assert all(is_the_experiment(found, kind, point) for found, point in zip(whole, points, strict=True))


@pytest.mark.slow
def test_a_point_that_does_not_exist_leaves_the_others_as_they_are() -> None:
    members = [member(noise=f"student-t:nu={nu},sigma=1") for nu in ("3", "2", "5")]
    found = solve_together(FIRST, members)
    assert isinstance(found[1], Refusal) and found[1].kind == "infinite-variance"
    assert same(ensemble(found[0]), alone(FIRST, members[0]))
    assert all(isinstance(outcome, Ensemble) for outcome in solve_together(METHOD, members))  # the method itself exists


LARGE = "1" + 39 * "0"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # NumPy says so of the number in the method
def test_what_a_letter_cannot_be_is_solved_with_the_experiments_own_numbers() -> None:
    """And has what `run` says of them, which knows no letters."""
    points = [member(noise=f"gaussian:sigma={sigma}", dtype="float32") for sigma in ("1", LARGE)]
    kept, other = solve_together(METHOD, points)
    problem = points[1].like.problems[0]
    with pytest.raises(NotANumber) as caught:
        run(problem.method, [1.0, -1.0], 1.0, 40, 0, {"eta": 0.1}, problem.loss, 3, dtype="float32")
    assert isinstance(other, NotANumber) and str(other) == str(caught.value)
    assert same(ensemble(kept), alone(METHOD, points[0]))


@pytest.mark.slow
def test_a_blow_up_belongs_to_its_point() -> None:
    members = [member(loss="quartic", x0=[5, 5], eta=eta, noise="gaussian:sigma=1") for eta in ("1/100", "1/10")]
    members += [member(loss="quartic", x0=[5, 5], eta="1/10", noise=f"gaussian:sigma={s}") for s in ("1/2", "3")]
    found = [ensemble(outcome) for outcome in solve_together(METHOD, members)]
    lost = [int(np.isfinite(each.blow_up).sum()) for each in found]
    assert lost == [0, 40, 40, 40]
    assert all(same(each, alone(METHOD, m)) for each, m in zip(found, members, strict=True))


@pytest.mark.slow
def test_memory_bounds_the_points_of_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    members = [member(noise=f"gaussian:sigma={n}") for n in (1, 2, 3)]
    whole = [ensemble(found) for found in solve_together(METHOD, members)]
    monkeypatch.setattr("sdescent.numerics.studies.together.MOST_NUMBERS", 2 * members[0].width)
    parts = [ensemble(found) for found in solve_together(METHOD, members)]
    assert all(map(same, whole, parts))


def test_numbers_are_symbols_of_a_family() -> None:
    one, numbers = family_of(member().like)
    two, others = family_of(member(noise="student-t:nu=3,sigma=7", clients=5, compressor="bernoulli:p=1/8").like)
    assert one is two and numbers == {"N": 2.0, "noiseNu": 5.0, "noiseSigma": 0.5, "compressorP": 0.5}
    assert others == {"N": 5.0, "noiseNu": 3.0, "noiseSigma": 7.0, "compressorP": 0.125}
    # a noise of scale 0 is another law, and so another program
    assert family_of(member(noise="none").like)[0] is not one
    assert one.differing(METHOD, numbers) == {"noiseNu", "noiseSigma", "compressorP"}


@pytest.mark.parametrize(
    "fields",
    [
        {}, {"compressor": "rand-k:k=1"}, {"compressor": "fixed-grid:step=1/3"}, {"noise": "affine:sigma0=1/3,sigma1=2"},
        {"noise": "gaussian:sigma=1|2"}, {"noise": "none"}, {"noise": "laplace:sigma=0"},
        {"noise": "gaussian:sigma=s", "params": {"s": 0}},
        {"method": "adamw:rho1=1,rho2=2,eps=1/10,wd=1/2", "compressor": None}, {"method": "local-sgd:H=3", "compressor": None},
        {"method": "heavy-ball:beta=9/10", "regime": "fixed", "compressor": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_family_with_an_experiments_numbers_is_its_method(fields: dict[str, Any]) -> None:
    asked = member(**fields).like
    family, numbers = family_of(asked)
    exact = {name: Fraction(value).limit_denominator(1000) for name, value in numbers.items()}
    assert specialise(family.method, exact) == asked.problems[0].method
    law = asked.problems[0].method.noise.law
    assert family.method.noise.law.degenerate == law.degenerate


#: a noise that is another law where its value is 1, and a compressor that needs a number
PIECES = """
from sdescent.derive.methods.noise import Cauchy, Gaussian, Scaled
from sdescent.derive.methods.compressors import Bernoulli
from sdescent.derive.vocabulary.registry import positive, register

@register("noise", "special", "Cauchy where nu is 1", positive("nu"), positive("sigma"))
def special(nu, sigma):
    return Scaled(Cauchy() if nu == 1 else Gaussian(), sigma)

@register("compressor", "halves", "needs a number", positive("p"))
def halves(p):
    return Bernoulli(p / 2) if p <= 1 else Bernoulli(1)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "fields",
    [
        {"noise": "special:nu=1,sigma=1", "compressor": None, "method": "dsgd"},
        {"noise": "special:nu=2,sigma=1", "compressor": None, "method": "dsgd"},
        {"noise": "none", "compressor": "halves:p=1"},
    ],
    ids=str,
)
def test_pieces_that_make_something_else_of_a_number_keep_their_numbers(fields: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "pieces.py").write_text(PIECES)
    with forgotten():
        plugin_loading.load(tmp_path / "pieces.py")
        assert is_the_experiment(alone(METHOD, experiment := member(**fields)), METHOD, experiment)


def test_a_wrong_number_of_blocks_is_refused() -> None:
    problem = member().like.problems[0]
    for blocks in (0, 3, True, 2.0):
        with pytest.raises(BadInput, match="blocks"):
            run(problem.method, [1.0, -1.0], 1.0, 40, 0, {"eta": 0.1}, problem.loss, blocks=blocks)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
@pytest.mark.parametrize("nu", [0.3, 120.0])
def test_the_table_of_students_law_that_a_program_is_given(nu: float) -> None:
    """Against mpmath's 2F1, relative to 1e-12; 2F(x) - 1 of Student's law is 2 x p(0) 2F1(1/2, (nu+1)/2; 3/2; -x^2/nu)."""
    w = np.array([1e-9, 0.01, 0.5, 1.0, 3.0, 40.0, 1e4]) ** 2 / nu
    rows, b = hyp2f1_step_rows(0.5, (nu + 1) / 2), (nu + 1) / 2
    value = jax.jit(lambda rows, b: hyp2f1_step_at(rows, 0.5, b, w))(rows, b)
    exact = np.array([float(mpmath.hyp2f1(0.5, b, 1.5, -z)) for z in w])
    assert np.allclose(value, exact, rtol=1e-12, atol=0)
    assert not np.allclose(hyp2f1_step_at(rows * (1 + 1e-11), 0.5, b, w), exact, rtol=1e-12, atol=0)
