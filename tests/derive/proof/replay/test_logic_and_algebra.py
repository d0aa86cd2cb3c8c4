"""Both checkers of proof certificates: hypotheses that are moved about, the equation of a state, time, and identities."""

from typing import Any

import pytest

from tests.support.certificates.edits import accepted, refused, refused_steps
from tests.support.certificates.models import satisfies_in_models
from tests.support.certificates.rules import ALL_AXIOMS, assume, certificate, certify, step, t

MEAN = ("integrability",)
ONE: list[Any] = [["1", [], []]]


def under(n: int, claim: str, operator: str = "E") -> dict[str, Any]:
    return step("monotone", [n], {"operator": operator}, claim)


def by(n: int, m: int, claim: str) -> dict[str, Any]:
    """The claim of step m, under the hypotheses of step n too."""
    return certify([n, m], claim, [["1", [1], []]])


def instance(n: int, claim: str, term: str = "X") -> dict[str, Any]:
    return step("instantiate", [n], {"symbol": "a", "term": t(term)}, claim)


#: operator | hypotheses that depend on what it binds | hypotheses that do not
LETTERS = """
E | 0 <= X; 0 <= VT; 0 <= norm(g) - 1 | 0 <= a; 0 <= eta; 0 <= sj; 0 <= E(X)
I | 0 <= eta; 0 <= t - a | 0 <= sj; 0 <= I(eta)
EI | 0 <= VT; 0 <= eta | 0 <= wk
S | 0 <= xj | 0 <= xi(xj); 0 <= X; 0 <= S(xj)
Si | 0 <= xi(sj) | 0 <= sj
C | 0 <= wk; 0 <= qk | 0 <= xj; 0 <= C(qk)
"""
HYPOTHESES = [
    (operator, hypothesis, column == 0)
    for operator, *columns in (row.split(" | ") for row in LETTERS.strip().splitlines())
    for column, listed in enumerate(columns)
    for hypothesis in listed.split("; ")
]


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize(("operator", "hypothesis", "sealed"), HYPOTHESES)
def test_sealed_by_letters(operator: str, hypothesis: str, sealed: bool, side: int) -> None:
    """An operator seals the hypotheses that depend on what it binds, in either premise of cases; the others may be split."""
    _, left, right = t(hypothesis)
    cases = [{**assume("0 <= 1"), "claim": claim} for claim in (["<=", left, right], ["<=", right, left])]
    for rule in ("monotone", "component") if operator in ("S", "C") else ("monotone",):
        total: Any = [operator, ["q", "1"]]
        goal = ["<=", ["q", "0"], total if rule == "monotone" else ["+", total, ["q", "-1"]]]
        steps = [
            *cases, certify([side], "0 <= 1", ONE), step(rule, [2], {"operator": operator}, "0 <= 0") | {"claim": goal},
            assume("0 <= 0") | {"claim": goal}, by(1 - side, 4, "0 <= 0") | {"claim": goal},
            step("cases", [3, 5][:: 1 - 2 * side], {"split": cases[0]["claim"]}, "0 <= 0") | {"claim": goal},
        ]  # fmt: skip
        value = certificate(*steps, assumptions=(), axioms=MEAN if operator in ("E", "I", "EI") else ())
        value["statement"]["assumptions"] = [goal]
        if sealed:
            assert "sealed" in refused(value, "used under an expectation"), rule
        else:
            accepted(value)


def test_what_is_sealed_or_rests_on_axioms_has_no_instances() -> None:
    """The operator gone, the hypothesis is still one about all times. a E(X) = E(a X) says nothing of X for a."""
    axiom = (
        certify([], "0 <= 1", ONE),
        under(0, "0 <= 1"),
        certify([1], "0 <= a**2 + 1", [["1", [], [t("a")]], ["1", [0], []]]),
    )
    accepted(certificate(*axiom, axioms=MEAN))
    assert "sealed hypotheses or axioms" in refused_steps(*axiom, instance(2, "0 <= X**2 + 1"), axioms=MEAN)
    sealed = (assume("0 <= a*xj"), under(0, "0 <= a*S(xj)", "S"), certify([1], "0 <= 1", ONE))
    assert "sealed" in refused_steps(*sealed, instance(2, "0 <= 1"), assumptions=())
    refused_steps(certify([], "a*E(X) == E(a*X)"), instance(0, "X*E(X) == E(X**2)"))
    beside = (assume("0 <= a*S(xj)"), instance(0, "0 <= xj*S(xj)", "xj"))
    assert "operator" in refused_steps(*beside, assumptions=("0 <= xj*S(xj)",))


def test_sealed_stays_sealed_after_cases() -> None:
    steps = (
        assume("0 <= X"), under(0, "0 <= E(X)"), assume("0 <= a"), assume("a <= 0"), by(2, 1, "0 <= E(X)"), by(3, 1, "0 <= E(X)"),
        step("cases", [4, 5], {"split": t("0 <= a")}, "0 <= E(X)"), assume("X <= 0"), assume("0 <= E(X)"), by(7, 8, "0 <= E(X)"),
        step("cases", [6, 9], {"split": t("0 <= X")}, "0 <= E(X)"),
    )  # fmt: skip
    accepted(certificate(*steps[:7], assumptions=("0 <= X",), axioms=MEAN))
    assert "sealed" in refused_steps(*steps, assumptions=("0 <= E(X)",), axioms=MEAN)


def test_cut() -> None:
    """Under P follows C; where the hypotheses of P hold there is P."""
    doubled = (assume("0 <= X"), certify([0], "0 <= 2*X", [["2", [0], []]]))
    lemma = (assume("Y**2 <= X"), certify([2], "0 <= X", [["1", [0], []], ["1", [], [t("Y")]]]))
    cut = step("cut", [1, 3], {}, "0 <= 2*X")
    accepted(certificate(*doubled, *lemma, cut, assumptions=("Y**2 <= X",)))
    for wrong in (("0 <= X",), ("0 <= X", "Y**2 <= X"), ()):
        refused(certificate(*doubled, *lemma, cut, assumptions=wrong))
    # a lemma that is stronger than the hypothesis is another relation; a lemma may itself have the hypothesis
    strict = (assume("Y**2 < X"), certify([2], "0 < X", [["1", [0], []], ["1", [], [t("Y")]]]))
    assert "not a hypothesis" in refused_steps(*doubled, *strict, cut, assumptions=("Y**2 < X",))
    accepted(certificate(*doubled, step("cut", [1, 0], {}, "0 <= 2*X")))


#: a step from 0 <= X, its claim, whether it uses that at every outcome
USES = [
    (under(0, "0 <= E(X)"), "0 <= E(X)", True),
    (certify([0], "0 <= 2*X", [["2", [0], []]]), "0 <= 2*X", False),
]


@pytest.mark.parametrize(("use", "claim", "sealed"), USES, ids=["under E", "at a point"])
def test_cut_seals(use: dict[str, Any], claim: str, sealed: bool) -> None:
    """E used 0 <= X at every outcome, so that whatever it is replaced by was used at every outcome."""
    steps = (
        assume("0 <= X"), use, assume("0 <= Y"), assume("X == Y"),
        certify([2, 3], "0 <= X", [["1", [0], []]], equal=[[1, t("-1")]]), step("cut", [1, 4], {}, claim),
        assume("Y <= 0"), assume(claim), by(6, 7, claim), step("cases", [5, 8], {"split": t("0 <= Y")}, claim),
    )  # fmt: skip
    axioms = MEAN if sealed else ()
    accepted(certificate(*steps[:6], assumptions=("0 <= Y", "X == Y"), axioms=axioms))
    value = certificate(*steps, assumptions=("X == Y", claim), axioms=axioms)
    if sealed:
        assert "sealed" in refused(value)
    else:
        accepted(value)


def test_other_seals_stay_after_a_cut() -> None:
    """0 <= Y was used under E in the first premise."""
    both = (
        assume("0 <= Y"), under(0, "0 <= E(Y)"), assume("0 <= a"),
        certify([1, 2], "0 <= E(Y) + a", [["1", [0], []], ["1", [1], []]]), assume("a == Y"),
        certify([0, 4], "0 <= a", [["1", [0], []]], equal=[[1, t("-1")]]), step("cut", [3, 5], {}, "0 <= E(Y) + a"),
        assume("Y <= 0"), assume("0 <= E(Y) + a"), by(7, 8, "0 <= E(Y) + a"),
        step("cases", [6, 9], {"split": t("0 <= Y")}, "0 <= E(Y) + a"),
    )  # fmt: skip
    accepted(certificate(*both[:7], assumptions=("0 <= Y", "a == Y"), axioms=MEAN))
    assert "sealed" in refused_steps(*both, assumptions=("a == Y", "0 <= E(Y) + a"), axioms=MEAN)


@pytest.mark.parametrize("coefficient", ["S(xj)", "C(qk)", "E(X)*eta", "norm(g)*X"])
@pytest.mark.parametrize("ahead", ["", "E(VT)", "0*VT", "xj", "xi(xj)", "qk", "sj", "wk"])
def test_the_equation_of_the_state_is_of_the_context(coefficient: str, ahead: str) -> None:
    """It depends on the outcome and on time; it does not look ahead, also where what does is times 0."""
    drift = f"{coefficient} + {ahead}" if ahead else coefficient
    below = assume("b <= V"), step("ito", [0], {"potential": "V"}, f"E(VT) - V0 <= EI(({coefficient})*norm(g)**2)")
    value = certificate(*below, axioms=ALL_AXIOMS)
    value["context"]["potentials"]["V"] |= {"drift": [[t(drift), ["v", "g"]]], "diffusion": []}
    if ahead:
        assert "coefficient" in refused(value, "not a combination of processes")
    else:
        accepted(value)


def primitive(whole: str, slope: str, name: str = "t") -> dict[str, Any]:
    """The certificate of I(slope) == P(T) - P(0)."""
    data = {"time": name, "primitive": t(whole), "integrand": t(slope)}
    claim = [
        "==",
        ["I", t(slope)],
        ["+", at(t(whole), name, ["x", "T"]), ["*", ["q", "-1"], at(t(whole), name, ["q", "0"])]],
    ]
    return certificate(certify([], f"{slope} == {slope}"), step("primitive", [0], data, "0 == 0") | {"claim": claim})


def at(raw: Any, name: str, value: Any) -> Any:
    return value if raw == ["x", name] else [at(part, name, value) if type(part) is list else part for part in raw]


@pytest.mark.parametrize(
    ("whole", "slope"),
    [
        ("t**0", "0"),
        ("(2*t + 1)**3", "6*(2*t + 1)**2"),
        ("t*exp(t)*k", "k*exp(t) + k*t*exp(t)"),
        ("pi*t", "pi"),
        ("t**2", "2*t"),
    ],
)
def test_time_itself(whole: str, slope: str) -> None:
    """Only the clock is the time: of another function of time nobody knows the derivative."""
    assert "t is the time itself" in accepted(primitive(whole, slope)).reading
    if "t" in whole:
        refused(primitive(whole.replace("t*", "eta*"), slope.replace("*t", "*eta"), "eta"))


NO_PRIMITIVES = "t + sqrt(k); F(t); abs(t); t + I(eta); norm(g); X; xi(sj); t + 0*X; log(t); t/t"


@pytest.mark.parametrize("whole", NO_PRIMITIVES.split("; "))
def test_what_has_no_primitive(whole: str) -> None:
    """The rules of calculus are for what is written, not for what remains after it cancels."""
    refused(primitive(whole, "1"))


def test_names_of_vectors_and_matrices() -> None:
    """In the data of bounds a vector or matrix may stand by its name alone; a name of something else may not."""
    plain = ("dot(u, v) <= norm(u)*norm(v)", "quad(H, v) <= opnorm(H)*norm(v)**2", "trprod(H, A) <= opnorm(H)*tr(A)")
    data = ({"u": "u", "v": "v"}, {"matrix": "H", "vector": "v", "sign": 1}, {"matrix": "H", "psd": "A", "sign": 1})
    for rule, claim, names in zip(("cauchy_schwarz", "quad_bound", "trace_bound"), plain, data, strict=True):
        accepted(certificate(step(rule, [], names, claim)))
        for key in names:
            for wrong in ("a", "zz", "", 3, None, ["x", "a"], ["H"], ["v", "H"], ["m", "v"]):
                refused_steps(step(rule, [], names | {key: wrong}, claim))


NO_IDENTITIES = """
    E(X*Y) == E(X)*E(Y) ; E(X*VT) == VT*E(X) ; E(X*xj) == xj*E(X) ; E(norm(v)*X) == norm(v)*E(X) ;
    E(F(X)*Y) == F(X)*E(Y) ; E(Y/(1 + X)) == E(Y)/(1 + X) ; I(t*eta) == t*I(eta) ; I(E(X)*eta) == E(X)*I(eta) ;
    EI(eta*X) == eta*EI(X) ; EI(VT*X) == VT*EI(X) ; S(xj*sj) == sj*S(xj) ; C(qk*wk) == wk*C(qk) ;
    C(exp(wk)*pk) == exp(wk)*C(pk) ; E(qk*X) == X*E(qk) ; I(wk*eta) == T*wk*eta ; C(xj) == xj ; S(wk) == C(wk) ;
    C(S(xj*wk)) == C(wk)*xj ; Si(1) == n ; S(exp(xj)*yj) == exp(xj)*S(yj) ; Si(xi(sj)*xj) == xi(sj)*S(xj) ;
    I(X) == I(X) ; I(VT) == I(VT) ; exp(a + b) == exp(a)*exp(b) ; a*(1/a) == 1 ; 1/(1/a) == a + 0*b ;
    sqrt(a**2) == a ; dot(u, Mv(N, v)) == dot(v, Mv(N, u)) ; dot(u, Mv(N, u)) == quad(H, u) ; EI(X) == T*E(X) ;
    E(eta) == X ; S(a) == a ; F(0) == 0 ; log(0) == 0 ; Si(exp(xj*xi(xj))) == Si(exp(xj*xi(xj))) ;
    Si(exp(S(exp(xj*xi(xj))))) == Si(exp(S(exp(xj*xi(xj))))) ; Si(E(S(exp(xj*xi(xj))))) == Si(E(S(exp(xj*xi(xj))))) ;
    Si(xi(xj)/(xj + xi(xj))) == Si(xi(xj)/(xj + xi(xj))) ; psi(1) == 1/2
"""


@pytest.mark.parametrize("claim", [claim.strip() for claim in NO_IDENTITIES.split(";")])
def test_no_identity(claim: str) -> None:
    """A factor that an operator binds does not come out of it; a sum over i of a sum over j has no name with one coordinate."""
    refused(certificate(certify([], claim)))


IDENTITIES = """
    E(eta*X*a) == a*eta*E(X) ; E(E(X)*X) == E(X)**2 ; E(1) == 1 ; E(sj*S(eta)*X) == d*sj*eta*E(X) ; I(a) == a*T ;
    EI(eta*a) == a*I(eta) ; EI(E(X)*VT) == EI(E(X)*VT) ; S(a*xj + X) == a*S(xj) + d*X ; Si(xi(xj)*yj) == yj*S(xj) ;
    Si(1) == d ; C(1) == n ; C(a*qk + X*eta) == a*C(qk) + n*X*eta ; C(wk*S(xj)) == S(xj)*C(wk) ;
    C(S(xj*qk)) == C(qk*S(xj)) ; E(C(wk*X)) == C(wk)*E(X) ; I(C(wk)*eta) == C(wk)*I(eta) ;
    Si(exp(xi(xj) + S(yj))) == S(exp(xj + S(yj))) ; Si(xi(sj)*exp(S(sj)*xi(sj))) == S(sj*exp(S(sj)*sj)) ;
    Si(exp(xi(sj)*S(xj) - S(xj))) == S(exp((sj - 1)*S(xj))) ; Si(C(xi(xj)*qk)) == S(C(xj*qk)) ;
    Si(E(xi(xj)*X)) == S(E(X*xj)) ; Si(exp(xi(xj) + X)/(2*xi(xj) - a)) == S(exp(X + xj)/(-a + 2*xj)) ;
    dot(u, v) == dot(v, u) ; dot(v, v) == norm(v)**2 ; dot(u, Mv(H, v)) == dot(Mv(H, u), v) ;
    dot(Mv(A, u), u) == quad(A, u) ; trprod(A, N) == trprod(N, A) ; 1/(2*a - 2*b) == 1/2*(1/(a - b)) ;
    1/(3*a**2*b) == 1/3*(1/a)**2/b ; 1/0 == 0 ; sqrt(0) + log(1) + atan(0) + erf(0) + tanh(0) + abs(-1/2) == 1/2 ;
    sqrt(1) == exp(0) ; psi(a - a) == 1/2 ; (a + b)**3 == a**3 + 3*a**2*b + 3*a*b**2 + b**3
"""


@pytest.mark.parametrize("claim", [claim.strip() for claim in IDENTITIES.split(";")])
def test_identity(claim: str) -> None:
    value = certificate(certify([], claim))
    accepted(value)
    if "norm" not in claim:
        assert satisfies_in_models(value)
