"""Methods with a memory of each client, different clients and gossip: what a theorem lists, against the methods themselves.

Each method is carried out by code of this file for three clients in the plane, with all outcomes of its draws. Every vector of the
theorem then has a value, and means over draws and clients are exact: each definition and each assumption holds up to rounding.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sdescent.derive.proof.replay.check import replay_object
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.stated import Stated, method_of
from sdescent.derive.theorems.bounds.suggest import decide
from sdescent.derive.theorems.performance.statement import Performance
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.numerics.evidence.stated.instance import NoInstance
from sdescent.numerics.evidence.stated.search import instances
from tests.support.samples import slow_but

N, D = 3, 2
#: gossip on a triangle; the eigenvalues other than 1 are 1/4
MIX = np.full((N, N), 0.25) + 0.25 * np.eye(N)
Array = Any

EF21 = {
    "noise": "none", "compressor": "any",
    "assume": ["smooth: L", "smooth clients: M", "contraction: 1 - th^2", "th > 0", "th < 1", "eta*L + (eta*th*M)^2/(1-th)^2 <= 1"],
    "V": "f - fstar + eta/(2*(1-th))*||h - gi||^2", "claim": "change <= -eta*G^2/2", "conclude": "telescope",
    "method": {"client_memory": {"h": 0}, "update": ["x = x - eta*mean(h)", "h = h + C(local_raw(x) - h)"]},
}  # fmt: skip
DIANA = {
    "noise": "none", "compressor": "any",
    "assume": ["convex clients: L", "smooth: L", "unbiased: w", "a > 0"],
    "V": "||x - xstar||^2 + ||h - gi(xstar)||^2", "claim": "change <= 0",
    "method": {"client_memory": {"h": 0}, "update": ["q = C(local_raw - h)", "x = x - eta*mean(h + q)", "h = h + a*q"]},
}  # fmt: skip
FEEDBACK = {
    "noise": "any", "compressor": "any", "assume": ["smooth: L", "dissimilarity: D0z", "variance: s", "contraction: de"],
    "V": "f(x - mean(m)) - fstar + ||m||^2", "claim": "change <= 0",
    "method": {"client_memory": {"m": 0}, "update": ["p = eta*local_raw + m", "q = C(p)", "x = x - mean(q)", "m = p - q"]},
}  # fmt: skip
LOCAL = {
    "noise": "any", "assume": ["smooth: L", "variance: s", "eta*L <= 1/8"],
    "V": "f - fstar", "claim": "change <= -eta*G^2/2 + 4*eta^2*L*s", "conclude": "telescope",
    "method": {"update": ["y = x - eta*local", "x = mean(y - eta*local(y))"]},
}  # fmt: skip
GOSSIP = {
    "noise": "any", "assume": ["smooth: L", "smooth clients: M", "variance: s", "gossip: lam"],
    "V": "f - fstar + ||h||^2", "claim": "change <= 0",
    "method": {
        "client_memory": {"h": 0},
        "update": ["y = x + h", "z = y - eta*local(y)", "w = gossip(z)", "x = mean(w)", "h = w - mean(w)"],
    },
}  # fmt: skip


#: one draw of the noise at two points
STORM = {
    "noise": "any", "assume": ["smooth: L", "mean smooth: M", "variance: s"],
    "V": "f - fstar + ||w - g||^2", "claim": "change <= 0",
    "method": {"memory": {"w": 0}, "update": ["p = x", "x = x - eta*w", "w = G(x) + (1-a)*(w - G(p))"]},
}  # fmt: skip


#: a momentum divided by its length (Cutkosky and Mehta 2020)
NORMALISED = {
    "noise": "any", "assume": ["smooth: L", "variance: N*sg^2", "sg > 0", "a > 0", "a <= 1/2", "q > 0"],
    "V": "f - fstar + eta/(a*q)*||m - g||^2", "conclude": "telescope",
    "claim": "change <= -eta*G + eta*q + 2*eta*a*sg^2/q + 2*L^2*eta^3/(a^2*q) + L*eta^2/2",
    "method": {"memory": {"m": 0}, "update": ["m = (1-a)*m + a*G", "x = x - eta*m/norm(m)"]},
}  # fmt: skip
#: names of lengths, which are multiples of a vector that is orthogonal to all others
LENGTHS = ("one_q", "r0_q")


class World:
    """Three quadratic losses, a state, and the outcomes of all draws: each array has the shape (outcomes, N, D)."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        rng = np.random.default_rng(7)
        self.table = table
        self.setting = replace(Stated(table), interpolate=True).setting
        differing = self.setting.hypotheses.differing
        roots = rng.normal(size=(N, D, D))
        curvature = roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(D)
        linear = rng.normal(size=(N, D))
        self.A, self.b = (curvature, linear) if differing else (np.repeat(a[:1], N, 0) for a in (curvature, linear))
        self.star = np.linalg.solve(self.A.mean(0), self.b.mean(0))
        self.x = rng.normal(size=D)
        memory = rng.normal(size=(N, D))
        self.memory = memory - memory.mean(0) if "gossip" in str(table["method"]) else memory
        if "memory" in table["method"]:
            self.memory = np.repeat(memory[:1], N, 0)
        self.slope = rng.normal(size=(D, D))  # how the noise of one draw varies in space
        # each client draws a sign for the noise, in two places, or a coin for the compressor in place of the second
        coins = np.array([*itertools.product([1.0, -1.0], repeat=N)])
        noisy = table["noise"] != "none"
        outcomes = [*itertools.product(coins, repeat=2)]
        first, second = (np.array([o[n] for o in outcomes]) for n in (0, 1))
        self.direction = direction = rng.normal(size=(2, N, D))
        self.noise = [s[:, :, None] * d for s, d in zip((first, second), direction, strict=True)]
        self.coin = second[:, :, None] if not noisy or "C(" in str(table["method"]) else None
        self.unbiased = "unbiased" in self.setting.hypotheses.classes
        largest = max(np.linalg.eigvalsh(a)[-1] for a in self.A)
        squares = np.mean([a @ a for a in self.A], 0) + (self.slope.T @ self.slope if table is STORM else 0.0)
        square = math.sqrt(np.linalg.eigvalsh(squares)[-1])
        self.numbers = {
            "eta": 0.1, "L": largest, "M": square, "w": 1.0, "a": 0.25, "th": 0.5, "de": 0.75, "N": float(N), "d": float(D),
            "lam": 0.25, "D0z": 10.0, "q": 0.5, "sg": 50.0,
            "s": 50.0 if table is STORM else max(float((d**2).sum(1).mean()) for d in direction),
            "fstar": self.value(np.broadcast_to(self.star, (1, N, D))),
        }  # fmt: skip
        self.carried = self.step()

    def gradient(self, at: Array) -> Array:
        return np.einsum("nij,onj->oni", self.A, np.broadcast_to(at, (*at.shape[:1], N, D))) - self.b

    def value(self, at: Array) -> float:
        """The mean of f over outcomes, and over the clients' points if they differ; f is the mean of the clients' losses."""
        at = np.broadcast_to(at, (at.shape[0], N, D))
        A, b = self.A.mean(0), self.b.mean(0)
        return float((0.5 * np.einsum("onj,jk,onk->on", at, A, at) - at @ b).mean())

    def compressed(self, y: Array) -> Array:
        """Twice y or 0 with probability 1/2 each, or y/2 or 3 y/2, which is a contraction with 1/4."""
        return y * (1 + self.coin) if self.unbiased else y * (1 + 0.5 * self.coin)

    def step(self) -> dict[str, Array]:
        """The step of the method: what the compressor adds, mixed deviations, points of gradients, and the next state."""
        x, h, eta, a = self.x[None, None, :], self.memory[None], 0.1, 0.25
        method = self.table["method"]
        zero = np.zeros((len(self.noise[0]), N, D))
        mean = lambda y: np.broadcast_to(y.mean(1, keepdims=True), y.shape)  # noqa: E731
        if self.table is EF21:
            after = x - eta * mean(h) + zero
            y = self.gradient(after) - h
            return {"c0_q": self.compressed(y) - y, "x": after, "h": h + self.compressed(y)}
        if self.table is DIANA:
            y = self.gradient(x) - h + zero
            q = self.compressed(y)
            return {"c0_q": q - y, "x": x - eta * mean(h + q), "h": h + a * q}
        if self.table is FEEDBACK:
            p = eta * (self.gradient(x) + self.noise[0]) + h
            q = self.compressed(p)
            return {"z1_q": self.noise[0], "c0_q": q - p, "x": x - mean(q), "m": p - q}
        if self.table is LOCAL:
            y = x - eta * (self.gradient(x) + self.noise[0])
            after = mean(y - eta * (self.gradient(y) + self.noise[1]))
            return {"z1_q": self.noise[0], "z2_q": self.noise[1], "x": after}
        if self.table is STORM:
            after = np.broadcast_to(x - eta * h, zero.shape)
            sign = np.sign(self.noise[0][..., :1] * self.direction[0][None, :, :1])
            there, here = (mean(self.noise[0] + sign * ((y - self.x) @ self.slope.T)) for y in (after, x + zero))
            w = mean(self.gradient(after)) + there + (1 - a) * (h - mean(self.gradient(x)) - here)
            return {"z0_q": there, "z1_q": here, "x": after, "w": w}
        if self.table is NORMALISED:
            m = (1 - a) * h + a * mean(self.gradient(x) + self.noise[0])
            u = m / np.linalg.norm(m, axis=2, keepdims=True)
            error = np.linalg.norm(m - self.gradient(x), axis=2, keepdims=True)
            return {
                "z0_q": mean(self.noise[0]),
                "u0_q": u,
                "r0_q": error,
                "one_q": np.ones((1, 1, 1)),
                "x": x - eta * u,
                "m": m,
            }
        assert "gossip" in str(method)
        z = x + h - eta * (self.gradient(x + h) + self.noise[0])
        w = np.einsum("nm,omj->onj", MIX, z)
        return {"z1_q": self.noise[0], "m0_q": w, "x": mean(w), "h": w - mean(w)}

    # --- the values of what the theorem names

    def vector(self, v: str) -> Array:
        whole, part = v, "all"
        for end, name in (("_dev_q", "deviation"), ("_mean_q", "mean")):
            if v.endswith(end):
                whole, part = v.removesuffix(end), name
        value = self._whole(whole)
        value = np.broadcast_to(value, (len(self.noise[0]), N, value.shape[2]))
        mean = np.broadcast_to(value.mean(1, keepdims=True), value.shape)
        if part == "all" and whole in {p.gradient for p in self.setting.points}:
            part = "mean"
        return {"all": value, "mean": mean, "deviation": value - mean}[part]

    def _whole(self, v: str) -> Array:
        if v == "e_q":
            return (self.x - self.star)[None, None, :]
        if v == "gstar":
            return self.gradient(self.star[None, None, :])
        if v in self.setting.sums:
            return sum(self.number(c) * self.vector(w) for w, c in self.setting.sums[v].parts.items())
        for p in self.setting.points:
            if p.gradient == v:
                return self.gradient(self.place(p))
        if v in self.carried and v not in ("x", "h", "m", "w"):
            return self.carried[v]
        return self.memory[None]

    def place(self, p: Any) -> Array:
        return self.star + sum(self.number(c) * self.vector(w) for w, c in p.parts.items())

    def product(self, v: str, w: str) -> float:
        if (v in LENGTHS) != (w in LENGTHS):
            return 0.0
        return float((self.vector(v) * self.vector(w)).sum(2).mean())

    def number(self, t: Any) -> float:
        """The value of a term."""
        head = t[0]
        if head == "q":
            return float(eval(t[1], {}, {}))
        if head == "x":
            return self._symbol(t[1])
        if head in ("+", "*"):
            values = [self.number(a) for a in t[1:]]
            return sum(values) if head == "+" else math.prod(values)
        if head in ("/", "^"):
            return self.number(t[1]) / self.number(t[2]) if head == "/" else self.number(t[1]) ** t[2]
        if head == "norm":
            return math.sqrt(self.product(t[1][1], t[1][1]))
        if head == "dot":
            return self.product(t[1][1], t[2][1])
        if head == "tr":
            return self._symbol("Zsq")
        raise KeyError(t)

    def _symbol(self, name: str) -> float:
        if name in self.numbers:
            return self.numbers[name]
        if name == "Zsq":
            return float((self.noise[0] ** 2).sum(2).mean()) if self.table["noise"] != "none" else 0.0
        for p in self.setting.points:
            if p.value[1] == name:
                return self.value(self.place(p))
        for key, p in self.setting.potentials.items():
            if name in (p.value[1], p.change[1]):
                before, after = self.followed(key, False), self.followed(key, True)
                return before if name == p.value[1] else after - before
        raise KeyError(name)

    def followed(self, key: Any, after: bool) -> float:
        """A part of V at the state or at the next one, from the step that this file carries out."""
        x = self.carried["x"] if after else self.x[None, None, :]
        h = next((self.carried[k] for k in "hmw" if k in self.carried), None) if after else self.memory[None]
        if isinstance(key, str):
            shift = h.mean(1, keepdims=True) if key != "f" else 0.0
            return self.value(x - shift)
        now = {
            "h": h, "m": h,
            "m - g": h if h is None else h - self.gradient(x), "w - g": None if h is None else h - self.gradient(x).mean(1, keepdims=True),
            "h - gi": None if h is None else h - self.gradient(x), "x - xstar": x - self.star,
            "h - gi(xstar)": None if h is None else h - self.gradient(self.star[None, None, :]),
        }  # fmt: skip
        text = self.setting.sums[key[0]].text if key[0] in self.setting.sums else "x - xstar"
        return float((now[text] ** 2).sum(2).mean())


#: assumptions that are about letters, the ends or the horizon, of which this file knows nothing
AT_ENDS = ("at the start", "at the end", "horizon", "below 1")


@pytest.mark.parametrize(
    "table",
    [EF21, DIANA, FEEDBACK, LOCAL, GOSSIP, STORM, NORMALISED],
    ids=["EF21", "DIANA", "feedback", "local", "gossip", "STORM", "normalised"],
)
def test_what_a_theorem_lists_holds_for_the_method_itself(table: dict[str, Any]) -> None:
    world = World(table)
    after = next((p for p in world.setting.points if p.text == "x_next"), None)
    if after is not None:
        assert world.place(after) == pytest.approx(world.carried["x"], abs=1e-12)
    checked = 0
    for name, r in {**world.setting.definitions, **world.setting.assumptions}.items():
        if any(word in name for word in AT_ENDS):
            continue
        left, right = world.number(r.left), world.number(r.right)
        scale = 1e-9 * (1 + abs(left) + abs(right))
        assert abs(left - right) <= scale if r.op == "==" else left <= right + scale, (name, left, right)
        checked += name.startswith(
            ("change", "loss", "mean s", "<", "smooth clients", "convex clients", "gossip", "direction", "length")
        )
    assert checked >= 4


#: name -> a theorem, and a claim that is false
THEOREMS: dict[str, tuple[dict[str, Any], str]] = {
    "normalised": (NORMALISED, "change <= -eta*G + eta*q + eta*a*sg^2/(2*q) + 2*L^2*eta^3/(a^2*q) + L*eta^2/2"),
    "local": (LOCAL, "change <= -eta*G^2/2 + eta^2*L*s/(4*N)"),
    # Richtarik, Sokolov and Fatkhullin 2021, Theorem 1
    "EF21": (EF21, "change <= -2*eta*G^2/3"),
    # Stich and Karimireddy 2020, here with different clients
    "feedback": (
        {**FEEDBACK, "assume": ["smooth: L", "dissimilarity: D", "variance: s", "contraction: 1 - th^2", "th > 0", "th < 1",
                                "eta*L*th <= (1 - th)/2", "eta*L <= 1/4"],
         "V": "f(x - mean(m)) - fstar + eta*L^2/(1-th)*||m||^2", "conclude": "telescope",
         "claim": "change <= -eta*G^2/8 + 4*eta^2*L*s + 4*eta^3*L^2*(s + D)/(1-th)^2"},
        "change <= -eta*G^2/8 + eta^2*L*s/(4*N)",
    ),
    # Koloskova, Loizou, Boreiri, Jaggi and Stich 2020, with other constants
    "gossip": (
        {**GOSSIP, "assume": ["smooth: L", "smooth clients: L", "dissimilarity: D", "variance: s", "gossip: lam", "lam < 1",
                              "eta*L <= (1 - lam)/8"],
         "V": "f - fstar + 8*eta*L^2/(1-lam)*||h||^2", "conclude": "telescope",
         "claim": "change <= -eta*G^2/8 + eta^2*L*s/N + 100*eta^3*L^2*(s+D)/(1-lam)^2"},
        "change <= -eta*G^2/8 + eta^2*L*s/(4*N)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", slow_but(THEOREMS, ["local", "EF21"]))
def test_theorems_about_clients_are_proved_and_stronger_ones_are_not(name: str) -> None:
    table, false = THEOREMS[name]
    proved = decide(Stated(table), repair=False)
    assert proved.status == "PROVED" and proved.certificate is not None
    replay_object(proved.certificate)  # raises for an invalid one
    assert decide(Stated({**table, "claim": false, "conclude": "none"}), 5.0, repair=False).status != "PROVED"


def test_a_gradient_before_compression_keeps_its_noise() -> None:
    table = {"noise": "any", "compressor": "any", "assume": ["smooth: L", "unbiased: w", "variance: s"], "V": "f - fstar",
             "claim": "change <= 0", "method": {"update": ["x = x - eta*raw"]}}  # fmt: skip
    bound = Stated(table).setting.context.potentials["f"]["square"]
    assert "Zsq" in str(bound) and "Zsq" not in str(
        Stated({**table, "noise": "none"}).setting.context.potentials["f"]["square"]
    )


def test_a_message_has_moments_only_if_all_clients_compress_the_same() -> None:
    # under these assumptions the claim is false: the loss of the compressor is that of each client's gradient
    table = {"method": "dcsgd", "noise": "none", "V": "f - fstar", "claim": "change <= -eta*G^2/2"}
    different = ["smooth: L", "different clients", "eta*L*(1+w/N) <= 1"]
    with pytest.raises(Refusal, match="compressed one by one"):
        _ = Stated({**table, "compressor": "any", "assume": [*different, "unbiased: w"]}).setting
    with pytest.raises(Refusal, match="compressed one by one"):
        _ = Stated({**table, "compressor": "rand-k:k=1", "dim": 2, "assume": [*different, "w == 1"]}).setting
    with pytest.raises(Refusal, match="C\\(local_raw"):
        update = {"update": ["x = x - eta*mean(local)"]}
        Stated({**table, "compressor": "any", "method": update, "assume": ["smooth: L", "unbiased: w"]})
    # G is a compressed message, and raw is not, though they share the noise of a gradient
    both = {"memory": {"m": 0}, "update": ["m = raw", "x = x - eta*G"]}
    with pytest.raises(Refusal, match="both G and raw"):
        Stated({**table, "compressor": "rand-k:k=1", "dim": 2, "method": both, "assume": ["smooth: L", "eta*L <= 1"]})
    _ = Stated({**table, "method": both, "assume": ["smooth: L", "eta*L <= 1"]}).setting


def test_the_word_for_a_client_s_gradient_is_no_letter() -> None:
    rule = {"memory": {"gi": 0}, "update": ["x = x - eta*mean(local)", "gi = 2*gi"]}
    table = {"noise": "none", "assume": ["smooth: L"], "V": "f - fstar + ||gi||^2", "claim": "change <= 0"}
    with pytest.raises(BadInput, match="gi is the gradient of one client"):
        Stated({**table, "method": rule})
    # a rule without clients' own values may use the letter
    _ = Stated({**table, "method": {**rule, "update": ["x = x - eta*G", "gi = 2*gi"]}}).setting


@pytest.mark.parametrize(
    ("line", "claim"),
    [
        ("mean smooth: M", "change <= -eta*G^2/2 + eta^2*M*s/(2*N)"),
        ("smooth clients: M", "change <= -eta*G^2/2 + eta^2*M*s/(2*N)"),
        ("convex clients: M", "change <= -eta*G^2/2 + eta^2*M*s/(2*N)"),
        ("dissimilarity: M", "change <= -eta*(1 - eta*L/2)*G^2 + eta^2*L*s/(2*N) + M"),
    ],
)
def test_a_run_is_in_the_classes_of_clients(line: str, claim: str) -> None:
    # each line implies that f is M-smooth, or that M >= 0, so the claim is true
    table = {
        "method": "dsgd",
        "assume": ["smooth: L", line, "variance: s", "eta*M <= 1"],
        "V": "f - fstar",
        "claim": claim,
    }
    assert decide(Stated(table), 5.0, repair=False).status != "REFUTED"
    false = {**table, "claim": "change <= -2*eta*G^2", "assume": ["smooth: L", line, "variance: s", "eta*L <= 1"]}
    assert decide(Stated(false), 10.0, repair=False).status != "PROVED"


def test_worst_cases_and_numbers_are_not_about_clients() -> None:
    def worst(table: Mapping[str, Any]) -> None:
        Performance(table, Letters(method_of(table)), 2).solve()

    numbers = {"clients": 2, "noise": "none", "assume": ["smooth: 1", "convex", "eta == 1/2"]}
    with pytest.raises(Refusal, match="theorem files"):
        worst({**numbers, "method": EF21["method"]})
    local = {"update": ["y = x - eta*local", "x = mean(y - eta*local(y))"]}
    for line in ("different clients", "mean smooth: 1"):
        with pytest.raises(Refusal, match=f"leave out {line.split(':')[0]}"):
            worst({**numbers, "method": local, "assume": [*numbers["assume"], line]})
    for table in (LOCAL, GOSSIP, STORM):
        with pytest.raises(NoInstance, match="no numbers yet"):
            instances(Stated(table))


def test_what_only_theorems_have_is_refused_elsewhere() -> None:
    import sdescent as sd

    method = sd.Method(clients=2, client_memory={"h": 0}, update=["x = x - eta*mean(h)", "h = local_raw(x)"])
    with pytest.raises(Refusal, match="theorem files"):
        sd.sde(method)
    with pytest.raises(Refusal, match="theorem files"):
        sd.run(method, [1.0], T=1.0, paths=2, params={"eta": 0.1}, loss=sd.losses.Quadratic(1))
    assert r"\widetilde{G}_i" in method._repr_latex_()
    outside = {**EF21, "method": {"client_memory": {"h": 0}, "update": ["x = x - eta*h", "h = local_raw(x)"]}}
    with pytest.raises(BadInput, match="mean"):
        Stated(outside)
    with pytest.raises(BadInput, match="gossip"):
        _ = Stated({**GOSSIP, "assume": ["smooth: L", "smooth clients: M", "variance: s"]}).setting
