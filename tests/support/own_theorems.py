"""Theorems of one's own as their authors write them: true ones, and variants that are false or lack a hypothesis."""

from typing import Any

Table = dict[str, Any]

#: name -> (theorem, claims that are false in place of its own, hypotheses that it needs)
THEOREMS: dict[str, tuple[Table, tuple[str, ...], tuple[str, ...]]] = {
    "nonconvex": (
        {
            "method": "dsgd", "assume": ["smooth: L", "variance: s", "eta*L <= 1"], "V": "f - fstar",
            "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N)", "conclude": "telescope",
        },
        ("change <= -eta*G^2 + eta^2*L*s/(2*N)", "change <= -eta*G^2/2 + eta^2*L*s/(4*N)"),
        ("variance: s", "eta*L <= 1"),
    ),
    "convex": (
        {
            "method": "dsgd", "assume": ["smooth: L", "convex", "variance: s", "eta*L <= 1/2"], "V": "||x - xstar||^2",
            "claim": "change <= -eta*(f - fstar) + eta^2*s/N", "conclude": "telescope",
        },
        ("change <= -eta*(f - fstar) + eta^2*s/(2*N)",),
        ("convex",),
    ),
    "bounded gradients": (
        {
            "method": "dsgd", "assume": ["convex", "bounded gradient: B", "variance: s"], "V": "||x - xstar||^2",
            "claim": "change <= -2*eta*(f - fstar) + eta^2*(B^2 + s/N)", "conclude": "telescope",
        },
        ("change <= -2*eta*(f - fstar) + eta^2*s/(2*N)",),
        ("bounded gradient: B",),
    ),
    "compressed": (
        {
            "method": "dcsgd", "compressor": "bernoulli:p=p", "V": "f - fstar", "conclude": "telescope",
            "assume": ["smooth: L", "variance: s", "p <= 1", "eta*L*(1 + (1/p - 1)/N) <= 1"],
            "claim": "change <= -eta*G^2/2 + eta^2*L*s/(2*N*p)",
        },
        ("change <= -eta*G^2/2 + eta^2*L*s/(4*N*p)",),
        ("eta*L*(1 + (1/p - 1)/N) <= 1",),
    ),
    "the equation": (
        {
            "method": "dsgd", "model": "corrected", "noise": "gaussian:sigma=sigma", "V": "f - fstar", "hints": ["G - 1/(2*kap)"],
            "assume": ["smooth: L0, L1", "kap > 0", "eta*(L0 + L1*G + kap*L1*d*sigma^2/N) <= 2*eps"],
            "claim": "LV <= -(1 - eps)*G^2 + eta*(L0 + L1/(4*kap))*d*sigma^2/(2*N)", "conclude": "integrate",
        },
        (),
        ("eta*(L0 + L1*G + kap*L1*d*sigma^2/N) <= 2*eps",),
    ),
    # Zavriev and Kostyuk 1993; the proof needs ||(1 - beta) v + eta g||^2 >= 0, which it finds itself
    "falling heavy ball": (
        {
            "method": "heavy-ball", "noise": "none", "assume": ["smooth: L", "eta*L <= 2*(1 - beta)"],
            "V": "f - fstar + beta/(2*eta)*||v||^2", "claim": "change <= -((1 - beta)/eta - L/2)*||beta*v - eta*g||^2",
            "conclude": "telescope",
        },
        ("change <= -(1/eta - L/2)*||beta*v - eta*g||^2",),
        ("smooth: L",),
    ),
    # Ghadimi, Feyzmahdavian and Johansson 2015, with noise
    "convex heavy ball": (
        {
            "method": "heavy-ball", "conclude": "telescope",
            "V": "scale*(f - fstar) + ||x - xstar + beta*gain*v||^2 + weight*||v||^2",
            "assume": ["smooth: L", "convex", "variance: s", "scale > 0", "gain*(1 - beta) == 1", "gain > 0", "weight >= 0",
                       "2*eta*weight == scale*(1 - L*eta) - 2*eta*gain^2", "scale*L*beta^2/2 <= weight*(1 - beta^2)"],
            "claim": "change <= -2*eta*gain*(f - fstar) + eta^2*(gain^2 + scale*L/2 + weight)*s/N",
        },
        ("change <= -8*eta*gain*(f - fstar) + eta^2*(gain^2 + scale*L/2 + weight)*s/N",),
        ("2*eta*weight == scale*(1 - L*eta) - 2*eta*gain^2",),
    ),
    "heavy ball": (
        {
            "method": "heavy-ball", "assume": ["smooth: L", "variance: s", "beta^2 <= 1 - eta*L"], "conclude": "telescope",
            "V": "f - fstar + (1 - eta*L)/(2*eta)*||v||^2", "claim": "change <= -eta*G^2/2 + eta*s/(2*N)",
        },
        ("change <= -eta*G^2/2 + eta*s/(4*N)",),
        ("beta^2 <= 1 - eta*L",),
    ),
    "signs, heavy tails": (
        {
            "method": "dsignsgd", "noise": "any", "assume": ["smooth: L"], "V": "f - fstar",
            "claim": "change <= -eta*Phi + eta^2*L*d/2", "conclude": "telescope",
        },
        ("change <= -eta*Phi + eta^2*L*d/3", "change <= -3*eta*Phi/2 + eta^2*L*d/2"),
        (),
    ),
    "clipped": (
        {
            "method": "norm-clipped", "assume": ["smooth: L", "eta*L <= 1"], "V": "f - fstar",
            "claim": "change <= -eta*clip*G^2/2", "conclude": "telescope",
        },
        (),
        ("eta*L <= 1",),
    ),
    # Polyak 1969
    "Polyak's step": (
        {
            "noise": "none", "assume": ["convex", "bounded gradient: B", "B > 0"], "V": "||x - xstar||^2",
            "claim": "change <= -(f - fstar)^2/B^2", "conclude": "telescope",
            "method": {"update": ["x = x - (f - fstar)/norm(G)^2*G"]},
        },
        (),
        ("convex", "bounded gradient: B"),
    ),
    # Zhang, He, Sra and Jadbabaie 2020, with one condition on both constants
    "clipped, (L0, L1)": (
        {
            "method": "dcsgd", "compressor": "norm-clip:c=c", "noise": "none",
            "assume": ["smooth: L0, L1", "eta*(L0 + L1*c) <= 1/2"],
            "V": "f - fstar", "claim": "change <= -eta*clip*G^2/2", "conclude": "telescope",
        },
        ("change <= -2*eta*clip*G^2",),
        ("eta*(L0 + L1*c) <= 1/2",),
    ),
}  # fmt: skip
