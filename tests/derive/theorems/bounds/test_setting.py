"""What a setting says of a step, against all outcomes of the real one: two clients, two-point noise, a quadratic loss."""

from collections.abc import Callable, Mapping
from fractions import Fraction as Q
from itertools import product
from typing import Any

import pytest

from sdescent.derive.proof.language.terms import Term, x
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.names import NOISE
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.instances import value
from sdescent.derive.vocabulary.errors import BadInput, Refusal

Vector = tuple[Q, ...]
#: the loss is h |x|^2/2; the state, the memory, the noise of a client is +Z or -Z
H, X, M, Z = Q(3, 2), (Q(1), Q(-2)), (Q(1, 3), Q(1, 2)), (Q(2, 5), Q(1, 5))
ETA, BETA, N = Q(1, 4), Q(2, 3), 2


def add(a: Vector, b: Vector, c: Q | int = 1) -> Vector:
    return tuple(p + c * q for p, q in zip(a, b, strict=True))


def times(c: Q, a: Vector) -> Vector:
    return tuple(c * p for p in a)


def dot(a: Vector, b: Vector) -> Q:
    return sum((p * q for p, q in zip(a, b, strict=True)), Q(0))


#: rule -> (the next x and memory for a message G, written down again here)
RULES: Mapping[str, Callable[[Vector, Vector, Vector], tuple[Vector, Vector]]] = {
    "dsgd": lambda at, m, G: (add(at, G, -ETA), m),
    "heavy-ball": lambda at, m, G: (add(at, w := add(times(BETA, m), G, -ETA)), w),
    "nesterov": lambda at, m, G: (add(add(at, times(BETA, w := add(times(BETA, m), G, -ETA))), G, -ETA), w),
    "ema-momentum": lambda at, m, G: (add(at, w := add(times(BETA, m), times(1 - BETA, G)), -ETA), w),
}


def expected(rule: str, of: Callable[[Vector, Vector], Q]) -> Q:
    """The mean of a function of the next state over the noise of both clients."""
    g, values = times(H, X), []
    for signs in product((1, -1), repeat=N):
        mean = times(Q(1, N), add(times(Q(signs[0]), Z), Z, signs[1]))
        values.append(of(*RULES[rule](X, M, add(g, mean))))
    return sum(values, Q(0)) / len(values)


def numbers(rule: str) -> dict[Term, Q | int]:
    g = times(H, X)
    vectors = {nm.GRADIENT: g, nm.DISTANCE: X} | ({} if rule == "dsgd" else {"m" if rule == "ema-momentum" else "v": M})
    table: dict[Term, Q | int] = {nm.eta: ETA, nm.N: N, nm.d: 2, x("L"): H, x("beta"): BETA}
    table |= dict.fromkeys((NOISE, nm.Q), dot(Z, Z))
    for v, one in vectors.items():
        for w, other in vectors.items():
            table[nm.dot(nm.vec(v), nm.vec(w))] = dot(one, other)
        table[nm.norm(nm.vec(v)) ** 2] = dot(one, one)
    return table


def evaluated(t: Term, rule: str) -> Q:
    return Q(value(t, numbers(rule)))


def stated(rule: str, V: str) -> Stated:
    table = {"method": rule, "assume": ["smooth: L", "variance: s"], "V": V, "claim": "change <= 0"}
    return Stated({**table, "regime": "fixed"} if rule != "dsgd" else table)


def change_of_the_loss(entry: Mapping[str, Any], rule: str) -> Q:
    """Of h |x|^2/2 the change is <g, E D> + h E|D|^2/2, which mean and square give."""
    slope = sum((evaluated(c, rule) * evaluated(nm.inner(nm.GRADIENT, v[1]), rule) for c, v in entry["mean"]), Q(0))
    return slope + H / 2 * evaluated(entry["square"], rule)


def enumerated(rule: str) -> Q:
    return expected(rule, lambda at, m: H * dot(at, at) / 2) - H * dot(X, X) / 2


@pytest.mark.parametrize("rule", RULES)
def test_the_step_of_the_loss(rule: str) -> None:
    entry = stated(rule, "f - fstar").setting.context.potentials["f"]
    assert change_of_the_loss(entry, rule) == enumerated(rule)


@pytest.mark.parametrize("rule", RULES)
def test_the_change_of_the_distance(rule: str) -> None:
    made = stated(rule, "||x - xstar||^2").setting
    change = made.definitions["change of ||x - xstar||^2"].right
    assert evaluated(change, rule) == expected(rule, lambda at, m: dot(at, at)) - dot(X, X)


@pytest.mark.parametrize(("rule", "letter"), [("heavy-ball", "v"), ("nesterov", "v"), ("ema-momentum", "m")])
def test_the_changes_with_memory(rule: str, letter: str) -> None:
    made = stated(rule, f"||{letter}||^2 + <x - xstar, {letter}>").setting
    alone, mixed = (
        made.definitions[f"change of {said}"].right for said in (f"||{letter}||^2", f"<x - xstar, {letter}>")
    )
    assert evaluated(alone, rule) == expected(rule, lambda at, m: dot(m, m)) - dot(M, M)
    assert evaluated(mixed, rule) == expected(rule, lambda at, m: dot(at, m)) - dot(X, M)
    begun = made.potentials[letter, letter]  # a memory starts at 0, and x - x* anywhere
    assert made.definitions[f"{begun.name} at the start"] == begun.start.eq(0)
    assert not [name for name in stated(rule, "||x - xstar||^2").setting.definitions if name.endswith("at the start")]


@pytest.mark.parametrize(
    ("rule", "letter", "text", "a", "b"),
    [
        ("heavy-ball", "v", "x - xstar + beta/(1 - beta)*{0}", Q(1), 2),
        ("ema-momentum", "m", "3*({0} - (x-xstar)/2)", Q(-3, 2), 3),
    ],
)
def test_the_change_of_a_sum_of_vectors(rule: str, letter: str, text: str, a: Q, b: Q | int) -> None:
    """||a (x - x*) + b m||^2 and its product with the memory; beta/(1 - beta) is 2 here."""
    said = text.format(letter)
    made = stated(rule, f"||{said}||^2 + <{letter}, {said}>").setting
    total = lambda at, m: add(times(a, at), m, b)  # noqa: E731
    now = total(X, M)
    alone, mixed = (made.definitions[f"change of {words}"].right for words in (f"||{said}||^2", f"<{letter}, {said}>"))
    assert evaluated(alone, rule) == expected(rule, lambda at, m: dot(total(at, m), total(at, m))) - dot(now, now)
    assert evaluated(mixed, rule) == expected(rule, lambda at, m: dot(m, total(at, m))) - dot(M, now)
    (square,) = (r.right for name, r in made.definitions.items() if name == f"<{said}, {said}> by its parts")
    assert evaluated(square, rule) == dot(now, now) != evaluated(alone, rule)


@pytest.mark.parametrize(("schedule", "step"), [("one", ETA), ("free", ETA / 3)])
def test_the_mean_of_a_step_of_sgd(schedule: str, step: Q) -> None:
    entry = Stated({**stated("dsgd", "f - fstar").table, "schedule": schedule}).setting.context.potentials["f"]
    assert [Q(value(c, {**numbers("dsgd"), nm.u: Q(1, 3)})) for c, _ in entry["mean"]] == [-step]


def test_the_noise_is_that_of_a_client_in_the_mean() -> None:
    table = {**stated("dsgd", "f - fstar").table, "assume": ["smooth: L"]}
    noise = Stated({**table, "noise": "gaussian:sigma=1|3"}).setting.definitions["mean square of the noise"]
    assert noise.left == NOISE and evaluated(noise.right, "dsgd") == 2 * Q(1 + 9, 2)


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ({"method": "adam"}, "not-linear"),
        ({"method": "heavy-ball", "model": "first-order"}, "no-generator"),
        ({"method": "dsgd", "model": "first-order", "V": "||g||^2"}, "no-generator"),
    ],
)
def test_what_has_no_linear_step_is_refused(table: dict[str, str], kind: str) -> None:
    with pytest.raises(Refusal) as raised:
        claim = "change <= 0" if "model" not in table else "LV <= 0"
        Stated({"V": "f - fstar", **table, "assume": ["smooth: L"], "claim": claim})
    assert raised.value.kind == kind


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"claim": "change >= G"}, "claim"), ({"claim": "f <= G"}, "claim"), ({"claim": "LV <= 0"}, "claim"), ({"V": "f^2"}, "V"),
        ({"V": "u"}, "V"), ({"assume": ["smooth: L, M, K"]}, "assume[1]"), ({"assume": ["smooth: L", "smooth: L"]}, "assume[2]"),
        ({"assume": "smooth: L"}, "assume"), ({"model": "second-order"}, "model"), ({"conclude": "sum"}, "conclude"),
        ({"V": "||x - xstar + g^2||^2"}, "V"), ({"V": "||x + xstar||^2"}, "V"), ({"V": "<g, ||g||*g>"}, "V"),
        ({"V": "||K*(x - xstar)||^2"}, "V"), ({"V": "||(x - xstar) - (x - xstar)||^2"}, "V"), ({"V": "Zsq*||x - xstar||^2"}, "V"),
        ({"V": "||sum(c)*(x - xstar)||^2"}, "V"), ({"V": "||x - xstar + 2||^2"}, "V"), ({"claim": "change <= 1/(c - c)"}, "claim"),
        ({"claim": "change <= -||y||^2"}, "claim"), ({"claim": "change <= -g^2"}, "claim"), ({"claim": "change <= -clip"}, "claim"),
        ({"assume": ["smooth: L", "variance: V"]}, "assume[2]"), ({"claim": "change <= int(G)"}, "claim"), ({"title": ""}, "title"),
        ({"assume": ["smooth: S"]}, "assume[1]"), ({"claim": "EVT <= V0"}, "claim"), ({"hints": "G"}, "hints"), ({"dim": 0}, "dim"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(changed: dict[str, object], field: str) -> None:
    table = {"method": "dsgd", "assume": ["smooth: L"], "V": "f - fstar", "claim": "change <= 0"}
    with pytest.raises(BadInput) as raised:
        Stated({**table, **changed})
    assert raised.value.field == field


def test_the_state_and_the_minimiser_may_stand_apart() -> None:
    made = stated("heavy-ball", "||2*x + v - 2*xstar||^2").setting
    (one,) = made.sums.values()
    assert {v: Q(value(c, {})) for v, c in one.parts.items()} == {nm.DISTANCE: 2, "v": 1}


def test_noise_with_a_symbol_has_the_moments_that_are_used() -> None:
    file = {"method": "dsgd", "noise": "student-t:nu=nu", "assume": ["smooth: L", "eta*L <= 1"], "V": "f - fstar"}
    sized = {**file, "claim": "change <= -eta*G^2/2 + eta^2*L*d*sigma^2*nu/(2*(nu - 2)*N)"}
    found = Stated(sized).setting
    assert found.assumptions["nu > 2"] == x("nu").gt(2)
    assert decide(Stated(sized), 5.0, repair=False).status == "PROVED"
    # at nu = 1 the formula of the variance is negative, and there is none: the second file is about no noise at all
    positive = decide(Stated({**file, "claim": "change <= -eta*G^2/2 + eta^2*L*Zsq/(2*N) + Zsq"}), 5.0, repair=False)
    empty = {**file, "assume": [*file["assume"], "nu <= 1"], "claim": "change <= -eta*G^2/2"}
    assert positive.status == "PROVED" and decide(Stated(empty), 5.0, repair=False).status == "UNDECIDED"


AVERAGED = {
    "method": "ema-momentum", "assume": ["smooth: L", "variance: s"], "V": "||m||^2",
    "claim": "change <= (beta^2 - 1)*||m||^2 + 2*beta*rho*eta*<g, m> + rho^2*eta^2*(G^2 + s/N)",
}  # fmt: skip


def test_a_constant_that_goes_with_eta_is_what_the_regime_says() -> None:
    found = Stated({**AVERAGED, "regime": "ballistic"})
    of_the_regime = [r for name, r in found.setting.definitions.items() if "regime" in name]
    assert x("beta").eq(1 - x("rho") * x("eta")) in of_the_regime
    assert decide(found, 8.0, repair=False).status == "PROVED"  # beta is no letter of its own, which would refute it
    # without a regime beta is a letter of its own, and rho another
    assert decide(Stated(AVERAGED), 5.0, repair=False).status == "REFUTED"


@pytest.mark.parametrize(
    ("step", "length"),
    [
        ("- eta*(1-c)*G", Q(9)), ("- eta*G", Q(3)), ("+ eta*G", Q(3)), ("+ 2*eta*G/norm(G)", Q(1)),
        ("- (f - fstar - c)*G", Q(18)),
    ],
)  # fmt: skip
def test_the_length_of_a_step_has_no_sign(step: str, length: Q) -> None:
    table = {"noise": "none", "clients": 1, "assume": ["smooth: L0, L1"], "V": "f - fstar", "claim": "change <= c"}
    setting = Stated({**table, "method": {"update": [f"x = x {step}"]}}).setting
    numbers = {x("eta"): Q(1, 2), x("c"): Q(4), x("f"): Q(3), x("fstar"): Q(2), nm.G: Q(6)}
    assert Q(value(setting.context.potentials["f"]["radius"], numbers)) == length


def test_a_step_that_climbs_is_as_long_as_one_that_descends() -> None:
    claim = "change <= eta*(c-1)*G^2 + eta^2*(c-1)^2*(L0 + L1*G)*G^2/2"  # false: psi(s) <= 1/2 for s <= 0 alone
    table = {"noise": "none", "clients": 1, "assume": ["smooth: L0, L1", "c >= 2"], "V": "f - fstar", "claim": claim}
    answer = decide(Stated({**table, "method": {"update": ["x = x - eta*(1-c)*G"]}}), 10.0, repair=False)
    assert answer.status == "REFUTED"
