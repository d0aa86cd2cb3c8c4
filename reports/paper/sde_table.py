"""The SDEs of all methods, compressors and noises, with their conditions, and the three models of a step."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, final

import sympy as sp

from sdescent.derive.equations.process.stationary import MODEL_NAMES, model_table, quartic_threshold
from sdescent.derive.equations.sde import MODELS, lam
from sdescent.derive.equations.step.covariance import Moments, compression_ratio, moments
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors import Compressor, Unbiased
from sdescent.derive.methods.distributed import DSGD, Method
from sdescent.derive.methods.noise import GenericLaw, Scaled
from sdescent.derive.methods.schedules import Free
from sdescent.derive.printing import latex
from sdescent.derive.printing.message_moments import named
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.names import Kind
from sdescent.derive.vocabulary.registry import entries
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.reports.document.notation import Notation, macro
from sdescent.reports.document.tex import escape
from sdescent.reports.sections.base import Excerpt, Inputs, Section


@final
class Models(Section):
    """The drifts of the three models, the table that compares them, and the entries of the catalogue that prove it."""

    name, title = "models", "The three models"

    def compute(self, context: Inputs) -> dict[str, Any]:
        notation = Notation()
        b = sp.Symbol("b")
        method = DSGD(schedule=Free())
        drifts = []
        for name, model in MODELS.items():
            drift = model(g, method).subs({g: b})
            letters = {b: f"{macro('b')}_j", hvp(g): f"({macro('H')}{macro('b')})_j"}
            drifts.append({"model": name, "drift": notation(drift, letters)})
        context.tick("what each model is good for")

        def threshold(value: sp.Expr) -> str:
            return r"\text{none}" if value == sp.oo else notation(value)

        formulas = {"variance": "variance", "ratio": "variance_ratio", "rate_error": "rate_error"}
        others = {
            "model": "model",
            "right": "threshold_right",
            "weak_order": "weak_order",
            "source": "weak_order_source",
        }
        rows = [
            {"threshold": threshold(row.threshold)}
            | {name: notation(getattr(row, field)) for name, field in formulas.items()}
            | {name: getattr(row, field) for name, field in others.items()}
            for row in model_table()
        ]
        subjects: tuple[Kind, ...] = ("method", *MODEL_NAMES)
        names = {s: "gradient descent" if s == "method" else s for s in subjects}
        quartic = [{"of": names[s], "at": threshold(quartic_threshold(s))} for s in subjects]
        proved = [f"6.7-{what}-{s}" for what in ("change", "affine") for s in subjects]
        return {"drifts": drifts, "rows": rows, "quartic": quartic, "proved": proved}


#: a formula with more summands than this is given only for an unspecified law
LONG = 12
#: largest number of characters of a broken line, which fits in a line of LaTeX's article class
NARROW = 50
_MARKS = {"no-drift": "no mean", "infinite-variance": "inf. var."}


@final
class SDETable(Section):
    """Existence for every compressor and noise; the results have the formulas too."""

    name, title = "sde-table", "The stochastic differential equations"

    def compute(self, context: Inputs) -> dict[str, Any]:
        notation = Notation()
        compressors = {n: e.build() for n, e in entries("compressor").items()}
        noises = {n: e.build() for n, e in entries("noise").items()}
        named_laws = {name: noise.law for name, noise in noises.items() if name != "affine"}
        laws = [_law_row(name, law, notation) for name, law in named_laws.items() if not law.degenerate]
        names = context.announced(compressors, "the SDEs with {}".format)
        blocks = [_block(name, compressors[name], noises, notation) for name in names]
        return {"noises": list(noises), "laws": laws, "blocks": blocks}


@final
class Catalogue(Excerpt):
    """The noise laws, and for each compressor the formulas for an unspecified law, and for each law if they are short."""

    name, title = "sde-catalogue", "The equations, compressor by compressor"
    source, keys = "sde-table", ("laws", "blocks")


def _law_row(name: str, law: Any, notation: Notation) -> dict[str, str]:
    y = sp.Symbol("y", real=True)
    try:
        variance = r"\infty" if law.tail.is_number and law.tail <= 2 else notation(law.variance)
    except NoClosedForm:
        variance = r"\infty"
    row = {"name": name, "definition": law.definition(notation), "variance": variance, "tail": notation(law.tail)}
    signed = {f"signed{m}": _signed_moment(law, m, y, notation) for m in (1, 2)}
    return {**row, "sign_mean": notation(law.sign_mean(y)), **signed}


def _signed_moment(law: Any, m: int, y: sp.Symbol, notation: Notation) -> str:
    """R_m(y) of a law: infinity for m = 1 or a dash for m = 2 if it is infinite, and a dash if it has no elementary form."""
    try:
        if law.tail.is_number and law.tail <= m:
            return r"\infty" if m == 1 else r"\text{--}"
        return notation(law.signed_moment(m, y))
    except NoClosedForm:
        return r"\text{--}"


def _block(name: str, compressor: Compressor, noises: Mapping[str, Any], notation: Notation) -> dict[str, Any]:
    method = "DSGD" if name == "identity" else "DSignSGD" if name == "sign" else "DCSGD"
    cells, rows, unwritten = [], [], []
    for noise_name, noise in noises.items():
        cell = _existence(compressor, noise, notation)
        cells.append(cell["text"])
        if cell["form"] is None:
            continue
        row = None if _long(cell["form"]) else _formulas(cell["form"], notation)
        if row is not None and _fits(row["mean"] + row["covariance"], notation):
            rows.append({"noise": noise_name, **row, "condition": cell["condition"]})
        elif noise.law.symmetric:
            unwritten.append(noise_name)
    generic, ratio = moments(Method(compressor, Scaled(GenericLaw()))), compression_ratio(compressor, dimension)
    entry: dict[str, Any] = {
        "compressor": name,
        "method": method,
        "definition": compressor.definition(notation) or escape(entries("compressor")[name].summary),
        "cells": cells,
        "rows": rows,
        "unwritten": unwritten,
        "omega": None if ratio is None else notation(ratio.value),
        # some message attains the ratio, so it is more than an upper bound
        "attained": ratio is not None and ratio.exact,
        "unbiased": isinstance(compressor, Unbiased),
        **dict.fromkeys(("generic", "given", "lambda")),
    }
    if generic.form is not None:
        entry["generic"] = _generic(compressor, generic.form, notation)
        if entry["generic"]["short"]:
            entry["lambda"] = _lambda(compressor, generic, notation)
    else:
        conditional = generic.conditional.given_v  # pyright: ignore[reportOptionalMemberAccess]
        covariance, *_ = latex.covariance_latex(conditional, notation)
        entry["given"] = {"mean": notation(conditional.mean), "covariance": covariance}
    return entry


def _lambda(compressor: Compressor, message: Moments, notation: Notation) -> str | None:
    """Lambda_jj at g_j = 0, where b_j/g_j needs a limit; None for unbiased compressors."""
    if isinstance(compressor, Unbiased):
        return None
    assert message.mean is not None  # for the type checker: the caller has a closed form
    value = lam(message.mean)
    return notation(value.args[-1].args[0] if isinstance(value, sp.Piecewise) else value)


def _existence(compressor: Compressor, noise: Any, notation: Notation) -> dict[str, Any]:
    try:
        message: Moments = moments(Method(compressor, noise))
    except Refusal as refusal:
        return {"text": _MARKS[refusal.kind], "form": None, "condition": ""}
    condition = ", ".join(latex.condition_latex(c, notation.commands()) for c in message.conditions)
    if message.form is None:
        text = rf"given ${macro('v')}$"
    elif message.conditional is not None and not message.conditional.law.degenerate:
        text = "num."
    else:
        text = r"$\checkmark$"
    return {"text": text + (rf" ${condition}$" if condition else ""), "form": message.form, "condition": condition}


def _long(form: GradientForm) -> bool:
    return form.rank > 1 or len(sp.Add.make_args(form.diag)) > LONG or form.diag.has(sp.floor)


def _fits(formulas: str, notation: Notation) -> bool:
    """Whether formulas fit side by side."""
    return latex.measured(notation.commands())(formulas) <= latex.WEIGHT


def _formulas(form: GradientForm, notation: Notation) -> dict[str, str]:
    """The mean and the covariance; if the mean is long, the covariance is in terms of b_j."""
    long = form.mean != g and form.mean.count_ops() > 3
    mean = f"{macro('b')}_{{j}}" if long else None
    (covariance,) = latex.covariance_latex(form, lambda e: notation(e, {form.mean: mean} if mean else None), mean)
    return {"mean": notation(latex.unnested(form.mean)), "covariance": covariance}


def _generic(compressor: Compressor, form: GradientForm, notation: Notation) -> dict[str, Any]:
    """b_j and S for an unspecified law: in full, broken into lines if they are wide, or in terms of r_j, a_j and c_j."""
    if not _long(form):
        formulas = _formulas(form, notation)
        if _fits(formulas["mean"] + formulas["covariance"], notation):
            return {"short": True, "lines": None, **formulas}
        measure, b = latex.measured(notation.commands()), sp.Dummy("b_j")

        def show(e: sp.Expr) -> str:
            return notation(e, {b: f"{macro('b')}_{{j}}"})

        lines = latex.equation_lines(
            f"{macro('b')}_j", latex.split_sum(latex.unnested(form.mean), show, NARROW, measure)
        )
        second = replace(form, diag=sp.expand(form.diag + form.mean**2) - b**2)
        covariance = latex.covariance_latex(second, show, weight=NARROW, measure=measure)
        return {"short": True, "lines": [*lines, *latex.equation_lines(rf"{macro('S')}_{{ij}}", covariance)]}
    entry = named(Method(compressor, Scaled(GenericLaw())))
    if entry is None:
        name = type(compressor).__name__
        raise ValueError(f"the moments of {name} are long, and r_j, a_j and c_j do not shorten them")
    return {"short": False, "lines": latex.named_lines(entry, notation.commands())}
