"""Why an equation does not exist, as a terminal shows it: no LaTeX, no letters of the engine's own."""

import re

import pytest
import sympy as sp

import sdescent as sd
from sdescent.derive.derivation import RuleSDE
from sdescent.derive.expressions.coordinates import coord_sum, g, hvp
from sdescent.derive.expressions.written import refusal
from sdescent.derive.methods.compressors import TopK
from sdescent.derive.methods.noise import Gaussian, Laplace, StudentT
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.registry import entries
from sdescent.derive.vocabulary.symbols import eta
from tests.support.samples import regimes

NOISES = {"gaussian": Gaussian(), "laplace": Laplace(), "student-t": StudentT(1)}
MODELS: tuple[Model, ...] = ("first-order", "second-order", "corrected")
#: what a message must not show: LaTeX, and names that only the code knows
RAW = re.compile(r"[\\$]|_\{|Hvp|CoordSum|CoordMax|draw\d|raw\d|\b[a-z]+_[jk]\b(?<!b_j)(?<!g_j)")


def needs(name: str) -> dict[str, object]:
    return {"compressor": TopK(1)} if name in ("dcsgd", "error-feedback") else {}


Case = tuple[str, str | None, Model, str]
CASES: list[Case] = [
    (name, regime, model, noise)
    for name in entries("method") for regime in regimes(name, **needs(name)) for model in MODELS for noise in NOISES
]  # fmt: skip
#: a model and a noise for each method and regime, by turns; the corrected model is refused before the noise is looked at
COVERING = [case for n, case in enumerate(CASES) if n % 9 == n // 9 % 2 * 3 + n // 9 % 3]


def said(name: str, regime: str | None, model: Model, noise: str) -> list[str]:
    """What is said about an equation that does not exist, or that has no closed form."""
    more = {} if regime is None else {"regime": regime}
    try:
        equation = sd.sde(entries("method")[name].build(noise=NOISES[noise], **needs(name), **more), model)
    except Refusal as refused:
        return [refused.message, *([] if refused.term is None else [refused.term])]
    return [equation.missing] if isinstance(equation, RuleSDE) and equation.missing is not None else []


def readable(cases: list[Case]) -> int:
    """How many of the cases say something, all of it readable."""
    texts = {case: said(*case) for case in cases}
    raw = {case: text for case, found in texts.items() for text in found if RAW.search(text)}
    assert raw == {}
    return sum(map(bool, texts.values()))


@pytest.mark.slow
def test_a_covering_choice_of_refusals_reads_as_text() -> None:
    assert readable(COVERING) > 15


def test_a_formula_is_text_for_the_terminal_and_mathematics_for_a_document() -> None:
    found = refusal("no-drift", "the drift of $x$ is {drift}", drift=sp.sqrt(eta) * hvp(g) / sp.sqrt(coord_sum(g**2)))
    assert found.message == str(found) == "the drift of x is sqrt(eta)*hess(g)/norm(g)"
    assert found.marked.startswith(r"the drift of $x$ is $\frac{\sqrt{\eta}") and found.marked.endswith("$")
    assert RAW.search(found.marked) is not None  # what the tests above look for would be found


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        ("eta^m", "log has no real value where the step shrinks to 0: its argument there is 0"),
        ("eta*log(-2)", "log has no real value where the step shrinks to 0: its argument there is -2"),
        ("eta*sqrt(-1)*m", r"a power of a negative term in the update, which is not real: (-1)^(1/2)"),
        ("eta*exp(m/eta)", "a function of a term that grows without bound as the step shrinks: m"),
        ("eta^(4/3)*m", "a power of the step's time that is not a multiple of 1/2: (1 s^2)^(4/3)"),
    ],
)
def test_a_step_without_an_expansion_has_no_equation(step: str, reason: str) -> None:
    method = sd.Method(noise=Gaussian(), memory={"m": 0}, update=["m = m + eta*G", f"x = x - {step}"], regime={})
    found = sd.sde(method)
    assert isinstance(found, RuleSDE) and found.rule is None and found.missing == reason
