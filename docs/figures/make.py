"""The figures of the README and the tutorial, and the numbers in them: `python docs/figures/make.py [DIR]` (beside this file).

`sign-loss.png` is what `sdescent solve` draws for the specification in docs/tutorial.md; `weak-orders.svg` shows the weak
errors of the three models without sampling. `numbers.json` holds what is drawn; a test makes all of it again and compares.
"""

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import sympy as sp

import sdescent as sd
from sdescent.numerics.evidence.weak_order import weak_order
from sdescent.reports.cli import main
from sdescent.reports.document.figures import NAMED, figure, in_words

HERE = Path(__file__).parent
#: as the caption in the README says
METHOD = sd.DSignSGD(sd.noise.Scaled(sd.noise.Cauchy(), 1), clients=4)
ETAS = [1 / 4, 1 / 8, 1 / 16, 1 / 32]
MODELS = ("first-order", "second-order", "corrected")


def sign_loss(folder: Path) -> dict[str, Any]:
    """Draw the tutorial's experiment; the mean loss and its intervals by model.

    Raises:
        RuntimeError: the experiment is not in the tutorial, or cannot be solved.
    """
    page = (HERE.parent / "tutorial.md").read_text(encoding="utf-8")
    spec = re.search(r"<!-- file: sign\.toml -->\n```toml\n(.*?)```", page, re.DOTALL)
    if spec is None:
        raise RuntimeError("docs/tutorial.md has no block for sign.toml")
    with tempfile.TemporaryDirectory() as scratch:
        (path := Path(scratch) / "sign.toml").write_text(spec[1], encoding="utf-8")
        if main(["solve", str(path), "-o", str(Path(scratch) / "sign")]):
            raise RuntimeError("sign.toml was not solved")
        shutil.copy(Path(scratch) / "sign/figures/loss-eta1.png", folder / "sign-loss.png")
        summary = json.loads((Path(scratch) / "sign/summary.json").read_text(encoding="utf-8"))
    kept = ("mean", "mean_lower", "mean_upper", "low", "high")
    return {run["model"]: {name: run["quantities"]["loss"][name] for name in kept} for run in summary["runs"]}


def weak_orders(folder: Path) -> dict[str, Any]:
    """Draw |E phi(x_n) - E phi(X_T)| against eta; errors and orders by model."""
    phi = sp.tanh(sp.Symbol("x1", real=True))
    found = {model: weak_order(METHOD, model, sd.losses.Cosh(), 1.0, 1.0, phi, ETAS) for model in MODELS}
    with figure(folder, "weak-orders", size=(4.6, 2.2), suffixes=("svg",)) as (axis,):
        for marker, (model, at) in zip("os^", found.items(), strict=True):
            label = f"{in_words(model)}: order {at.slope.order:.2f}"
            axis.loglog(at.etas, at.errors, marker=marker, markersize=4, linewidth=1.2, label=label, **NAMED[model])
        axis.set_xticks(ETAS, [f"1/{round(1 / eta)}" for eta in ETAS])
        axis.minorticks_off()
        axis.set_xlabel(r"step size $\eta$")
        axis.set_ylabel("weak error")
        axis.figure.legend(frameon=False, loc="outside right center")
    return {
        model: {"errors": at.errors, "order": at.slope.order, "doubt": at.slope.doubt} for model, at in found.items()
    }


def make(folder: Path) -> dict[str, Any]:
    """Write both figures and numbers.json into a folder; the numbers."""
    numbers = {"sign-loss": sign_loss(folder), "weak-orders": weak_orders(folder)}
    (folder / "numbers.json").write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return numbers


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
