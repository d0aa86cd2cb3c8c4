"""Facts about sign messages for a theorem of one's own, from the setting of theory 6.4.

Client k sends the signs of g_j + sigma_k Z, where the law of Z is symmetric and unimodal and R(x) = 2F(x) - 1; `law_backing` says
which of these properties are proved. In a file, `Phi` is <g, b>, `a` is R(1), `M` the density at 0, `sbar` the mean scale, `G1` the
1-norm of the gradient and `B` the norm of b. No moment of the noise is used.
"""

from collections.abc import Iterator, Mapping

from sdescent.derive.expressions.coordinates import Coordinate, symbols_of
from sdescent.derive.methods.checking.required import require_sound
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.terms import Relation, Term, dot, num, quad, tr, vec
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.letters import is_sign
from sdescent.derive.theorems.entry.theorem import Derivation
from sdescent.derive.theorems.facts.law_shape import Backing, ShapeBacking, any_shape, law_shape
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import t, u
from sdescent.derive.vocabulary.verdicts import Source

#: letter in a file -> term
LETTERS: Mapping[str, Term] = {"Phi": sg.PHI, "a": sg.a, "sbar": sg.BAR, "G1": sg.ONE_NORM, "B": sg.B}
SYMBOLS: Mapping[str, str] = {
    "M": "const", "z": "const", "r": "const", "sigma": "detclient", "y": "coord", "b": "coord",
}  # fmt: skip
SHAPE = {"R": {name: value for name, value in sg.SHAPE.items() if name != "slope"}}
#: names of definitions
BENDS = "Lam g = b"
TRACE = "Tr S"
#: assumptions on the number of clients, the dimension and the scales of the noise
ASSUMPTIONS = {name: sg.ASSUMPTIONS[name] for name in ("N >= 1", "d >= 0", "sigma_k > 0")}
#: for the corrected equation: g'Lam H Lam g = b'H b, since Lam g = b
OF_CURVATURE = {BENDS: dot(nm.g, vec(nm.BENT)).eq(quad(nm.H, nm.b))}
_DEFINED = ("mean of the step", "coordinates of g", "coordinates of b", "Phi", TRACE)


def definitions(method: Method, any_noise: bool) -> dict[str, Relation]:
    """The mean and the covariance of the message, by coordinates and clients; without noise, b = sign g and the covariance is 0."""
    definitions = {name: sg.DEFINITIONS[name] for name in _DEFINED}
    if not any_noise and method.noise.law.degenerate:
        definitions |= {TRACE: tr(sg.S).eq(0), "Phi of sign g": sg.PHI.eq(sg.ONE_NORM)}
    return definitions


def law_backing(method: Method, any_noise: bool) -> Mapping[str, ShapeBacking]:
    """The properties of the noise law that a theorem uses, with their backing; none for signs of the gradient itself."""
    if any_noise:
        return any_shape("the theorem is about any noise with this property")
    return {} if method.noise.law.degenerate else law_shape(method.noise.law)


def sources_of_law(method: Method, any_noise: bool) -> Mapping[str, Source]:
    """The source of each property of R = 2F - 1 for sign messages; for signs of the gradient itself, R = sign."""
    backing = law_backing(method, any_noise) if is_sign(method) else {}
    proved = {name: Source.PIECE if one.backing is Backing.PROVED else Source.SAID for name, one in backing.items()}
    return proved if backing else dict.fromkeys(SHAPE["R"], Source.METHOD)


def require_noise_of_votes(method: Method, stated: bool, any_noise: bool) -> None:
    """Require any noise of the class, and no other signs, for a majority of signs, which has a bound on nothing else.

    Args:
        stated: whether the file assumes "majority: S".

    Raises:
        BadInput: only one of the rule and the assumptions has a majority.
        Refusal: "no-moments" for a law or a compressor from the file.
    """
    votes = method.rule.uses("majority")
    if votes != stated:
        accepted = (
            '"majority: S" with majority(local_raw) in the rule, where S bounds the standard deviations of the noise'
        )
        raise BadInput("assume", "majority" if stated else "nothing about majority(..)", accepted)
    if votes and (not any_noise or is_sign(method)):
        cause = "majority: S is about any symmetric unimodal noise, and local_raw is not compressed"
        raise Refusal("no-moments", f'{cause}: leave out noise and the compressor, or say noise = "any"')


def require_law(method: Method, any_noise: bool) -> None:
    """Refuse a noise law that lacks one of the properties, and scales that are not constant.

    Raises:
        Refusal: "asymmetric-noise", "not-unimodal" (R is not concave, or the law has atoms), "unsound-piece" if a user's class
            contradicts itself, "no-common-scale" if a scale depends on coordinate, state or time.
    """
    if any_noise or method.noise.law.degenerate:
        return
    require_sound(method)
    name = type(method.noise.law).__name__
    for key, shape in law_backing(method, any_noise).items():
        if shape.backing is Backing.FALSE:
            said = f"bounds on signs require that {shape.words}, which is false for {name}: {shape.reason}"
            raise Refusal("asymmetric-noise" if key == "odd" else "not-unimodal", said)
    varies = any(isinstance(s, Coordinate) or s in (t, u) for s in symbols_of(method.noise.scales))
    if method.noise.dense is not None or varies:
        said = "bounds on signs need one constant noise scale for each client; here it depends on the coordinate, state or time"
        raise Refusal("no-common-scale", said)


def facts(w: Derivation) -> Iterator[Fact]:
    """0 <= Phi, a (||g||_1 - d sbar/4) <= Phi, G <= ||g||_1, G <= Phi/a + d sbar/4, ||b||^2 <= d, Q + ||b||^2 <= d, Q <= d."""
    signs = sg.SignFacts(w)
    silent = w[TRACE].claim.right == num(0)
    trace = (
        w.have("Tr S + ||b||^2 <= d", tr(sg.S).le(sg.d - sg.B**2), signs.b_squared, TRACE) if silent else signs.trace
    )
    yield from (signs.phi_nonnegative, signs.one_norm, signs.norm_one, signs.reach, signs.b_squared, trace, *signs.per)
