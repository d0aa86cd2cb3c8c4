"""Stationary laws near a minimum: covariances on quadratics, for the method and its models (theory 6.7)."""

from typing import Any, final

import sympy as sp

from sdescent.derive.derivation import sde
from sdescent.derive.equations.process import stationary
from sdescent.derive.equations.sde import MODELS
from sdescent.derive.methods.compressors import Bernoulli, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD
from sdescent.derive.methods.losses import Quadratic, Quartic
from sdescent.derive.methods.noise import Affine, Gaussian, Laplace, Logistic, Scaled, StudentT, Uniform
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.reports.document.notation import Notation, macro
from sdescent.reports.sections.base import Inputs, Section

LAMBDA = sp.Symbol("lambda", positive=True)


@final
class StationarySection(Section):
    """Second moments by exact linear solves, DSignSGD linearised at the optimum, and densities on the line."""

    name, title = "stationary", "Stationary laws"

    def compute(self, context: Inputs) -> dict[str, Any]:
        notation = Notation()
        context.tick("stationary second moments")
        methods = {
            "DSGD, gaussian": DSGD(Gaussian()),
            "DSGD, affine": DSGD(Affine()),
            "DCSGD with bernoulli, affine": DCSGD(Bernoulli(), Affine()),
        }
        rows = []
        for label, method in methods.items():
            exact = stationary.discrete_second_moments(method, 1, LAMBDA)
            models = []
            for model in MODELS:
                approximate = stationary.second_moments(method, 1, model, LAMBDA)
                equal = sp.cancel(approximate[0] - exact[0]) == 0
                value, condition = notation(approximate[0]), _condition(approximate, notation)
                models.append({"model": model, "value": value, "exact": equal, "condition": condition})
            of_method = {"own": notation(exact[0]), "condition": _condition(exact, notation)}
            rows.append({"method": label, **of_method, "models": models})
        context.tick("Rand-k with affine variance")
        compressed = DCSGD(RandK(1), Affine())
        randk = stationary.discrete_second_moments(compressed, 2, LAMBDA)
        context.tick("DSignSGD near the optimum")
        return {
            "rows": rows,
            "randk": notation(sp.factor(randk[0, 0])),
            "randk_condition": _condition(randk, notation),
            "randk_models": [m for m in MODELS if _same(stationary.second_moments(compressed, 2, m, LAMBDA), randk)],
            "signs": _signs(notation),
            "densities": _densities(notation),
        }


def _same(one: stationary.StationaryMoments, other: stationary.StationaryMoments) -> bool:
    """Whether all second moments are equal, with the same condition."""
    pairs = zip(one.matrix, other.matrix, strict=True)
    return one.condition == other.condition and all(sp.cancel(a - b) == 0 for a, b in pairs)


def _condition(moments: stationary.StationaryMoments, notation: Notation) -> str:
    """The condition under which the moments exist, in LaTeX; empty if they always do."""
    return "" if moments.condition == sp.true else r",\ ".join(notation(c) for c in sp.And.make_args(moments.condition))


def _signs(notation: Notation) -> list[dict[str, str]]:
    rows = []
    for law in (Gaussian(), StudentT("nu"), StudentT(1), Laplace(), Uniform(), Logistic()):
        value = stationary.sign_near_optimum(DSignSGD(law), 1, LAMBDA)[0]
        name = "cauchy" if law == StudentT(1) else type(law).__name__.lower().replace("studentt", "student-t")
        rows.append({"law": name, "scales": "", "value": notation(value)})
    # these scales are not named sigma_1 and so on, since those belong to the affine variance
    scales_tex = {f"scale{n}": rf"{macro('sigma')}^{{({n})}}" for n in (1, 2, 3)}
    three = stationary.sign_near_optimum(DSignSGD(Scaled(Gaussian(), tuple(scales_tex))), 1, LAMBDA)[0]
    names = {symbol: scales_tex[symbol.name] for symbol in three.free_symbols if symbol.name in scales_tex}
    rows.append({"law": "gaussian", "scales": ",".join(scales_tex.values()), "value": notation(three, names)})
    return rows


def _densities(notation: Notation) -> list[dict[str, str]]:
    cases = {
        "quartic, gaussian, first-order": (DSGD(Gaussian()), "first-order", Quartic()),
        "quadratic, affine, first-order": (DSGD(Affine()), "first-order", Quadratic(LAMBDA)),
        "quartic, gaussian, corrected": (DSGD(Gaussian()), "corrected", Quartic()),
    }
    rows = []
    for label, (method, model, loss) in cases.items():
        try:
            law = stationary.density(sde(method, model, loss, 1).expanded)
        except (NoClosedForm, Refusal) as error:
            rows.append({"case": label, "value": "", "note": str(error)})
            continue
        values = {"eta": 0.1, "N": 1.0, "sigma": 1.0, "sigma0": 1.0, "sigma1": 1.0, "lambda": 1.0}
        try:
            law.normalised(values)
            note = "integrable at step size 0.1 with scales and curvature 1 and one client"
        except Refusal as refusal:
            note = refusal.message
        rows.append({"case": label, "value": notation(law.shape), "note": note})
    return rows
