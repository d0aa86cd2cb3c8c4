"""The laws of functions, each a draft of its own."""

from __future__ import annotations

from typing import Any

from tests.derive.proof.rocq.drafts import Draft


def functions() -> list[Draft]:
    """Each law once, also where the normal form of a value is a number or another way of writing."""
    laws: list[tuple[Any, ...]] = []
    for u in ("s", "s + 2*t + 1", "0", "-3", "1", "5/2"):
        laws += [
            ("abs_square", [u], f"abs({u})**2 == ({u})**2"),
            ("abs_nonneg", [u], f"0 <= abs({u})"),
            ("sqrt_nonneg", [u], f"0 <= sqrt({u})"),
            ("sqrt_square", [u], f"sqrt({u})**2 == {u}", f"0 <= {u}"),
            ("exp_positive", [u], f"0 < exp({u})"),
            ("log_exp", [u], f"log(exp({u})) == {u}"),
            ("exp_log", [u], f"exp(log({u})) == {u}", f"0 < {u}"),
            ("exp_add", [u, "t"], f"exp(t + {u}) == exp({u})*exp(t)"),
            ("log_mul", [u, "t"], f"log(t*({u})) == log({u}) + log(t)", f"0 < {u}", "0 < t"),
        ]
    for name in ("exp", "atan", "erf", "tanh"):
        laws.append((f"monotone:{name}", ["s", "t"], f"{name}(s) <= {name}(t)", "s <= t"))
        laws.append((f"monotone:{name}", ["0", "t + t"], f"{name}(0) < {name}(2*t)", "0 < 2*t"))
    laws.append(("monotone:log", ["1", "t"], "log(1) < log(t)", "0 < 1", "1 < t"))
    laws.append(("monotone:sqrt", ["s", "t"], "sqrt(s) <= sqrt(t)", "0 <= s", "s <= t"))
    laws.append(("monotone:sqrt", ["s", "t"], "0 < sqrt(t) - sqrt(s)", "0 <= s", "s < t"))
    return [law(*row) for row in laws]


def laws_of_psi() -> list[Draft]:
    """Each law of psi, also where the value is a number."""
    laws: list[tuple[Any, ...]] = []
    for u in ("s", "2*t - 1", "0", "-3", "1"):
        laws.append(("psi_square", [u], f"psi({u})*({u})**2 == exp({u}) - (1 + {u})"))
        laws.append(("psi_positive", [u], f"0 < psi({u})"))
    laws.append(("monotone:psi", ["s", "t"], "psi(s) <= psi(t)", "s <= t"))
    laws.append(("monotone:psi", ["0", "t + t"], "1/2 < psi(2*t)", "0 < 2*t"))
    return [law(*row) for row in laws]


def law(name: str, args: list[str], claim: str, *hypotheses: str) -> Draft:
    d = Draft("random s; const t")
    d.law(name, args, claim, tuple(d.assume(*hypotheses)))
    return d
