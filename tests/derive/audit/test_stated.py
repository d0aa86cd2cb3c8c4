"""Equations of one's own: what is read and refused, and their consequences against other formulas and libraries."""

import math
import pickle
import re
import string
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from scipy import linalg, stats

import sdescent as sd
from sdescent.derive.audit.equation_in_coordinates import StateSDE
from sdescent.derive.derivation import SDE
from sdescent.derive.equations.roots import block_root, smooth_in
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.vocabulary import names
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import parameter
from tests.support.commands.pages import ROOT

x, y, a = sp.symbols("x y a", real=True)


def langevin(friction: str = "gamma", temperature: str = "2*gamma*T") -> StateSDE:
    return SDE.from_coordinates(
        ["x", "v"], ["v", f"-x - {friction}*v"], diffusion=[[0], [f"sqrt({temperature})"]], positive=["gamma", "T"]
    )


def ornstein_uhlenbeck(off: str = "1/2") -> StateSDE:
    return SDE.from_coordinates(["x1", "m1"], ["-2*x1 + m1", "x1/3 - m1"], [[1, "1/2"], [off, "3/2"]])


# --- consequences -------------------------------------------------------------------------------------------------------


def test_stationary_moments_of_an_ornstein_uhlenbeck_process_solve_lyapunovs_equation():
    found = ornstein_uhlenbeck().stationary_moments()
    expected = linalg.solve_continuous_lyapunov(np.array([[-2, 1], [1 / 3, -1]]), -np.array([[1, 0.5], [0.5, 1.5]]))
    assert np.allclose(found.at({}), expected, rtol=1e-14)
    assert found.condition == sp.true
    unstable = SDE.from_coordinates(["x1", "m1"], ["-2*x1 + m1", "3*x1 - m1"], [[1, "1/2"], ["1/2", "3/2"]])
    with pytest.raises(Refusal, match="no stationary law"):
        unstable.stationary_moments().at({})


def test_underdamped_langevin_has_the_law_of_gibbs_and_wrong_noise_has_not():
    """exp(-(x^2 + v^2)/(2 T)): E x^2 = E v^2 = T, whatever the friction; the noise is degenerate."""
    temperature = sp.Symbol("T", positive=True)
    assert langevin().stationary_moments().matrix == temperature * sp.eye(2)
    hotter = langevin(temperature="2*gamma*T*11/10").stationary_moments().matrix
    assert hotter == sp.Rational(11, 10) * temperature * sp.eye(2)
    assert langevin().noise_type == "additive"
    with pytest.raises(NoClosedForm, match="one dimension"):
        langevin().density()


def test_moments_of_geometric_brownian_motion():
    """d/dt E X^n = (n mu + n (n-1) sigma^2/2) E X^n."""
    mu, sigma = sp.symbols("mu sigma", real=True)
    equation = SDE.from_coordinates(["x"], ["mu*x"], [["sigma^2*x^2"]])
    rates = [n * mu + sp.Rational(n * (n - 1), 2) * sigma**2 for n in (1, 2, 3)]
    assert vanishes((equation.moment_equations(3).matrix - sp.diag(*rates)).norm())
    assert equation.root == sp.Matrix([[sigma * x]])  # smooth, not sigma |x|
    assert equation.stratonovich_drift()[0] == mu * x - sigma**2 * x / 2


@pytest.mark.slow
def test_the_density_of_a_square_root_process_is_a_gamma_law_on_the_positive_line():
    equation = SDE.from_coordinates(
        ["r"], ["kappa*(theta - r)"], [["sigma^2*r"]], positive=["r", "kappa", "theta", "sigma"],
        conditions=["2*kappa*theta > sigma^2"],
    )  # fmt: skip
    p = equation.density().normalised({"kappa": 2, "theta": 0.75, "sigma": 0.5})
    law = stats.gamma(2 * 2 * 0.75 / 0.25, scale=0.25 / 4)
    assert all(math.isclose(p(z), law.pdf(z), rel_tol=1e-9) for z in (0.1, 0.7, 1.4))
    assert p(-0.5) == 0
    assert equation.to_dict()["conditions"] == ["2*kappa*theta > sigma**2", "r > 0"]


def test_the_generator_matches_letters_by_name_and_refuses_foreign_ones():
    equation = ornstein_uhlenbeck()
    plain = sp.Symbol("x1")  # without the assumption that it is real
    assert equation.generator(plain**2) == equation.generator("x1^2") == 2 * equation.state[0] * equation.drift[0] + 1
    assert equation.generator(parameter("scale") * plain) == parameter("scale") * equation.drift[0]
    for foreign, name in (("x2^2", "x2"), ("x1*t", "'t'"), (sp.Symbol("scale") * plain, "'scale'")):
        with pytest.raises(BadInput, match=name):
            equation.generator(foreign)


def test_an_equation_derived_from_a_method_is_its_own_equation_again():
    method = sd.DCSGD(sd.compressors.RandK(1), sd.noise.Scaled(sd.noise.Gaussian()), clients=2)
    named = sd.sde(method, "corrected", sd.losses.Quadratic((1, 2)), 2).coordinates()
    own = SDE.from_coordinates(named.state, named.drift, named.covariance)
    assert (own.drift, own.covariance) == (named.drift, named.covariance)
    texts = own.to_dict()
    as_text = SDE.from_coordinates(["x1", "x2"], texts["drift"], texts["covariance"], positive=["sigma"])
    assert (as_text.drift, as_text.covariance) == (named.drift, named.covariance)


def test_what_an_equation_says_of_itself():
    equation = langevin()
    assert equation.to_dict() == {
        "dim": 2, "state": ["x", "v"], "gradient": [], "drift": ["v", "-gamma*v - x"],
        "covariance": [["0", "0"], ["0", "2*T*gamma"]], "missing": [], "noise_type": "additive", "conditions": [],
        "parameters": ["T", "gamma"],
    }  # fmt: skip
    assert equation.latex({"gamma": r"\friction"}) == (
        r"\begin{aligned}\mathrm{d}x &= v\,\mathrm{d}t \\ \mathrm{d}v &= \left(- \friction\,v - x\right)\mathrm{d}t + "
        r"\sqrt{2\,T\,\friction}\,\mathrm{d}W\end{aligned}"
    )
    coupled = SDE.from_coordinates(["x", "y"], ["-x", 0], [["x^2 + y^2", "x"], ["x", 1]])
    assert coupled.latex() == (
        r"\begin{aligned}\mathrm{d}x &= - x\,\mathrm{d}t + (B\,\mathrm{d}W)_{1} \\ \mathrm{d}y &= (B\,\mathrm{d}W)_{2} \\ "
        r"BB^{\top} &= \begin{pmatrix}x^{2} + y^{2} & x \\ x & 1\end{pmatrix}\end{aligned}"
    )
    assert set(equation.symbols) == {"x", "v", "T", "gamma", "t"}
    again = pickle.loads(pickle.dumps(equation))
    assert again == equation and again.stationary_moments().matrix == equation.stationary_moments().matrix


# --- roots --------------------------------------------------------------------------------------------------------------

COVARIANCES = {
    "diagonal": sp.diag(a**2 * x**2, 0, 1 + y**2),
    "rank one": sp.Matrix([x, x * y, 1, 2]) * sp.Matrix([[x, x * y, 1, 2]]),
    "two": sp.Matrix([[1 + x**2, x * y], [x * y, 1 + y**2]]),
    "three": sp.Matrix([[2, x, 0], [x, 1 + x**2, 1], [0, 1, 3]]),
}


@pytest.mark.parametrize("name", COVARIANCES)
def test_a_block_root_times_its_transpose_is_the_covariance(name):
    covariance = COVARIANCES[name]
    root = block_root(covariance)
    assert root is not None
    for point in ({x: sp.Rational(2, 3), y: sp.Rational(-5, 7), a: 3}, {x: 0, y: 0, a: 0}, {x: -2, y: 1, a: -1}):
        gap = (root * root.T - covariance).subs(point)
        assert all(abs(e.evalf(30)) < 1e-25 for e in gap), point
    wrong = root.copy()
    wrong[0, 0] *= sp.Rational(11, 10)
    assert not vanishes((wrong * wrong.T - covariance)[0, 0])


def test_larger_blocks_have_no_closed_root_and_kinks_are_not_differentiable():
    assert block_root(sp.eye(4) + sp.ones(4, 4)) is None
    assert smooth_in(sp.Matrix([[sp.sqrt(1 + x**2), a * x]]), [x])
    for broken in (sp.sqrt(x**2 - a), sp.Abs(x), sp.Max(x, 0), sp.Piecewise((x, x > 0), (0, True))):
        assert not smooth_in(sp.Matrix([[broken]]), [x]), broken


# --- what is refused ----------------------------------------------------------------------------------------------------


def one(drift: Any = "-x", covariance: Any = ((1,),), **more: Any) -> StateSDE:
    return SDE.from_coordinates(more.pop("state", ["x"]), [drift], covariance, **more)


REFUSED = {
    "a float": (lambda: one(0.5), "1/10"),
    "an unknown function": (lambda: one(sp.Function("f")(x)), "known functions"),
    "code": (lambda: one("__import__('os')"), "accepted"),
    "a reserved letter": (lambda: one(state=["eta"]), "another name: eta is a symbol of the toolkit's own"),
    "an object of SymPy": (lambda: one("-Q*x"), "another name: Q is an object of SymPy, as E, I, O, Q and S are"),
    "a name of a function": (lambda: one("-re*x"), "another name: re is the name of a function"),
    "a letter twice": (lambda: SDE.from_coordinates(["x", "x"], [0, 0], [[1, 0], [0, 1]]), "once"),
    "a complex symbol": (lambda: one(sp.Symbol("z", imaginary=True)), "real"),
    "a covariance that is not square": (lambda: one(covariance=[[1, 2]]), "1 rows of 1"),
    "both": (lambda: one(diffusion=[[1]]), "one of the two"),
    "a positive letter that nothing has": (lambda: one(positive=["sgma"]), "letters of the equation"),
    "a weak condition": (lambda: one(conditions=["x >= 0"]), "one inequality"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_with_the_remedy(name):
    make, remedy = REFUSED[name]
    with pytest.raises(BadInput, match=remedy):
        make()


def test_the_page_lists_the_names_that_no_parameter_can_have():
    """On the page: each name in backquotes of the paragraph is refused, and those that it lets through are accepted."""
    page = (ROOT / "docs/howto/your-own-sde.md").read_text(encoding="utf-8")
    refused, accepted = re.findall(r"Names that a parameter cannot have(.*?)All the same, (.*?)\n\n", page, re.DOTALL)[
        0
    ]
    for name in re.findall(r"`(\w+)`", refused):
        with pytest.raises(BadInput):
            one(f"-{name}*x")
    for name in re.findall(r"`(\w+)`", accepted):
        one(f"-{name}*x")
    named = set(re.findall(r"`(\w+)`", refused))
    short = {a for a in (*string.ascii_letters, *names.RESERVED) if not accepts(a)}
    assert short <= named


def accepts(name: str) -> bool:
    try:
        one(f"-{name}*x")
    except BadInput:
        return False
    return True


def test_a_covariance_must_be_one():
    with pytest.raises(BadInput, match="symmetric"):
        ornstein_uhlenbeck(off="1/3")
    negative = r"covariance of x: found 'a negative eigenvalue at sigma = .*x = -.*positive or conditions"
    with pytest.raises(BadInput, match=negative):
        one(covariance=[["sigma^2*x"]])
    with pytest.raises(BadInput, match="covariance of x, y"):
        SDE.from_coordinates(["x", "y"], [0, 0], [[1, 2], [2, 1]])
    with pytest.raises(BadInput, match="covariance of x, y"):  # not by the sign of its diagonal or of its determinant
        SDE.from_coordinates(["x", "y", "z"], [0, 0, 0], [[-1, "x", 0], ["x", -1, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("variance", "said", "unsaid"),
    [
        ("-gamma", {"conditions": ["gamma < 0"]}, "nothing says that gamma has one sign"),
        ("2*gamma*T*x^2", {"positive": ["gamma", "T"]}, "nothing says that T or gamma has one sign"),
        ("1 - rho^2", {"conditions": ["rho^2 < 1"]}, "; if the state or the parameters stay"),
    ],
)
def test_the_sign_of_a_variance_must_be_said(variance, said, unsaid):
    """Whichever sign the first values that are tried happen to have: -gamma was accepted once, and gamma refused."""
    with pytest.raises(BadInput, match=unsaid):
        one(covariance=[[variance]])
    with pytest.raises(BadInput, match="covariance of x: "):
        SDE.from_coordinates(["x", "y"], [0, 0], [[variance, "1/9"], ["1/9", 1]])
    one(covariance=[[variance]], **said)


def test_a_covariance_that_is_one_where_it_is_stated():
    one(covariance=[["sigma^2*x"]], positive=["x"])
    one(covariance=[["x*(1 - x)"]], conditions=["x > 0", "x < 1"])
    SDE.from_coordinates(["x", "y"], [0, 0], [[1, "rho"], ["rho", 1]])  # for |rho| < 1
    one(covariance=[["1 - tanh(x)^2"]])
    assert one(Fraction(1, 3)).drift[0] == sp.Rational(1, 3)


def test_letters_are_one_symbol_for_each_name():
    positive = one(sp.Symbol("k", positive=True) * sp.Symbol("x"), [["k^2"]])
    assert positive.parameters == (sp.Symbol("k", positive=True),)
    assert positive.root == sp.Matrix([[sp.Symbol("k", positive=True)]])
    assert one(positive=["x"]).to_dict()["conditions"] == ["x > 0"]
    clipped = one("eta*min(max(x, -1), 1)/N").drift[0]
    assert clipped == sd.sde(sd.DSGD()).rate * sp.Min(1, sp.Max(-1, x))
