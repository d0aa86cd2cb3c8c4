"""Methods with different clients, draws at several points and coins, carried out by this file, and the values of a theorem's names.

Each method is carried out for three clients in the plane, with all outcomes of its draws, so that means over draws and clients are
exact up to rounding.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from sdescent.derive.theorems.bounds.stated import Stated

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
#: an anchor x + h that moves to the state with probability p (Kovalev, Horvath and Richtarik 2020)
SVRG = {
    "noise": "none",
    "assume": ["convex clients: L", "strongly convex: mu", "smooth: L", "p > 0", "p <= 1", "eta <= 1/(6*L)", "eta*mu <= p/2"],
    "V": "||x - xstar||^2 + 4*eta^2/p*||gi(x + h) - gi(xstar)||^2", "claim": "change <= -eta*mu*V",
    "method": {
        "memory": {"h": 0},
        "update": ["w = x + h", "y = x", "x = x - eta*(sample(local_raw(y) - local_raw(w)) + mean(local_raw(w)))",
                   "c = coin(p)", "h = c*y + (1-c)*w - x"],
    },
}  # fmt: skip
#: a full gradient with probability p, else compressed differences (Gorbunov, Burlachenko, Li and Richtarik 2021)
MARINA = {
    "noise": "none", "compressor": "any",
    "assume": ["smooth clients: M", "smooth: L", "unbiased: w", "p > 0", "p <= 1", "eta*L + eta^2*(1-p)*w*M^2/(p*N) <= 1"],
    "V": "f - fstar + eta/(2*p)*||m - g||^2", "claim": "change <= -eta*G^2/2", "conclude": "telescope",
    "method": {
        "memory": {"m": 0},
        "update": ["y = x", "x = x - eta*m", "c = coin(p)",
                   "m = c*mean(local_raw(x)) + (1-c)*(m + mean(C(local_raw(x) - local_raw(y))))"],
    },
}  # fmt: skip
#: momentum times a matrix that depends on the draws (after Guo, Xu, Yin, Jin and Yang 2021)
ADAM = {
    "noise": "any",
    "assume": ["smooth: L", "variance: s", "drawn preconditioner: lo, hi", "a > 0", "a < 1",
               "eta*L*hi + (eta*hi*L*(1-a)/a)^2 <= 1"],
    "V": "f - fstar + eta*hi*(1-a)^2/(2*a)*||m - g||^2", "conclude": "telescope",
    "claim": "change <= -eta*lo*G^2/2 + eta*hi*a*s/(2*N)",
    "method": {"memory": {"m": 0}, "update": ["m = (1-a)*m + a*raw", "x = x - eta*precondition(m)"]},
}  # fmt: skip
#: a matrix of the past, applied to both the momentum and the gradient
SCALED = {
    "noise": "any", "assume": ["smooth: L", "variance: s", "preconditioner: lo, hi"], "V": "f - fstar + ||m - g||^2",
    "claim": "change <= 0",
    "method": {"memory": {"m": 0}, "update": ["m = (1-a)*m + a*raw", "x = x - eta*(precondition(m + raw) + raw)"]},
}  # fmt: skip
#: names of lengths, which are multiples of a vector that is orthogonal to all others
LENGTHS = ("one_q", "r0_q")


class World:
    """Three quadratic losses, a state, and the outcomes of all draws: each array has the shape (outcomes, N, D)."""

    def __init__(self, table: Mapping[str, Any], value: str | None = None) -> None:
        """The world of a method; with another V, it lists what a theorem does that does not interpolate."""
        rng = np.random.default_rng(7)
        self.table = table
        stated = Stated({**table, "V": table["V"] if value is None else value})
        self.setting = replace(stated, interpolate=value is None).setting
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
        outcomes = [*itertools.product(coins, coins, range(N))]
        first, second, self.drawn = (np.array([o[n] for o in outcomes]) for n in (0, 1, 2))
        # symmetric matrices with the eigenvalues 1/2 and 2, one for each outcome of the noise, or one for all
        angles = second.sum(1) + first @ np.arange(1, N + 1) if table is ADAM else np.ones(len(first))
        turn = np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
        self.matrix = turn @ np.diag([0.5, 2.0]) @ turn.transpose(0, 2, 1)
        # a coin with probability 1/4; noise and such coins are not in one method here
        self.heads = (first[:, :2] == 1).all(1)[:, None, None]
        self.direction = direction = rng.normal(size=(2, N, D))
        self.noise = [s[:, :, None] * d for s, d in zip((first, second), direction, strict=True)]
        self.coin = second[:, :, None] if not noisy or "C(" in str(table["method"]) else None
        self.unbiased = "unbiased" in self.setting.hypotheses.classes
        largest = max(np.linalg.eigvalsh(a)[-1] for a in self.A)
        squares = np.mean([a @ a for a in self.A], 0) + (self.slope.T @ self.slope if table is STORM else 0.0)
        square = math.sqrt(np.linalg.eigvalsh(squares)[-1])
        self.numbers = {
            "eta": 0.1, "L": largest, "M": square, "w": 1.0, "a": 0.25, "th": 0.5, "de": 0.75, "N": float(N), "d": float(D),
            "lam": 0.25, "D0z": 10.0, "q": 0.5, "p": 0.25, "lo": 0.5, "hi": 2.0, "sg": 50.0,
            "mu": float(np.linalg.eigvalsh(self.A.mean(0))[0]),
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

    def turned(self, y: Array) -> Array:
        """P y."""
        return np.einsum("ojk,onk->onj", self.matrix, np.broadcast_to(y, (len(self.matrix), N, D)))

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
        if self.table is SVRG:
            w = x + h
            change = np.broadcast_to(self.gradient(x) - self.gradient(w), zero.shape)
            one = np.take_along_axis(change, self.drawn[:, None, None], 1)
            after = x - eta * (one + mean(self.gradient(w))) + zero
            return {"s0_q": one - mean(change), "x": after, "h": self.heads * x + (1 - self.heads) * w - after}
        if self.table is MARINA:
            after = x - eta * h + zero
            y = self.gradient(after) - self.gradient(x) + zero
            q = self.compressed(y)
            m = self.heads * mean(self.gradient(after)) + (1 - self.heads) * (h + mean(q))
            return {"c0_q": q - y, "x": after, "m": m}
        if self.table in (ADAM, SCALED):
            raw = mean(self.gradient(x) + self.noise[0])
            m = (1 - a) * h + a * raw
            move = self.turned(m) if self.table is ADAM else self.turned(m + raw) + raw
            return {"z0_q": mean(self.noise[0]), "x": x - eta * move, "m": m}
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
        if v in self.setting.preconditioned:
            return self.turned(self.vector(self.setting.preconditioned[v]))
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
            "m - g": h if h is None else h - self.gradient(x).mean(1, keepdims=True),
            "gi(x + h) - gi(xstar)": h if h is None else self.gradient(x + h) - self.gradient(self.star[None, None, :]),
            "w - g": None if h is None else h - self.gradient(x).mean(1, keepdims=True),
            "h - gi": None if h is None else h - self.gradient(x), "x - xstar": x - self.star,
            "h - gi(xstar)": None if h is None else h - self.gradient(self.star[None, None, :]),
        }  # fmt: skip
        text = self.setting.sums[key[0]].text if key[0] in self.setting.sums else "x - xstar"
        return float((now[text] ** 2).sum(2).mean())
