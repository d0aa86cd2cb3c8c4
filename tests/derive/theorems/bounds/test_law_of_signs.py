"""Theorems on signs take nothing of a law that is false: they are refused with the reason, and say what is assumed."""

from pathlib import Path
from typing import Any

import pytest

import sdescent as sd
from sdescent.derive.expressions.coordinates import Coordinate
from sdescent.derive.methods.noise.law import Law
from sdescent.derive.proof.language.terms import num
from sdescent.derive.theorems.bounds.answer import decide
from sdescent.derive.theorems.bounds.sign_messages import law_backing, require_law
from sdescent.derive.theorems.bounds.stated import Stated, read_stated
from sdescent.derive.theorems.facts.law_shape import Backing
from sdescent.derive.vocabulary.errors import Refusal
from sdescent.reports.commands.prove_and_suggest import toml_of
from tests.derive.theorems.test_law_shape import FALSE_LAWS, UNIMODAL, Own, erf, name_of, normal, weibull
from tests.support.commands.own_pieces import forgotten

GAUSSIAN = sd.noise.Gaussian()
SIGNS: dict[str, Any] = {
    "method": "dsignsgd", "assume": ["smooth: L"], "V": "f - fstar", "claim": "change <= -eta*a*(G1 - d*sbar/4) + eta^2*L*d/2",
}  # fmt: skip
PLUGIN = """
from dataclasses import dataclass
import sympy as sp
import sdescent as sd
from sdescent.derive.vocabulary.registry import register, scale

@dataclass(frozen=True)
class Weibull3(sd.noise.Law):
    @property
    def tail(self):
        return sp.oo
    def density(self, x):
        return 3 * x**2 * sp.exp(-sp.Abs(x)**3) / 2
    def sign_mean(self, x):
        return sp.sign(x) * (1 - sp.exp(-sp.Abs(x)**3))
    def latex(self):
        return "W"

@register("noise", "{name}", "sigma times a two-sided Weibull law", scale("sigma"))
def weibull3(sigma="sigma"):
    return sd.noise.Scaled(Weibull3(), sigma)
"""


def signs_under(law: Law) -> sd.Method:
    return sd.DSignSGD(sd.noise.Scaled(law))


@pytest.mark.parametrize("law", [law for law, *_ in FALSE_LAWS][::4], ids=name_of)
def test_laws_that_the_theorems_are_false_of_are_refused(law: Own) -> None:
    with pytest.raises(Refusal) as refused:
        require_law(signs_under(law), False)
    assert refused.value.kind in ("asymmetric-noise", "not-unimodal", "unsound-piece")


@pytest.mark.parametrize("law", [*UNIMODAL[:2], sd.noise.Cauchy(), sd.noise.Stable("alpha")], ids=name_of)
def test_laws_that_they_hold_of_are_not(law: Law) -> None:
    require_law(signs_under(law), False)


def test_a_law_that_contradicts_itself_is_refused_first() -> None:
    class Twice(Own):
        """A class that no other test has found to be sound."""

    with pytest.raises(Refusal) as refused:
        require_law(signs_under(Twice("two in one", lambda x: weibull(3).sign_mean(x), normal)), False)
    assert refused.value.kind == "unsound-piece"


def test_a_law_that_is_not_symmetric_is_refused_as_such() -> None:
    class Skewed(Own):
        symmetric = False

    skewed = Skewed("skewed", lambda x: erf(x), normal)
    assert law_backing(signs_under(skewed), False)["odd"].backing is Backing.FALSE
    with pytest.raises(Refusal, match="not symmetric") as refused:
        require_law(signs_under(skewed), False)
    assert refused.value.kind == "asymmetric-noise"


def test_a_file_with_a_law_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN.replace("{name}", "weibull-three"))
    (tmp_path / "t.toml").write_text(toml_of({**SIGNS, "noise": "weibull-three", "plugins": ["mine.py"]}))
    with forgotten(), pytest.raises(Refusal, match="false for Weibull3: the density rises"):
        _ = read_stated(tmp_path / "t.toml").setting


@pytest.mark.parametrize(
    "noise",
    [sd.noise.Affine(1, 1), sd.noise.Scaled(GAUSSIAN, Coordinate("w", "j", True)), sd.noise.Correlated(GAUSSIAN)],
    ids=str,
)
def test_a_scale_that_is_no_constant_is_refused(noise: sd.noise.Noise) -> None:
    with pytest.raises(Refusal) as refused:
        require_law(sd.DSignSGD(noise), False)
    assert refused.value.kind == "no-common-scale"


def test_every_property_that_is_declared_has_a_backing() -> None:
    """Of any noise it is an assumption."""
    backing, of_any = law_backing(signs_under(sd.noise.Cauchy()), False), law_backing(sd.DSignSGD(), True)
    declared = Stated({**SIGNS, "noise": "cauchy"}).setting.context.functions["R"]
    assert {name for name, value in declared.items() if value} <= set(backing) == set(of_any)
    assert {one.backing for one in of_any.values()} == {Backing.ASSUMED}


def test_signs_without_noise_have_no_covariance() -> None:
    """At a coordinate of the gradient that is 0 the message is 0: 1 - R^2 would be 1 there."""
    silent = Stated(SIGNS).setting.definitions["Tr S"]
    assert silent.right == num(0)
    assert decide(Stated({**SIGNS, "claim": "change <= -eta*Phi + eta^2*L*d/2"}), 20.0, repair=False).status == "PROVED"
