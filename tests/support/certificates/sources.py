"""Certificates of what holds along steps: by hand, of the catalogue's theorems about methods, of theorems that a user states."""

from __future__ import annotations

import copy
import json
from typing import Any

from sdescent.derive.proof.kernel.certificate import dumps
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.checking import check
from sdescent.derive.theorems.entry.theorem import Theorem
from tests.support.certificates.edits import follow
from tests.support.certificates.entries import entry_certificate
from tests.support.certificates.potentials import POTENTIALS, made
from tests.support.certificates.rules import step, t

STEP = "change <= -eta*G^2/2 + eta^2*L*s/(2*N)"
NOISY = ["smooth: L", "variance: s", "eta*L <= 1"]
#: keys of a stated theorem, without the title; V is f - fstar where it is not given
OWN: dict[str, dict[str, Any]] = {
    "telescope": {"method": "dsgd", "assume": NOISY, "claim": STEP, "conclude": "telescope"},
    "horizon": {"method": "dsgd", "assume": [*NOISY, "K >= 1"], "step": STEP, "claim": "Esum(G^2)/K <= 2*V0/(eta*K) + eta*L*s/N",
                "conclude": "telescope"},
    "decay": {"method": "dsgd", "assume": [*NOISY, "pl: mu"], "claim": "change <= -eta*mu*V + eta^2*L*s/(2*N)",
        "conclude": "gronwall"},
    "schedule": {"method": "dsgd", "schedule": "power:p=1/2", "assume": ["smooth: L", "variance: s", "eta*L*u <= 1"],
                 "claim": "change <= -eta*u*G^2/2 + eta^2*u^2*L*s/(2*N)", "conclude": "telescope"},
    "growth": {"method": "dsgd", "assume": ["smooth: L", "variance: rho*G^2", "rho>=0", "eta*L*(1+rho/N) <= 1"],
               "claim": "change <= -eta*G^2/2", "conclude": "telescope"},
    "values": {"method": "dsgd", "assume": ["smooth: L", "variance: 2*A*(f-fstar) + C", "A>=0", "pl: mu", "eta*L<=1",
        "2*eta*L*A <= mu*N"],
               "claim": "change <= -eta*mu*V/2 + eta^2*L*C/(2*N)", "conclude": "gronwall"},
    "affine": {"method": "dsgd", "noise": "affine:sigma0=s0,sigma1=s1", "assume": ["smooth: L", "eta*L*(1+d*s1^2/N) <= 1"],
               "claim": "change <= -eta*G^2/2 + eta^2*L*d*s0^2/(2*N)", "conclude": "telescope"},
    "compressed": {"method": "dcsgd", "compressor": "rand-k:k=k", "noise": "gaussian:sigma=sigma",
                   "assume": ["smooth: L", "eta*L*(1 + (d/k-1)/N) <= 1", "k>0", "k<=d"],
                   "claim": "change <= -eta*G^2/2 + eta^2*L*d^2/k*sigma^2/(2*N)", "conclude": "telescope"},
    "bounded": {"method": "dsgd", "noise": "none", "assume": ["smooth: L0, L1", "bounded step: r", "L1*r<=1", "eta*(L0+L1*G) <= 1"],
                "claim": "change <= -eta*G^2/4"},
    "reach": {"method": "dsgd", "assume": ["smooth: L0, L1", "variance: s", "bounded step: r", "L1*r<=c", "c>=0", "kap>0",
                                           "eta*psi(c)*((L0+L1*G)+kap*L1*s/N) <= eps"],
              "claim": "change <= -(1-eps)*eta*G^2 + eta^2*psi(c)*(L0+L1/(4*kap))*s/N", "conclude": "telescope",
              "hints": ["G - 1/(2*kap)"]},
    "signs": {"method": "dsignsgd", "noise": "cauchy", "assume": ["smooth: L"], "claim": "change <= -eta*Phi + eta^2*L*d/2",
              "conclude": "telescope"},
    "distance": {"method": "dsgd", "assume": ["smooth: L", "strongly convex: mu", "variance: s", "2*eta*L <= 1"],
                 "V": "||x - xstar||^2", "claim": "change <= -eta*mu*V + eta^2*s/N", "conclude": "gronwall"},
    "momentum": {"method": "heavy-ball", "assume": ["smooth: L", "variance: s", "beta^2 <= 1-eta*L", "eta*L<=1"],
                 "V": "f - fstar + (1-eta*L)/(2*eta)*||v||^2", "claim": "change <= -eta*G^2/2 + eta*s/(2*N)",
                 "conclude": "telescope"},
}  # fmt: skip


def by_hand() -> dict[str, dict[str, Any]]:
    """Each rule, a step of bounded length alone, and a sum with a constant in it."""
    lone = copy.deepcopy(POTENTIALS["descent with a radius"])
    lone["steps"] = [*lone["steps"][1:3], lone["steps"][3] | {"premises": [0, 1]}]
    follow(lone)
    last = step("summation", [], {"time": "t", "primitive": t("k*t**2 + t")}, "I(2*k*t + k + 1) == k*T**2 + T")
    symbols = {"T": "const", "t": "clock", "k": "const", "eta": "time"}
    summed = made(last, symbols=symbols, potentials={}, values={"k": "2", "eta": "1"})
    return POTENTIALS | {"a step": lone, "a sum with a constant": summed}


def in_steps(names: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """The theorems about methods (or these) that have steps."""
    names = (
        [name for name, entry in entries().items() if name.endswith("-method") and isinstance(entry, Theorem)]
        if names is None
        else names
    )
    found = {name: json.loads(dumps(entry_certificate(name))) for name in names}
    return {name: value for name, value in found.items() if "steps" in value["context"]}


def own(names: list[str] | None = None) -> dict[str, dict[str, Any]]:
    """Theorems of `OWN`."""
    found: dict[str, dict[str, Any]] = {}
    for name in OWN if names is None else names:
        checked = check(Stated({"title": name, "V": "f - fstar", **OWN[name]}).entry())
        assert checked.certificate is not None, (name, checked.reason)
        found[f"own {name}"] = json.loads(dumps(checked.certificate))
    return found
