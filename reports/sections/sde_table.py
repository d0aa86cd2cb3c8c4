"""The SDEs of all methods, compressors and noises, with the conditions under which they exist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import sympy as sp

from derive.compressors import Compressor, Unbiased
from derive.coordinates import g, to_slot
from derive.errors import Refusal
from derive.form import GradientForm
from derive.latex import condition_latex
from derive.methods import Method
from derive.models import lam
from derive.moments import Moments, compression_ratio, moments
from derive.noise import GenericLaw, Scaled
from derive.registry import entries
from derive.symbols import d as dimension
from reports.notation import Notation, macro, split_sum
from reports.sections.section import Context, Section

#: formulas with more summands than this are given once, for a law left open
LONG = 12
_MARKS = {"no-drift": "n", "infinite-variance": "v"}


@final
class SDETable(Section):
    """Existence for every pair, formulas for a law left open, and the formulas for each law where they are short."""

    name, title = "sde-table", "The stochastic differential equations"

    def compute(self, context: Context) -> dict[str, Any]:
        notation = Notation()
        notation.use("eta", "N", "t", "b", "S", "x", "g", "H")
        compressors = {n: e.build() for n, e in entries("compressor").items()}
        noises = {n: e.build() for n, e in entries("noise").items()}
        laws = []
        for name, noise in noises.items():
            if noise.law.degenerate or name == "affine":
                continue
            laws.append(_law_row(name, noise.law, notation))
        blocks = []
        for name, compressor in compressors.items():
            context.tick(f"the SDEs with {name}")
            blocks.append(_block(name, compressor, noises, notation))
        return {"noises": list(noises), "laws": laws, "blocks": blocks, "used": sorted(notation.used)}


def _law_row(name: str, law: Any, notation: Notation) -> dict[str, str]:
    y = sp.Symbol("y", real=True)
    try:
        variance = notation(law.variance) if law.tail == sp.oo or law.tail.is_Symbol or law.tail > 2 else r"\infty"
    except (TypeError, ArithmeticError):
        variance = r"\infty"
    except Exception as error:  # a law may have no closed variance; anything else is a bug
        if type(error).__name__ != "NoClosedForm":
            raise
        variance = r"\infty"
    sign_mean = notation(law.sign_mean(y))
    return {"name": name, "sign_mean": sign_mean, "variance": variance, "tail": notation(law.tail)}


def _block(name: str, compressor: Compressor, noises: Mapping[str, Any], notation: Notation) -> dict[str, Any]:
    method = "DSGD" if name == "identity" else "DSignSGD" if name == "sign" else "DCSGD"
    cells, rows = [], []
    for noise_name, noise in noises.items():
        cell = _existence(compressor, noise, notation)
        cells.append(cell["text"])
        if cell["form"] is not None and not _long(cell["form"]):
            rows.append({"noise": noise_name, **_formulas(cell["form"], notation), "condition": cell["condition"]})
    generic = moments(Method(compressor, Scaled(GenericLaw())))
    entry: dict[str, Any] = {
        "compressor": name,
        "method": method,
        "symbol": compressor.latex(),
        "definition": entries("compressor")[name].summary,
        "cells": cells,
        "rows": rows,
        "omega": _omega(compressor, notation),
        "unbiased": isinstance(compressor, Unbiased),
        "generic": None,
        "given": None,
        "lambda": None,
    }
    if generic.form is not None:
        entry["generic"] = _generic(generic.form, notation)
        entry["lambda"] = _lambda(compressor, notation)
    else:
        given = generic.conditional.given_v  # pyright: ignore[reportOptionalMemberAccess]
        entry["given"] = {"mean": notation(given.mean), "covariance": _covariance(given, notation)}
    return entry


def _lambda(compressor: Compressor, notation: Notation) -> str | None:
    if isinstance(compressor, Unbiased):
        return None
    mean = moments(Method(compressor, Scaled(GenericLaw()))).mean
    assert mean is not None  # for the type checker: the caller has a closed form
    value = lam(mean)
    if isinstance(value, sp.Piecewise):
        return notation(value.args[-1].args[0])
    return notation(value)


def _existence(compressor: Compressor, noise: Any, notation: Notation) -> dict[str, Any]:
    try:
        found: Moments = moments(Method(compressor, noise))
    except Refusal as refusal:
        return {"text": _MARKS[refusal.kind], "form": None, "condition": ""}
    condition = ", ".join(_condition(c, notation) for c in found.conditions)
    if found.form is None:
        text = rf"$\mid {macro('v')}$"
    elif found.conditional is not None and not found.conditional.law.degenerate:
        text = "num"
    else:
        text = r"$\checkmark$"
    return {"text": text + (rf" ${condition}$" if condition else ""), "form": found.form, "condition": condition}


def _condition(condition: Any, notation: Notation) -> str:
    notation(condition.left)
    return condition_latex(condition, {n: macro(n) for n in notation.used})


def _long(form: GradientForm) -> bool:
    return form.rank > 1 or len(sp.Add.make_args(form.diag)) > LONG or form.diag.has(sp.floor)


def _formulas(form: GradientForm, notation: Notation) -> dict[str, str]:
    """Mean and covariance, the latter through b_j where the mean is long."""
    names = {form.mean: f"{macro('b')}_{{j}}"} if form.mean != g and form.mean.count_ops() > 3 else {}
    return {"mean": notation(form.mean), "covariance": _covariance(form, notation, names)}


def _covariance(form: GradientForm, notation: Notation, names: Mapping[sp.Expr, str] | None = None) -> str:
    parts = []
    if form.diag != 0:
        body = notation(form.diag, names)
        bracketed = isinstance(form.diag, (sp.Add, sp.Piecewise))
        parts.append(r"\delta_{ij}" + (rf"\left({body}\right)" if bracketed else rf"\,{body}"))
    if form.rank == 1:
        scalar = notation(form.core[0, 0])
        f = form.factors[0]
        parts.append(("" if scalar.startswith("-") else "+") + rf"{scalar}\,{notation(to_slot(f, 'j', 'i'))}\,{notation(f)}")
    return "".join(parts).removeprefix("+") or "0"


def _generic(form: GradientForm, notation: Notation) -> dict[str, Any]:
    if not _long(form):
        return {"short": True, **_formulas(form, notation)}
    diagonal = split_sum(form.variance.expand(), notation)
    return {
        "short": False,
        "mean": split_sum(form.mean.expand(), notation),
        "diagonal": diagonal,
        "rank": form.rank,
        "factors": [notation(f) for f in form.factors],
        "core": [
            {"row": a + 1, "column": b + 1, "value": notation(form.core[a, b])}
            for a in range(form.rank)
            for b in range(a, form.rank)
            if form.core[a, b] != 0
        ],
    }


def _omega(compressor: Compressor, notation: Notation) -> str:
    ratio = compression_ratio(compressor, dimension)
    if ratio is None:
        if isinstance(compressor, Unbiased):
            return r"none"
        return "biased"
    return rf"${notation(ratio.value)}$"
