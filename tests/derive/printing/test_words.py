r"""In LaTeX a name of several letters is one word: `wd` is \mathit{wd}, not w times d."""

import re

import pytest
import sympy as sp

from sdescent.derive.audit.weak_order import audit
from sdescent.derive.derivation import sde
from sdescent.derive.expressions.written import refusal, symbol_latex
from sdescent.derive.methods.compressors import Bernoulli, Clip, TopK
from sdescent.derive.methods.distributed import DCSGD, Method
from sdescent.derive.methods.losses import Quadratic
from sdescent.derive.methods.noise import Affine, Scaled, Stable, StudentT
from sdescent.derive.proof.language.terms import x
from sdescent.derive.proof.language.text import TermWriter, latex_name

_WORDS = re.compile(
    r"\\(?:mathit|mathrm|mathcal|mathbb|text|texttt|textsf|operatorname|begin|end)\{[^{}]*\}|\\[A-Za-z]+"
)


def products(tex: str) -> list[str]:
    """Words that TeX sets as products of their letters, in formulas."""
    meant = ("BB", "LL", "ij")  # B B' and L L' are products, and i and j two indices
    return [word for word in re.findall(r"[A-Za-z]{2,}", _WORDS.sub(" ", tex)) if word not in meant]


def test_the_test_sees_products():
    assert products(r"- wd\,x_{max} + \beta_{1}\,\mathit{wd}\text{ if so}") == ["wd", "max"]


RULE = Method(
    noise=Scaled(StudentT("dof"), "sig_max"), clients=1, memory={"mom": 0},
    update=["mom = keep*mom + (1-keep)*G", "x = x - step*eta*(mom + wd*x)/(acc_max + lam_wd)"],
    regime={"keep": "1-rho_a*eta"}, fractions=["keep"],
)  # fmt: skip


@pytest.mark.parametrize(
    "method", [RULE, DCSGD(Bernoulli("keep"), Affine("siga", "sigb", "dof"))], ids=lambda m: m.name
)
def test_equations_and_rules(method: Method):
    found = sde(method)
    assert products(found.latex()) == [] and products(str(method._repr_latex_())) == []
    assert products(sde(method, loss=Quadratic(["first", "second"]), dim=2).latex(written_out=True)) == []


def test_pieces():
    for piece in (Bernoulli("keep"), Clip("cut"), TopK("some"), Scaled(Stable("tail"), ["sa", "sb"])):
        assert products(piece.latex()) == []


def test_what_a_referee_reads():
    told = audit(RULE, drift={"x": "-mom*wd", "mom": "0"}, covariance={"mom mom": "eta*lam_wd"}, loss=None).latex()
    assert [p for formula in re.findall(r"\$([^$]*)\$", told) for p in products(formula)] == []


def test_refusals_and_terms_of_proofs():
    wd, mu = sp.symbols("wd mu")
    refused = refusal("no-drift", "it has {left}", left=wd * mu)
    assert refused.marked == r"it has $\mu \mathit{wd}$" and refused.message == "it has mu*wd"
    assert TermWriter().term(x("alpha_wd")) == r"\alpha_{\mathit{wd}}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("wd", r"\mathit{wd}"), ("wd2", r"\mathit{wd}_{2}"), ("rho1", r"\rho_{1}"), ("eps", r"\varepsilon"), ("x", "x"),
     ("alpha_wd", r"\alpha_{\mathit{wd}}"), ("lr_max", r"\mathit{lr}_{\mathit{max}}"), ("sigmahat", r"\hat{\sigma}")],
)  # fmt: skip
def test_names(name: str, shown: str):
    assert symbol_latex(name) == shown
    assert products(latex_name(name)) == []
