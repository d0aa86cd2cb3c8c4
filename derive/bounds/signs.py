"""What is known of messages that are signs, for a theorem of one's own: the setting of theory 6.4 beside that of the file.

Client k signs g_j + sigma_k Z with a symmetric unimodal law, R(x) = 2F(x) - 1. In a file `Phi` is <g, b>, `a` is R(1), `M` the
density at 0, `sbar` the mean scale, `G1` the 1-norm of the gradient, `B` the norm of b. No moment of the noise is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from derive.bounds import names as nm
from derive.methods.compressors import Sign
from derive.methods.distributed import Method
from derive.methods.noise.law import Law
from derive.proof.kernel.rules import Fact
from derive.proof.language.terms import Relation, Term, dot, num, quad, vec
from derive.theorems.entry.theorem import Derivation
from derive.theorems.signs import setting as sg
from derive.vocabulary.errors import Refusal

#: letter in a file -> term
LETTERS: Mapping[str, Term] = {"Phi": sg.PHI, "a": sg.a, "sbar": sg.BAR, "G1": sg.ONE_NORM, "B": sg.B}
SYMBOLS: Mapping[str, str] = {
    "M": "const",
    "z": "const",
    "r": "const",
    "sigma": "detclient",
    "y": "coord",
    "b": "coord",
}
SHAPE = {"R": {"odd": True, "nondecreasing": True, "concave_right": True, "bounded": num(1), "slope": 2 * sg.M}}
#: the name of a definition
BENDS = "Lam g = b"
_GIVEN = ("N >= 1", "d >= 0", "sigma_k > 0")
_DEFINED = ("mean of the step", "coordinates of g", "coordinates of b", "Phi", "Tr S")


def is_sign(method: Method) -> bool:
    """Whether the messages are signs."""
    return isinstance(method.compressor, Sign)


def assumptions() -> dict[str, Relation]:
    """Of the noise: scales and R(1) are positive."""
    return {**{name: sg.ASSUMPTIONS[name] for name in _GIVEN}, **sg.SPREAD}


def definitions() -> dict[str, Relation]:
    """Of the message: its mean and its covariance, by coordinates and clients."""
    return {name: sg.DEFINITIONS[name] for name in _DEFINED}


def bent_definition() -> dict[str, Relation]:
    """Of the corrected equation: g'Lam H Lam g = b'H b, since Lam g = b."""
    return {BENDS: dot(nm.g, vec(nm.BENT)).eq(quad(nm.H, nm.b))}


def require_law(method: Method, any_noise: bool) -> None:
    """Raises Refusal "asymmetric-noise" where the law is not symmetric; any noise stands for any symmetric unimodal one."""
    law: Law = method.noise.law
    if not any_noise and not law.degenerate and not law.symmetric:
        raise Refusal("asymmetric-noise", "bounds on signs are known here for symmetric unimodal noise")


def facts(w: Derivation) -> Iterator[Fact]:
    """0 <= Phi, a (||g||_1 - d sbar/4) <= Phi, G <= ||g||_1, G <= Phi/a + d sbar/4, ||b||^2 <= d, Q + ||b||^2 <= d, Q <= d."""
    known = sg.SignFacts(w)
    yield from (
        known.phi_nonnegative,
        known.one_norm,
        known.norm_one,
        known.reach,
        known.b_squared,
        known.trace,
        *known.per,
    )
