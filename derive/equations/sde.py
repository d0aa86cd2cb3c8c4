"""The equation of a method as data, and the three continuous models of its step (theory 2)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from numbers import Integral
from typing import Any

import sympy as sp

from sdescent.derive.equations.kinks import kinks_of_loss, kinks_of_model
from sdescent.derive.equations.step.covariance import Condition, Conditional, Moments, moments
from sdescent.derive.expressions.coordinates import Coordinate, Node, frozen, g, gk, hvp, nodes
from sdescent.derive.expressions.derivatives import along, at_zero_gradient, is_singular, jacobian_product, partial
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.graphs import exchange
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.expressions.written import formula, refusal
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.noise.law import require_symmetric
from sdescent.derive.vocabulary.errors import BadInput, Refusal, unknown_name
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import eta


@dataclass(frozen=True)
class Equation:
    """The data of dX = drift dt + L dW with L L' = rate S, an Ito equation in the dimension-free gradient form.

    `sd.sde` returns it as an `SDE`, which prints, expands and solves itself.

    Args:
        method, model, loss, dim: the arguments from which it was derived.
        moments: mean and covariance of the step.
        drift: the drift of the generic coordinate, or None if the mean of the step has no closed form.
    """

    method: Method
    model: Model
    loss: Loss | None
    dim: int | None
    moments: Moments
    drift: sp.Expr | None

    def __getstate__(self) -> dict[str, Any]:
        """The fields to pickle, without cached results."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @property
    def form(self) -> GradientForm | None:
        """Mean and covariance S of the step; None without a closed form."""
        return self.moments.form

    @property
    def conditional(self) -> Conditional | None:
        """The moments given the message, if the closed form is missing or not elementary."""
        return self.moments.conditional

    @cached_property
    def rate(self) -> sp.Expr:
        """The rate eta h^2/N, the factor of S in the covariance of the SDE."""
        return eta * self.method.schedule.factor**2 / self.method.clients

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that a symbol leaves open, and the unmet conditions that do not forbid the derivation."""
        return self.moments.conditions

    @property
    def _coefficients(self) -> tuple[sp.Expr, ...]:
        form = () if self.form is None else self.form.expressions
        return form if self.drift is None else (*form, self.drift)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """Drift, rate, covariance and any moments given the message, to collect symbols from."""
        return (self.rate, *(() if self.conditional is None else self.conditional.expressions), *self._coefficients)

    @cached_property
    def kinks(self) -> tuple[sp.Expr, ...]:
        """The kinks and jumps of drift and covariance, from `kinks_of_model`."""
        return kinks_of_model(self._coefficients, self.loss, self.dim, self.model)

    @cached_property
    def parameters(self) -> tuple[sp.Symbol, ...]:
        """Every free scalar symbol, sorted by name: step size, number of clients, scales, schedule, dimension."""
        symbols = {s for e in self.expressions for s in e.free_symbols if isinstance(s, sp.Symbol)}
        return tuple(sorted((s for s in symbols if not isinstance(s, Coordinate)), key=lambda s: s.name))


#: parts of the messages of refusals
STEEP = "the noise vanishes with the gradient and the mean of the step does not"
STEADIER = "use the first-order model, or noise that stays (sigma0 > 0)"


def second_order(b: sp.Expr, method: Method) -> sp.Expr:
    """The drift -h b - (eta/2)(J_{hb}(h b) - d(h b)/dt), of weak order 2 ([L]); b depends on t if the noise does.

    Raises Refusal "not-differentiable" if b jumps (or may), has an unbounded slope near g = 0 or no known Jacobian.
    """
    h = method.schedule.factor
    if b != g and (method.noise.law.degenerate or _jumps(b)):
        why = "the mean of the step jumps in the gradient, so the second-order model has no drift"
        raise Refusal("not-differentiable", f"{why}; use the first-order model")
    if steep_at_zero(b, method):
        why = f"{STEEP}: its derivative is unbounded near $g = 0$, so the second-order model has no drift there"
        raise Refusal("not-differentiable", f"{why}; {STEADIER}")
    try:
        # J_{hb}(hb) = h^2 J_b b + h (grad h . b) b, the gradients in x; d(h b)/dt = (dh/dt) b + h db/dt
        transport = h**2 * jacobian_product(b, b) + h * _slope_of_factor(h, b) * b - h * along(b, {})
    except TypeError as error:
        raise Refusal("not-differentiable", f"the second-order model needs the Jacobian of the mean: {error}") from None
    return -h * b - eta / 2 * (transport - method.schedule.time_derivative * b)


def _slope_of_factor(h: sp.Expr, b: sp.Expr) -> sp.Expr:
    """The derivative of h along b in x. At g = 0 h may have none (it contains ||g||), but the product with b_j has the limit 0.

    Let A be a sum of phi(g_k) over coordinates with |g phi'(g)| = O(phi(g)). Its derivative along b = O(||g||) is O(A).
    Since b_j -> 0, the limit follows if A dh/dA stays bounded. Raises Refusal: "not-differentiable" if the limit is not
    established, for example if h is unbounded at g = 0; TypeError if h contains an aggregate that has no derivative.
    """

    def bounded(slope: sp.Expr, dummy: sp.Dummy, sums: Mapping[sp.Dummy, Node]) -> bool:
        size, at_zero = sp.Dummy("A", positive=True), {other: at_zero_gradient(node) for other, node in sums.items()}
        inside = sums[dummy].args[0].xreplace({gk: size})
        products = (slope.xreplace(at_zero | {dummy: size}), sp.diff(inside, size) / inside)
        if at_zero[dummy] != 0 or nodes(inside) or any(is_singular(sp.limit(size * e, size, 0)) for e in products):
            why = "the second-order model needs the derivative of h in x, which has no limit at g = 0"
            raise Refusal("not-differentiable", why)
        return True

    return along(h, {"x": b}, 0, bounded)


def steep_at_zero(b: sp.Expr, method: Method) -> bool:
    """Whether b_j/g_j is unbounded as g -> 0 because the noise vanishes there and b does not (theory 2).

    An example is the sign of g + s(g) Z with s(0) = 0: b_j = F(g_j/s) jumps at g = 0. The slope of b_j at g_j = 0 is
    taken as a function of the aggregates; it is unbounded if its inverse vanishes at their values for g = 0.
    """
    scales = [sp.sympify(s) for s in method.noise.scales]
    if b == g or not any(s != 0 and vanishes(frozen(at_zero_gradient(s))[0]) for s in scales):
        return False
    body, back = frozen(b)
    # there is noise for every g except 0, and the first case of a mean is the one with noise
    body = body.replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[0].expr)
    y = sp.Dummy("y", positive=True)
    inverse = 1 / sp.together(_slope_at_zero(body.xreplace({g: y}), y))
    at_zero = inverse.xreplace({dummy: at_zero_gradient(node) for dummy, node in back.items()})
    return not is_singular(at_zero) and vanishes(at_zero)


def corrected(b: sp.Expr, method: Method) -> sp.Expr:
    """The drift -h b + (eta h^2/2) Lam H Lam g, Lam = diag(b_j/g_j), faithful to the method's stability ([S] v2), weak order 1.

    Raises Refusal: "unbounded-lambda" if b_j/g_j is unbounded.
    """
    if steep_at_zero(b, method):
        why = "the corrected model needs $b_j/g_j$, which is unbounded near $g = 0$"
        raise Refusal("unbounded-lambda", f"{why}: {STEEP}; {STEADIER}")
    h = method.schedule.factor
    return -h * b + eta * h**2 / 2 * curvature(b)


NO_CORRECTED = (
    "the corrected model is for gradient fields: it replaces J b by Lam H Lam g, which has no meaning for momentum, games and "
    "look-ahead, where it may move inwards while the method spirals outwards; use the second-order model"
)
MODELS: dict[Model, Callable[[sp.Expr, Method], sp.Expr]] = {
    "first-order": lambda b, method: -method.schedule.factor * b,  # -h b, the classical model of weak order 1
    "second-order": second_order,
    "corrected": corrected,
}


def _jumps(b: sp.Expr) -> bool:
    """Whether b contains a rank or a rounding, which jump, or signs that leave a jump at g_j = 0."""
    if any(type(n).__name__ == "Rank" for n in nodes(b)) or b.has(sp.floor):
        return True
    body, _ = frozen(b)
    return body.has(sp.sign) and not vanishes(_from_the_right(body) - _from_the_right(body.xreplace({g: -g})))


def _from_the_right(body: sp.Expr) -> sp.Expr:
    """The limit of body as g_j falls to 0."""
    y = sp.Dummy("y", positive=True)
    return body.xreplace({g: y}).subs(y, 0)


def curvature(b: sp.Expr) -> sp.Expr:
    """The term (Lam H Lam g)_j = Lam_j (H b)_j of the corrected drift, since Lam_k g_k = b_k."""
    return lam(b) * hvp(b)


def _slope_at_zero(expr: sp.Expr, y: sp.Dummy) -> sp.Expr:
    """The limit of d expr/dy as y > 0 falls to 0; a step function with argument 0 there takes its value for small y."""

    def step(e: sp.Heaviside) -> sp.Expr:
        at_zero = e.args[0].subs(y, 0)
        return sp.Heaviside(sp.diff(e.args[0], y).subs(y, 0) if at_zero == 0 else at_zero)

    # SymPy asks of every factor of a long derivative whether it is infinite; for a y without a sign the answer is immediate
    z = y if expr.has(sp.Abs, sp.sign, sp.Max, sp.Min, sp.Piecewise) else sp.Dummy("z")
    slope = partial(expr.xreplace({y: z}), z).xreplace({z: y})
    slope = slope.replace(lambda e: isinstance(e, sp.Heaviside), step).subs(y, 0)
    return slope.replace(lambda e: isinstance(e, sp.hyper) and e.args[2] == 0, lambda e: sp.S.One)


@lru_cache(maxsize=64)
def lam(b: sp.Expr) -> sp.Expr:
    """The entry Lam_jj = b_j/g_j, with its limit at g_j = 0 (theory 2); 1 if b = g, as for an unbiased compressor.

    Raises Refusal "unbounded-lambda" if b_j does not vanish at g_j = 0 (noise-free sign) or b_j/g_j has no limit there.
    """
    if b == g:
        return sp.S.One
    body, back = frozen(b)
    quotient = sp.Add(*[term / g for term in sp.Add.make_args(body)])
    y = sp.Dummy("y", positive=True)
    right, left = body.xreplace({g: y}), body.xreplace({g: -y})
    if not (vanishes(right.subs(y, 0)) and vanishes(left.subs(y, 0))):
        said = "the corrected model needs $b_j/g_j$, which is unbounded at $g_j = 0$"
        why = "the mean of the step does not vanish there (a symmetric noise with a density removes this)"
        raise Refusal("unbounded-lambda", f"{said}: {why}")
    if not quotient.has(1 / g) and not any(p.base == g and p.exp.is_negative for p in quotient.atoms(sp.Pow)):
        return exchange(quotient, back)
    slope = _slope_at_zero(right, y)
    if not vanishes(slope + _slope_at_zero(left, y)):
        why = "the corrected model needs the limit of $b_j/g_j$ at $g_j = 0$, but its limits from the two sides differ"
        raise Refusal("unbounded-lambda", why)
    return exchange(sp.Piecewise((quotient, sp.Ne(g, 0)), (slope, True)), back)


def dimension(dim: Any) -> int | None:
    """A dimension as an int, from an integer of any type (of NumPy or SymPy, for example); None stays None."""
    if dim is None:
        return None
    if isinstance(dim, bool) or not isinstance(dim, Integral) or dim < 1:
        raise BadInput("dim", dim, "a whole number >= 1, or None for any dimension")
    return int(dim)


def check_asked(method: Method, model: Model, loss: Loss | None, dim: int | None) -> int | None:
    """The dimension as an int, after a check that the arguments fit together: BadInput if they do not.

    Raises Refusal "not-differentiable" if the model contains the Hessian and the gradient of the loss has kinks.
    """
    if not isinstance(method, Method):
        raise BadInput("method", method, "a method such as sd.DSGD(sd.noise.Gaussian())")
    if not isinstance(model, str) or model not in MODELS:
        raise unknown_name("model", model, MODELS)
    if loss is not None and not isinstance(loss, Loss):
        raise BadInput("loss", loss, "a loss such as sd.losses.Quadratic(), or None")
    dim = dimension(dim)
    if dim is not None:
        method.compressor.check_dimension(dim)
    if model != "first-order" and (kinks := kinks_of_loss(loss, dim, model, 1)):
        said = f"the gradient of the loss has a kink or a jump, {{kink}}: the {model} model differentiates it"
        raise refusal("not-differentiable", f"{said}; use the first-order model", formula(kinks[0]), kink=kinks[0])
    return dim


def derived(method: Method, model: Model, loss: Loss | None, dim: int | None) -> Equation:
    """The equation of a method in one of `MODELS` (theory 2), as `sd.sde` describes it.

    Raises Refusal if the drift, the covariance or the model does not exist; BadInput as `check_asked`.
    """
    dim = check_asked(method, model, loss, dim)
    if model == "corrected" and loss is not None and dim is not None and -1 in loss.players(dim):
        raise Refusal("no-corrected-model", NO_CORRECTED)
    step = moments(method, dim, orders=3 if model == "second-order" else 2)
    drift = None
    if step.mean is None and model == "corrected":  # b_j/g_j at g_j = 0 is then evaluated numerically
        require_symmetric(method.noise.law, "the corrected model, whose $b_j/g_j$ must stay bounded at $g_j = 0$,")
    if step.mean is not None:
        drift = MODELS[model](step.mean, method)
        if dim is not None:
            drift = drift.xreplace({sp.Symbol("d", positive=True): sp.Integer(dim)})
    return Equation(method, model, loss, dim, step, drift)
