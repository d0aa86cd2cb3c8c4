"""Majorities of signs: the bound on a wrong majority against exact binomial laws; what theorems list, against the method itself.

The noise of an exact law is a mixture of uniform laws on [-w, w] and of 0, since every symmetric unimodal law is a limit of such
mixtures (Khinchine). A tie counts as a wrong majority in the lemma, and as a step of 0 in the method.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.bounds.suggest import decide
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from tests.support.samples import slow_but

VOTE: dict[str, Any] = {
    "assume": ["smooth: L", "majority: s"], "V": "f - fstar",
    "claim": "change <= -eta*G1 + 2*eta*s/sqrt(N) + eta^2*L*d/2", "method": {"update": ["x = x - eta*majority(local_raw)"]},
}  # fmt: skip
#: pairs (weight, width) of the uniform laws of a mixture; the width 0 stands for no noise
MIXTURES = (
    [(1, 1)], [("1/2", 1), ("1/2", 5)], [("9/10", 0), ("1/10", 1)], [("1/10", "1/100"), ("9/10", 1)],
    [("1/3", 1), ("1/3", 2), ("1/3", 30)], [("99/100", "1/10"), ("1/100", 100)],
)  # fmt: skip


@pytest.mark.parametrize("mixture", MIXTURES)
@pytest.mark.parametrize("clients", [1, 2, 3, 4, 5, 10, 101])
def test_a_wrong_majority_is_rare(mixture: list[Any], clients: int) -> None:
    law = [(Fraction(weight), Fraction(width)) for weight, width in mixture]
    variance = sum(weight * width**2 / 3 for weight, width in law)
    setting = Stated({**VOTE, "clients": clients}).setting
    bound = next(r for name, r in setting.assumptions.items() if name.endswith("against g"))
    for slope in (Fraction(n, 7) for n in (1, 2, 3, 5, 7, 9, 12, 20, 70, 500)):
        # the probability that slope + Z is positive
        right = sum(weight * (1 + (min(slope / width, 1) if width else 1)) / 2 for weight, width in law)
        wrong = sum(
            math.comb(clients, n) * right**n * (1 - right) ** (clients - n)
            for n in range(clients + 1)
            if 2 * n <= clients
        )
        assert slope**2 * wrong**2 * clients <= variance
        # the mean of the majority is larger if a tie counts as 0
        values = {"s": math.sqrt(variance), "G1": float(slope), "<>": float(slope * (1 - 2 * wrong))}
        assert number(bound.left, values) <= number(bound.right, values) + 1e-12


def number(t: Any, values: Mapping[str, float]) -> float:
    """The value of a term of the bound; its only product has the name <>."""
    if t[0] in ("+", "*"):
        return (sum if t[0] == "+" else math.prod)(number(a, values) for a in t[1:])
    if t[0] == "/":
        return number(t[1], values) / number(t[2], values)
    if t[0] == "f":
        return math.sqrt(number(t[2], values))
    return float(t[1]) if t[0] == "q" else values["<>" if t[0] == "dot" else t[1]]


class World:
    """Three-point noise of N clients in the plane, a quadratic loss, and every outcome with its probability."""

    def __init__(self, table: Mapping[str, Any], clients: int, interpolate: bool) -> None:
        rng = np.random.default_rng(clients)
        self.setting = replace(Stated({**table, "clients": clients}), interpolate=interpolate).setting
        root = rng.normal(size=(2, 2))
        self.A, self.star, self.x, self.m = root @ root.T + np.eye(2), *rng.normal(size=(3, 2))
        self.g, wide = self.A @ (self.x - self.star), np.array([3.0, 0.7])
        # -w, 0 and w with the probabilities 1/4, 1/2 and 1/4
        draws = np.array([*itertools.product((-1, 0, 1), repeat=2 * clients)]).reshape(-1, clients, 2)
        self.weights = (0.25 * 2.0 ** (draws == 0)).prod((1, 2))
        assert self.weights.sum() == pytest.approx(1)
        self.noise = draws * wide
        votes, mean = np.sign(np.sign(self.g + self.noise).sum(1)), self.noise.mean(1)
        eta, a = 0.1, 0.25
        after = {"x": self.x - eta * votes}
        if "memory" in table["method"]:
            after["m"] = (1 - a) * self.m + a * votes
            after["x"] = self.x - eta * after["m"]
        elif "mean" in str(table["method"]):
            after["x"] = self.x - eta * votes - eta * (self.g + mean)
        self.after, self.mean, self.votes = after, mean, votes
        square = float((0.5 * wide**2).sum())
        deviations = (np.sqrt(0.5) * wide).sum()
        self.numbers = {
            "eta": eta, "a": a, "L": float(np.linalg.eigvalsh(self.A)[-1]), "s": float(deviations), "v": square,
            "Zsq": square, "d": 2.0, "N": float(clients), "fstar": 0.0, "G1": float(np.abs(self.g).sum()), "K": 1.0,
        }  # fmt: skip

    def value(self, at: Any) -> float:
        e = np.broadcast_to(at - self.star, (len(self.weights), 2))
        return float(self.weights @ np.einsum("oi,ij,oj->o", e, self.A, e)) / 2

    def vector(self, v: str) -> Any:
        words = {"g": self.g, "e_q": self.x - self.star, "m": self.m}
        if v in words:
            return words[v]
        if v in self.setting.sums:
            return sum(self.number(c) * self.vector(w) for w, c in self.setting.sums[v].parts.items())
        if v[0] == "v":
            return self.votes
        if v[0] == "z":
            return self.mean
        return self.A @ (self.place(next(p for p in self.setting.points if p.gradient == v)) - self.star)[..., None]

    def place(self, p: Any) -> Any:
        return self.star + sum(self.number(c) * self.vector(w) for w, c in p.parts.items())

    def product(self, v: str, w: str) -> float:
        one, other = (np.broadcast_to(np.squeeze(self.vector(a)), (len(self.weights), 2)) for a in (v, w))
        return float(self.weights @ (one * other).sum(1))

    def number(self, t: Any) -> float:
        """The value of a term."""
        head = t[0]
        if head in ("+", "*"):
            return (sum if head == "+" else math.prod)(map(self.number, t[1:]))
        if head in ("/", "^"):
            return self.number(t[1]) / self.number(t[2]) if head == "/" else self.number(t[1]) ** t[2]
        if head in ("norm", "dot"):
            return math.sqrt(self.product(t[1][1], t[1][1])) if head == "norm" else self.product(t[1][1], t[2][1])
        if head == "f":
            assert t[1] == "sqrt"
            return math.sqrt(self.number(t[2]))
        if head in ("q", "tr"):
            return float(Fraction(t[1])) if head == "q" else self.numbers["Zsq"]
        return self.numbers[t[1]] if t[1] in self.numbers else self.symbol(t[1])

    def symbol(self, name: str) -> float:
        for p in self.setting.points:
            if p.value[1] == name:
                return self.value(self.place(p))
        for key, p in self.setting.potentials.items():
            if key == "f":
                before, after = self.value(self.x), self.value(self.after["x"])
            else:
                slope = (self.after["x"] - self.star) @ self.A
                before = float(((self.m - self.g) ** 2).sum())
                after = float(self.weights @ ((self.after["m"] - slope) ** 2).sum(1))
            if name in (p.value[1], p.start[1], p.end[1], p.change[1]):
                return after - before if name == p.change[1] else before
        raise KeyError(name)


MOMENTUM = {**VOTE, "V": "f - fstar + ||m - g||^2",
            "method": {"memory": {"m": 0}, "update": ["m = (1-a)*m + a*majority(local_raw)", "x = x - eta*m"]}}  # fmt: skip
#: the votes and the mean of the same noisy gradients
BOTH = {**VOTE, "assume": [*VOTE["assume"], "variance: v"],
        "method": {"update": ["q = local_raw", "x = x - eta*majority(q) - eta*mean(q)"]}}  # fmt: skip


@pytest.mark.parametrize("clients", [1, 2, 3, 4])
@pytest.mark.parametrize(("table", "interpolate"), [(VOTE, False), (VOTE, True), (MOMENTUM, True), (BOTH, True)])
def test_what_a_theorem_lists_holds_for_the_method_itself(
    table: dict[str, Any], clients: int, interpolate: bool
) -> None:
    world = World(table, clients, interpolate)
    checked = []
    for name, r in {**world.setting.definitions, **world.setting.assumptions}.items():
        if "at the start" in name:
            continue
        left, right = world.number(r.left), world.number(r.right)
        slack = 1e-9 * (1 + abs(left) + abs(right))
        assert abs(left - right) <= slack if r.op == "==" else left <= right + slack, (name, left, right)
        checked.append(name)
    assert {n for n in checked if n.startswith(("majority", "1-norm"))} >= {"1-norm, at least G", "1-norm, at most"}
    assert sum(n.startswith("majority") for n in checked) == 2
    entry = world.setting.context.potentials["f"]
    assert (
        world.value(world.after["x"]) - world.value(world.x)
        <= sum(world.number(c) * world.product(v[1], "g") for c, v in entry["mean"])
        + world.numbers["L"] / 2 * world.number(entry["square"])
        + 1e-9
    )


TWO = {"update": ["x = x - eta*majority(local_raw) - eta*majority(local_raw)"]}


CLAIMS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"clients": 4}, True),
    ({"clients": 1, "claim": "change <= -eta*G1 + 2*eta*s + eta^2*L*d/2"}, True),
    ({"assume": ["smooth: L0, L1", "majority: s"],
      "claim": "change <= -eta*G1 + 2*eta*s/sqrt(N) + eta^2*d*(L0+L1*G)*psi(L1*eta*sqrt(d))"}, True),
    ({"claim": "change <= -eta*G1 + 2*eta*s/N + eta^2*L*d/2"}, False),
    ({"claim": "change <= -eta*G1 + 3*eta*s/(2*sqrt(N)) + eta^2*L*d/2"}, False),
    ({"claim": "change <= -eta*G1 + 2*eta*s/sqrt(N) + eta^2*L/2"}, False),
    ({"claim": "change <= -eta*sqrt(d)*G + 2*eta*s/sqrt(N) + eta^2*L*d/2"}, False),
    # two votes may agree, and the step then has twice their length
    ({"method": TWO, "claim": "change <= -2*eta*G1 + 4*eta*s/sqrt(N) + eta^2*L*d"}, False),
    # the mean of the noise has a product with the vote
    ({**BOTH, "claim": "change <= -eta*G1 - eta*G^2 + 2*eta*s/sqrt(N) + eta^2*L*(d + G^2 + v/N + 2*G1)/2"}, False),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "proved"), slow_but(CLAIMS, [*CLAIMS[:5], CLAIMS[-1]], rows=True))
def test_theorems_about_a_majority_are_proved_and_stronger_ones_are_not(changed: dict[str, Any], proved: bool) -> None:
    answer = decide(Stated({**VOTE, **changed}), 5.0, repair=False)
    assert answer.status == ("PROVED" if proved else "UNDECIDED")  # no run refutes a claim about a majority
    if proved:
        assert answer.certificate is not None
        replay_object(answer.certificate)


@pytest.mark.parametrize(
    "update",
    [
        ["x = x - eta*majority(raw)"],
        ["x = x - eta*majority(x)"],
        ["x = x - eta*majority(2*local_raw)"],
        ["x = x - eta*majority(0 - local_raw)"],
        ["x = x - eta*majority(mean(local_raw))"],
        ["x = x - eta*majority(local_raw + local_raw)"],
        ["q = local_raw", "x = x - eta*majority(q - mean(q))"],
        ["x = x - eta*majority(local_raw + h)", "h = h + local_raw"],
        ["x = x - eta*majority(h)", "h = local_raw"],
        ["x = x - eta*majority(local_raw(x + mean(h)))", "h = local_raw"],
        ["x = x - eta*majority(local_raw(x + h))", "h = local_raw"],
        ["x = x - eta*majority(gossip(local_raw))"],
        ["x = x - eta*majority(majority(local_raw))"],
    ],
)
def test_a_majority_is_of_noisy_gradients_at_the_state_alone(update: list[str]) -> None:
    with pytest.raises(Refusal, match=r"write majority\(local_raw\)"):
        Stated({**VOTE, "method": {"client_memory": {"h": 0}, "update": update}})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"assume": [*VOTE["assume"], "different clients"]}, "of one loss"),
        ({"assume": [*VOTE["assume"], "dissimilarity: z"]}, "of one loss"),
        ({"assume": ["smooth: L"], "noise": "any"}, "nothing about majority"),
        ({"method": "dsgd"}, "with majority.local_raw. in the rule"),
        ({"noise": "none"}, "symmetric unimodal noise"),
        ({"noise": "gaussian:sigma=1"}, "symmetric unimodal noise"),
        ({"compressor": "sign"}, "not compressed"),
        ({"assume": ["smooth: L", "majority: s, q"]}, "2 arguments"),
        ({"method": {"update": ["x = x - eta*majority(1)"]}}, "the majority of a number"),
        ({"method": {"update": ["x = x - eta*G1*majority(local_raw)"]}}, "1-norm of the gradient"),
    ],
)  # fmt: skip
def test_what_no_theorem_says_of_a_majority_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises((BadInput, Refusal), match=words):
        Stated({**VOTE, **changed})


def test_a_theorem_with_high_probability_is_not_about_a_majority() -> None:
    table = {**VOTE, "assume": [*VOTE["assume"], "bounded noise: q"], "exponent": "1/eta", "conclude": "high probability",
             "step": VOTE["claim"], "claim": "sum(G1) <= V0"}  # fmt: skip
    with pytest.raises((BadInput, Refusal), match=r"a method x = x - eta\*G"):
        Stated(table)


@pytest.mark.parametrize("vector", ["G", "y"])
def test_a_step_backwards_has_a_length_too(vector: str) -> None:
    """For c > 1/2 the step ascends, and psi of a negative number is too small."""
    table = {"noise": "none", "assume": ["smooth: L0, L1"], "V": "f - fstar",
             "method": {"update": ["y = G", f"x = x - (1-2*c)*eta*{vector}/norm({vector})"]}}  # fmt: skip
    bound = "change <= -(1-2*c)*eta*G + (1-2*c)^2*eta^2*(L0+L1*G)*psi(L1*{}*eta)"
    for length, proved in (("(1-2*c)", False), ("abs(1-2*c)", True)):
        stated = Stated({**table, "claim": bound.format(length)})
        assert (decide(stated, 5.0, repair=False).status == "PROVED") is proved
