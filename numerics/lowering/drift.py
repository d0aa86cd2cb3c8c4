"""The drift over a step, written so that each path needs as few operations as possible. Dimensionless.

The drift is multiplied by the length of the step term by term: together with eta and the numbers of a term, the length is one
number for all paths. A gradient common to all terms is multiplied last. The Hessian product of a loss with polynomial second
derivatives is written out, so that its numbers join the other factors: for the corrected model on sum_j x_j^4/4

    (-x^3 + eta/2 (3 x^2) x^3) dt = x^3 ((3 eta dt/2) x^2 - dt),

which saves two operations on each path.
"""

from typing import Any

import sympy as sp

from sdescent.derive.expressions.coordinates import Coordinate, Hvp, g, to_slot
from sdescent.derive.methods.losses import Separable, x

#: the symbol for the length of a step, a scalar of an environment; no parameter has such a name
STEP = sp.Symbol("length of the step", positive=True)
_PREFIX = "of the loss: "


def over_step(drift: sp.Expr, loss: Any = None) -> sp.Expr:
    """The drift times `STEP`, in the generic coordinate.

    Args:
        drift: the drift, in the gradient form.
        loss: the loss of the Hessian products; its vectors get their names from `loss_vector`.
    """
    second = _second(loss)
    terms = [sp.Mul.make_args(term) for term in sp.Add.make_args(drift)]
    if second is not None:
        written = {f: second * to_slot(f.args[0], "k", "j") for f in drift.atoms(Hvp) if f.slot == "j"}
        terms = [sp.Mul.make_args(sp.Mul(*[written.get(f, f) for f in factors])) for factors in terms]
    common = len(terms) > 1 and all(g in factors for factors in terms)
    products = [[f for f in factors if not (common and f == g)] for factors in terms]
    total = sp.Add(*[sp.Mul(STEP, *factors) for factors in products])
    return sp.Mul(total, g, evaluate=False) if common else total


def loss_vector(base: str) -> str:
    """The name of a vector of the loss in `over_step`, different from the names of the method's vectors."""
    return _PREFIX + base


def _second(loss: Any) -> sp.Expr | None:
    """f_j'' if it is a polynomial in x_j, else None: other derivatives may cancel or overflow where f does not."""
    if not isinstance(loss, Separable):
        return None
    second = sp.diff(loss.coordinate, x, 2)
    vectors = {c: Coordinate(loss_vector(c.base), "j") for c in second.atoms(Coordinate) if c != x}
    return second.xreplace(vectors) if second.is_polynomial(x) else None
