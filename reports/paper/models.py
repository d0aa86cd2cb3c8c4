"""The three continuous models of a step, their differences, and the use of each (theory 2 and 5)."""

from typing import Any, final

import sympy as sp

from sdescent.derive.equations.process.model_table import MODEL_NAMES, model_table, quartic_threshold
from sdescent.derive.equations.sde import MODELS
from sdescent.derive.expressions.coordinates import g, hvp
from sdescent.derive.methods.distributed import DSGD
from sdescent.derive.methods.schedules import Free
from sdescent.derive.vocabulary.choices import Kind
from sdescent.reports.document.notation import Notation, macro
from sdescent.reports.sections.base import Inputs, Section


@final
class Models(Section):
    """The drifts of the three models, the table of their merits, and the entries of the catalogue that prove it."""

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

        rows = [
            {
                "model": row.model,
                "threshold": threshold(row.threshold),
                "right": row.threshold_right,
                "variance": notation(row.variance),
                "ratio": notation(row.variance_ratio),
                "rate_error": notation(row.rate_error),
                "weak_order": row.weak_order,
                "source": row.weak_order_source,
            }
            for row in model_table()
        ]
        subjects: tuple[Kind, ...] = ("method", *MODEL_NAMES)
        names = {s: "gradient descent" if s == "method" else s for s in subjects}
        quartic = [{"of": names[s], "at": threshold(quartic_threshold(s))} for s in subjects]
        proved = [f"6.7-{what}-{s}" for what in ("change", "affine") for s in subjects]
        return {"drifts": drifts, "rows": rows, "quartic": quartic, "proved": proved}
