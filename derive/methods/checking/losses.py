"""A test of a loss: whether its Hessian satisfies the bound with the (L0, L1) constants that the loss states."""

import numpy as np
import sympy as sp

from sdescent.derive.expressions.joints import Rough, rough
from sdescent.derive.methods.checking.findings import VALUES, Finding, NotEvaluated, function
from sdescent.derive.methods.losses import Loss, Smoothness
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

NEAR = 1e-9
DIMENSIONS = (1, 2)


def about_loss(loss: Loss) -> list[Finding]:
    """Test the smoothness of a loss at random points; its symbols take the values of `numbers.VALUES` in turn."""
    findings = []
    expected = (BadInput, Refusal, NoClosedForm, NotEvaluated, NotImplementedError)
    for dim in DIMENSIONS:
        try:
            findings.append(_smoothness(loss, dim))
        except Exception as reason:  # a user's class may raise anything
            why = str(reason) if isinstance(reason, expected) else f"it raises {type(reason).__name__}: {reason}"
            findings.append(Finding(f"smoothness, d = {dim}", "untested", why))
    return findings


def _place(kink: Rough) -> str:
    return f"at x = ({', '.join(f'{float(value):.4g}' for value in kink.at.values())})"


def _smoothness(loss: Loss, dim: int) -> Finding:
    letters = sp.symbols(f"x1:{dim + 1}", real=True)
    value, constants = sp.sympify(loss.value(letters)), loss.smoothness(dim)
    if isinstance(constants, tuple) and len(constants) == 2:
        constants = Smoothness(*constants)
    if not isinstance(constants, Smoothness):
        raise BadInput("smoothness", constants, "a pair (L0, L1), or an sd.losses.Smoothness")
    symbols = {s for e in (value, constants.l0, constants.l1) for s in sp.sympify(e).free_symbols}
    names = sorted(symbols - set(letters), key=str)
    put = {s: VALUES[n % len(VALUES)] for n, s in enumerate(names)}
    at = "" if not names else " with " + ", ".join(f"{s} = {put[s]}" for s in names)
    value = value.xreplace(put)
    what, kinks = f"smoothness, d = {dim}", rough(value, letters, 2)
    if broken := next((k for k in kinks if k.at and k.order < 1), None):
        return Finding(what, "failed", f"{_place(broken)}{at} there is no gradient, or it jumps: {broken.parts[0]}")
    if unknown := next((k for k in kinks if not k.at), None):
        return Finding(what, "untested", f"where {unknown.parts[0]} changes its formula is not known{at}")
    l0, l1 = (float(sp.N(sp.sympify(e).xreplace(put))) for e in (constants.l0, constants.l1))
    rng = np.random.default_rng(dim)
    x = rng.normal(size=(dim, 32)) * 10.0 ** rng.uniform(-2, 1, 32)
    for kink in kinks:  # further points near each kink, where the Hessian may be unbounded
        x = np.hstack([x, np.array([[float(e)] for e in kink.at.values()]) + x[:, :8] * 10.0 ** -np.arange(1, 9)])
    gradient = np.array([function(sp.diff(value, s), letters)(*x) for s in letters])
    # away from the kinks, delta functions are 0
    second = [[sp.diff(value, s, r).replace(sp.DiracDelta, lambda *_: sp.S.Zero) for s in letters] for r in letters]
    hessian = np.array([[function(e, letters)(*x) for e in row] for row in second])
    norm = np.abs(np.linalg.eigvalsh(np.moveaxis(hessian, -1, 0))).max(axis=1)
    bound = l0 + l1 * np.sqrt(np.sum(gradient**2, axis=0))
    wrong = ~(norm <= bound * (1 + NEAR))
    statement = f"||H|| <= {l0:.6g} + {l1:.6g} ||grad f||{at}"
    if not wrong.any():
        bent = f"; {_place(kinks[0])} its gradient has a kink, so that there is no Hessian" if kinks else ""
        return Finding(what, "passed", f"{statement}, at {len(norm)} points{bent}")
    n = int(np.argmax(np.where(wrong, norm / bound, 0.0)))
    place = ", ".join(f"{s:.4g}" for s in x[:, n])
    return Finding(
        what, "failed", f"at x = ({place}) ||H|| is {norm[n]:.6g} and the bound {bound[n]:.6g} ({statement})"
    )
