"""A loss: its Hessian is within the (L0, L1) constants that it declares."""

from __future__ import annotations

import numpy as np
import sympy as sp

from derive.methods.checking.findings import Finding
from derive.methods.checking.numbers import VALUES, NotEvaluated, function
from derive.methods.losses import Loss
from derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

NEAR = 1e-9
DIMENSIONS = (1, 2)


def about_loss(loss: Loss) -> list[Finding]:
    """What a loss says about its smoothness, at points; its symbols are put at the values of `numbers.VALUES` in turn."""
    found = []
    for dim in DIMENSIONS:
        try:
            found.append(_smoothness(loss, dim))
        except BadInput as reason:
            found.append(Finding(f"smoothness, d = {dim}", "untested", reason.message))
        except (Refusal, NoClosedForm, NotEvaluated, NotImplementedError) as reason:
            found.append(Finding(f"smoothness, d = {dim}", "untested", str(reason)))
    return found


def _smoothness(loss: Loss, dim: int) -> Finding:
    letters = sp.symbols(f"x1:{dim + 1}", real=True)
    value, constants = sp.sympify(loss.value(letters)), loss.smoothness(dim)
    names = sorted({s for e in (value, constants.l0, constants.l1) for s in sp.sympify(e).free_symbols} - set(letters), key=str)
    put = {s: VALUES[n % len(VALUES)] for n, s in enumerate(names)}
    at = "" if not names else " with " + ", ".join(f"{s} = {put[s]}" for s in names)
    value = value.xreplace(put)
    l0, l1 = (float(sp.N(sp.sympify(e).xreplace(put))) for e in (constants.l0, constants.l1))
    rng = np.random.default_rng(dim)
    x = rng.normal(size=(dim, 32)) * 10.0 ** rng.uniform(-2, 1, 32)
    gradient = np.array([function(sp.diff(value, s), letters)(*x) for s in letters])
    hessian = np.array([[function(sp.diff(value, s, r), letters)(*x) for s in letters] for r in letters])
    norm = np.abs(np.linalg.eigvalsh(np.moveaxis(hessian, -1, 0))).max(axis=1)
    bound = l0 + l1 * np.sqrt(np.sum(gradient**2, axis=0))
    what, wrong = f"smoothness, d = {dim}", ~(norm <= bound * (1 + NEAR))
    held = f"||H|| <= {l0:.6g} + {l1:.6g} ||grad f||{at}"
    if not wrong.any():
        return Finding(what, "passed", f"{held}, at {len(norm)} points")
    n = int(np.argmax(np.where(wrong, norm / bound, 0.0)))
    place = ", ".join(f"{s:.4g}" for s in x[:, n])
    return Finding(what, "failed", f"at x = ({place}) ||H|| is {norm[n]:.6g} and the bound {bound[n]:.6g} ({held})")
