"""The terms of the descent lemma and of Ito's formula for a method, and checks of theorems' definitions against the engine."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sympy as sp

from sdescent.derive.derivation import SDE, sde
from sdescent.derive.equations.in_coordinates import state_symbols
from sdescent.derive.equations.sde import lam
from sdescent.derive.expressions.coordinates import Coordinate, CoordSum, frozen, g, hvp, nodes, to_slot
from sdescent.derive.expressions.vanishing import vanishes
from sdescent.derive.methods.compressors import Bernoulli, Identity, RandK
from sdescent.derive.methods.distributed import DCSGD, DSGD, DSignSGD, Method
from sdescent.derive.methods.losses import SeparableSum
from sdescent.derive.methods.losses import x as place
from sdescent.derive.methods.noise import Affine, Gaussian, Scaled, StudentT
from sdescent.derive.methods.optimisers.clipping import NormalisedSGD, NormClipped
from sdescent.derive.methods.schedules import Free
from sdescent.derive.proof.language import terms
from sdescent.derive.proof.language.terms import Relation, Term, fn, norm, num, plus, times, tr, vec, x
from sdescent.derive.theorems.entry.instances import INSTANCES, LAWS, SCALES, Meaning, samples
from sdescent.derive.theorems.entry.linear_step import MEAN, one_step, weighted_sum
from sdescent.derive.vocabulary.symbols import d as dimension
from sdescent.derive.vocabulary.symbols import eta, parameter, u


def unbiased() -> list[str]:
    """Disagreements with b = g and, by total variance, S_jj = mean of (E (C_j - v_j)^2 + Var Z_j), for unbiased compressors.

    The equations are checked for every compressor whose moments have a closed form after the noise (identity, Bernoulli, Rand-k),
    with two clients of different scales, and with affine noise.
    """
    wrong = []
    for compressor in (Identity(), Bernoulli("p"), RandK("k")):
        for noise in (Scaled(Gaussian(), SCALES), Scaled(StudentT(5), SCALES), Affine()):
            method = DSGD(noise) if isinstance(compressor, Identity) else DCSGD(compressor, noise)
            silent = DSGD() if isinstance(compressor, Identity) else DCSGD(compressor)
            form, error = sde(method).form, sde(silent).form
            name = f"{type(compressor).__name__} with {type(noise).__name__}"
            if form is None or error is None:
                wrong.append(f"{name} has no moments in closed form")
                continue
            if not vanishes(form.mean - g):
                wrong.append(f"the mean of {name} is not the gradient")
            noises = [sp.sympify(s**2 * method.noise.law.variance) for s in method.noise.scales]
            parts = [error.variance.xreplace({g**2: g**2 + s}) + s for s in noises]
            if not vanishes(frozen(form.variance - sp.Add(*parts) / len(parts))[0]):
                wrong.append(f"the covariance of {name} is not that of total variance")
    return wrong


def signs() -> list[str]:
    """Disagreements for DSignSGD with b_j = mean of R(g_j/sigma_k), diagonal S, S_jj = 1 - mean of R(g_j/sigma_k)^2, Lam g = b."""
    wrong = []
    for law in LAWS:
        method = DSignSGD(Scaled(law, SCALES))
        form = sde(method).form
        if form is None:
            wrong.append(f"DSignSGD with {law} has no moments in closed form")
            continue
        means = [law.sign_mean(g / s) for s in method.noise.scales]
        if not vanishes(form.mean - sp.Add(*means) / 2):
            wrong.append(f"R is not the mean of the sign with {law}")
        if not vanishes(lam(form.mean) * g - form.mean):
            wrong.append(f"Lam g of the sign with {law} is not its mean")
        if form.rank or not vanishes(form.variance - 1 + sp.Add(*[m**2 for m in means]) / 2):
            wrong.append(f"the covariance of the sign with {law}")
    return wrong


def silent_signs() -> list[str]:
    """Disagreements with b_j = sign(g_j), for signs without noise."""
    mean = sde(DSignSGD()).moments.mean
    return [] if mean == sp.sign(g) else ["the mean of the sign without noise is not the sign of the gradient"]


def normalised() -> list[str]:
    """Disagreements with the length eta u of a step of normalised SGD in two coordinates, the radius of 6.3-direction."""
    drift = sde(NormalisedSGD(schedule=Free()), "first-order", None, 2).expanded.drift
    return [] if vanishes(drift.dot(drift) - u**2) else ["the step of normalised SGD is not as long as its rate"]


def clipped() -> list[str]:
    """Disagreements with the length eta u min(||G||, c) of a step of norm-clipped SGD in two coordinates."""
    equation = sde(NormClipped(schedule=Free()), "first-order", None, 2).expanded
    size = sp.Min(sp.sqrt(sp.Add(*[e**2 for e in equation.gradient])), parameter("c"))
    ok = vanishes(equation.drift.dot(equation.drift) - u**2 * size**2)
    return [] if ok else ["the step of norm-clipped SGD has another length"]


def descent() -> list[str]:
    """Disagreements with the step x - eta u f'(x) of gradient descent: the mean of DSGD without noise is the gradient."""
    method: Method = DSGD(schedule=Free())
    return [] if sde(method).moments.mean == g else ["the step of DSGD is not the gradient"]


def separable() -> list[str]:
    """Disagreements for sum_j f_j(x_j), any f_j, with the gradient (f_j'(x_j)) and the diagonal Hessian with entries f_j''(x_j)."""
    function = sp.Function("phi")
    state = state_symbols(3)
    value, wrong = SeparableSum(function(place)).value(state), []
    for i, s in enumerate(state):
        if sp.diff(value, s) != sp.diff(function(s), s):
            wrong.append("the gradient of a separable loss is not that of its parts")
        if any(sp.diff(value, s, r) != (sp.diff(function(s), s, 2) if i == n else 0) for n, r in enumerate(state)):
            wrong.append("the Hessian of a separable loss is not diagonal with the curvatures of its parts")
    return wrong


def logistic_regression() -> list[str]:
    """Disagreements of the Hessian minus l2 I with the mean of p(1 - p) a a', which is PSD.

    There are two samples in two dimensions, with labels 1 and -1.
    """
    loss, hessian, rows, chances = samples()
    gap = hessian - loss.l2 * sp.eye(2)
    for k, chance in enumerate(chances):
        gap -= chance * (1 - chance) * rows.row(k).T * rows.row(k) / 2
    ok = all(vanishes(e) for e in gap)
    return [] if ok else ["the data's part of the Hessian of logistic regression is another one"]


GROUPS: dict[str, Callable[[], list[str]]] = {
    "unbiased": unbiased, "signs": signs, "silent signs": silent_signs, "normalised": normalised,
    "norm-clipped": clipped, "silent norm-clipped": clipped, "descent": descent, "separable": separable,
    "logistic regression": logistic_regression,
}  # fmt: skip


@lru_cache
def _once(name: str) -> list[str]:
    return GROUPS[name]() if name in GROUPS else []


@lru_cache
def _instances(name: str) -> list[Meaning]:
    return INSTANCES[name]()


@lru_cache
def _agrees(name: str, relation: Relation) -> bool:
    try:
        return all(instance.holds(relation) for instance in _instances(name))
    except ArithmeticError:  # it has no value at any of the points that were tried
        return False


def forget() -> None:
    """Forget the engine's answers, so that they are computed again."""
    for answers in (_once, _instances, _agrees):
        answers.cache_clear()


def disagreements(names: tuple[str, ...], definitions: Mapping[str, Relation]) -> list[str]:
    """Disagreements in the facts of the groups, computed once per process, or else of the definitions in the groups' models."""
    facts = [line for name in names for line in _once(name)]
    if facts:
        return facts
    differing = [(name, title) for name in names for title, r in definitions.items() if not _agrees(name, r)]
    return [f"{title} does not hold for what the engine has ({name})" for name, title in differing]


Part = tuple[Term, Any]


def loss_in_time(equation: SDE, h: Term, vectors: Mapping[str, str]) -> dict[str, Any]:
    """The data of Ito's formula for the loss f along the SDE, from its start f0 to its value fT at the horizon.

    Args, Raises: as for `drift_terms`.
    """
    return loss_along(drift_terms(equation, h, vectors), diffusion_terms(equation, h))


def loss_along(drift: list[Part], diffusion: list[Part]) -> dict[str, Any]:
    """The data that `loss_in_time` returns, from the parts of an equation."""
    named = {"gradient": "g", "hessian": "H", "end": "fT", "start": "f0"}
    return {**named, "smooth": True, "drift": drift, "diffusion": diffusion}


def generator_of(potential: Mapping[str, Any]) -> Term:
    """L V = drift . grad V + Tr(Hess V covariance)/2 of a potential V, as in the kernel's Ito formula; or its `change` if given."""
    if "change" in potential:
        return x(potential["change"])
    slope, bend = vec(potential["gradient"]), terms.mat(potential["hessian"])
    first = [c * terms.dot(slope, v) for c, v in potential["drift"]]
    return plus(*first, *[num("1/2") * c * terms.trprod(bend, m) for c, m in potential["diffusion"]])


def drift_terms(equation: SDE, h: Term, vectors: Mapping[str, str]) -> list[Part]:
    """The drift as [(coefficient, vector)], with h in place of the schedule u.

    Args:
        equation: an SDE with a free schedule.
        vectors: the names of the vectors: "mean" for b, "curvature" for Lam H Lam g (if that is not H g).

    Raises:
        ValueError: the drift has no closed form, or is not a combination of b, H b and Lam H Lam g with scalar coefficients.
    """
    mean = equation.moments.mean
    if mean is None or equation.drift is None:
        raise ValueError("the method has no drift in closed form")
    mean_letter, bent, ratio = sp.Dummy("b"), sp.Dummy("Hb"), sp.Dummy("Lam")
    # symbols replace vectors, since SymPy would divide inside the cases of a case distinction
    letters: dict[sp.Expr, sp.Expr] = {hvp(mean): bent, mean: mean_letter}
    basis: list[tuple[sp.Expr, Any]] = [(mean_letter, vec(vectors["mean"]))]
    if equation.model == "corrected" and mean == g:
        basis.append((bent, terms.matvec(("m", "H"), vec(vectors["mean"]))))
    elif equation.model == "corrected":
        letters[lam(mean)] = ratio
        basis.append((ratio * bent, vec(vectors["curvature"])))
    parts: list[Part] = []
    for summand in sp.Add.make_args(equation.drift.xreplace(letters)):
        quotients = [(summand / e, v) for e, v in basis]
        fitting = [(c, v) for c, v in quotients if not nodes(c) and not c.has(Coordinate, sp.Dummy, sp.Piecewise)]
        if len(fitting) != 1:
            raise ValueError(f"{summand} is not a multiple of one of the known vectors")
        parts.append((expression(fitting[0][0], {u: h}), fitting[0][1]))
    return parts


def diffusion_terms(equation: SDE, h: Term) -> list[Part]:
    """The covariance of the SDE as [(coefficient, matrix)]: eta h^2/N times S."""
    return [(expression(equation.rate, {u: h}), ("m", "S"))]


def expression(e: sp.Expr, letters: Mapping[sp.Expr, Term]) -> Term:
    """An expression in symbols, generic coordinates v_j, their sums, roots, exp and |.| as a term; v_j becomes the symbol v.

    Args:
        letters: subexpression -> its letter or another term.

    Raises:
        ValueError: a part of the expression is outside the grammar of terms.
    """
    if e in letters:
        return letters[e]
    if e.is_Rational:
        return num(f"{e.p}/{e.q}")  # pyright: ignore[reportAttributeAccessIssue]
    if e is sp.pi:
        return Term(("pi",))
    if isinstance(e, Coordinate) and e.slot == "j":
        return x(e.base)
    if isinstance(e, sp.Symbol) and not isinstance(e, Coordinate):
        return x(e.name)
    if isinstance(e, CoordSum):
        return terms.under("S", expression(to_slot(e.args[0], "k", "j"), letters))  # pyright: ignore[reportArgumentType]
    if isinstance(e, sp.Pow) and (2 * e.exp).is_Integer:
        base, n = expression(e.base, letters), abs(int(2 * e.exp))
        root = base if n % 2 == 0 else fn("sqrt", base)
        power = root if n in (1, 2) else root ** (n if n % 2 else n // 2)
        return power if e.exp > 0 else 1 / power
    if isinstance(e, sp.Mul):
        return _product(e, letters)
    args = [expression(a, letters) for a in e.args if isinstance(a, sp.Expr)]
    if isinstance(e, sp.Add):
        return plus(*args)
    if isinstance(e, (sp.exp, sp.Abs)):
        return fn("exp" if isinstance(e, sp.exp) else "abs", args[0])
    raise ValueError(f"{e} is not a term of the proof grammar")


def _product(e: sp.Mul, letters: Mapping[sp.Expr, Term]) -> Term:
    """A product as a quotient. Division by a sum stays separate, since normal forms do not split inverses of sums."""
    if e.could_extract_minus_sign() and e.args[0].is_number:
        return -expression(-e, letters)
    powers = [a for a in e.args if isinstance(a, sp.Pow) and a.exp.is_number and a.exp.is_negative]
    above = [expression(a, letters) for a in e.args if a not in powers]  # pyright: ignore[reportArgumentType]
    below = [expression(1 / a, letters) for a in powers if not a.base.is_Add]
    product = above[0] if len(above) == 1 else times(*above)
    if below:
        product = product / (below[0] if len(below) == 1 else times(*below))
    for a in powers:
        if a.base.is_Add:
            each, times_over = (a.base, -int(a.exp)) if a.exp.is_Integer else (1 / a, 1)
            for _ in range(times_over):
                product = product / expression(each, letters)
    return product


def put(t: Term, values: Mapping[Term, Term]) -> Term:
    """A term with some parts replaced by other terms, without products by 0 and 1 and sums with 0."""
    if t in values:
        return values[t]
    parts = [put(p, values) if isinstance(p, Term) else p for p in t[1:]]
    if t[0] == "*" and num(0) in parts:
        return num(0)
    if t[0] in ("+", "*"):
        neutral = num(0 if t[0] == "+" else 1)
        kept = [p for p in parts if p != neutral] or [neutral]
        return kept[0] if len(kept) == 1 else Term((t[0], *kept))
    return Term((t[0], *parts))


def step_mean(equation: SDE, h: Term, vectors: Mapping[str, str]) -> list[Part]:
    """E D as [(coefficient, vector)], with h in place of the schedule u.

    Args:
        equation: the first-order SDE of the method, with a free schedule.
        vectors: see `drift_terms`.

    Raises:
        ValueError: the equation belongs to another model, or the mean is not a combination of known vectors.
    """
    _first_order(equation)
    return [(x("eta") * c, v) for c, v in drift_terms(equation, h, vectors)]


def step_square(equation: SDE, h: Term, vectors: Mapping[str, str]) -> Term:
    """E||D||^2 = ||E D||^2 + Tr Cov D, with h in place of the schedule u; S is the covariance of one client's message.

    Raises:
        ValueError: as `step_mean` raises it.
    """
    spread = [x("eta") * c * tr(m) for c, m in diffusion_terms(equation, h)]
    return plus(_square(step_mean(equation, h, vectors)), *spread)


def step_radius(equation: SDE, h: Term) -> Term:
    """A bound on ||D|| under any noise: eta h times the greatest length of a message, since D is eta h times the mean message.

    Raises:
        ValueError: the update is not x = x - eta*G, or messages may have any length.
    """
    method = equation.method
    longest = method.compressor.longest(dimension)
    if not method.plain or longest is None:
        raise ValueError("the steps of this method have no known bound on their length")
    return x("eta") * h * expression(longest, {})


def loss_in_steps(
    equation: SDE, h: Term, vectors: Mapping[str, str], smoothness: tuple[Term, Term], radius: Term | None = None
) -> dict[str, Any]:
    """The data of the loss f along the method: gradient g, change Af, start f0, and value fT at the horizon.

    Args:
        equation, h, vectors: as for `step_mean`.
        smoothness: L0 and L1 in ||Hess f|| <= L0 + L1 ||grad f||.
        radius: a bound on ||D|| that holds almost surely, or None.

    Raises:
        ValueError: as `step_mean` raises it.
    """
    mean, square = tuple(step_mean(equation, h, vectors)), step_square(equation, h, vectors)
    named = {"change": "Af", "end": "fT", "start": "f0", "gradient": "g"}
    return {**named, "smoothness": smoothness, "mean": mean, "square": square, "radius": radius}


def _first_order(equation: SDE) -> None:
    if equation.model != "first-order":
        raise ValueError(
            f"the moments of a step are read off the first-order model, and this is the {equation.model} one"
        )


def combined_step(
    method: Method, equation: SDE, weights: Mapping[str, sp.Expr], vectors: Mapping[str, str]
) -> tuple[list[Part], Term]:
    """E D and E||D||^2 for the step D of a combination of x and the memory, if the method is linear in the memory and in G.

    Args:
        method: a method with an update rule.
        equation: the first-order SDE of x - eta G with the same messages, which has the moments of G.
        weights: letter -> its weight in the combination.
        vectors: the names of the vectors: letter of the memory -> its name, "G" -> the name of the mean of G, which is the
            gradient; a name "-m" means that the letter is -m.

    Raises:
        Refusal: "not-linear", as `sdescent.derive.theorems.entry.linear_step.one_step` raises it.
        ValueError: the step depends on x or on a length, or the messages are biased.
    """
    _first_order(equation)
    if equation.moments.mean != g:
        raise ValueError("the mean of G is not the gradient")
    step = one_step(method)
    change = weighted_sum((w, step.change(letter)) for letter, w in weights.items())
    certain = {v: sp.cancel(sp.expand(c).subs(u, 1)) for v, c in change.items() if not isinstance(v, tuple)}
    moved = {"G" if v == MEAN else v: c for v, c in certain.items()}
    coefficients = {name: moved.pop(name, sp.S.Zero) for name in vectors}
    if step.level is not None or step.divides or any(c != 0 for c in moved.values()):
        raise ValueError("the step is not a combination of the memory and G")
    # G is the step of x - eta G without the factor -eta u; the covariance of that step is eta times the covariance of the SDE
    share = sp.cancel(eta * equation.rate / (eta * equation.method.schedule.factor) ** 2)
    signed = {name: -c if vectors[name].startswith("-") else c for name, c in coefficients.items()}
    mean = [(expression(c, {}), vec(vectors[name].removeprefix("-"))) for name, c in signed.items() if c != 0]
    of_message = expression(coefficients["G"], {})
    return mean, plus(_square(mean), times(of_message, of_message, expression(share, {}), tr(terms.mat("S"))))


def _square(mean: Sequence[Part]) -> Term:
    """The squared norm of a combination of vectors."""
    return plus(*[times(c, e, norm(v) ** 2 if v == w else terms.dot(v, w)) for c, v in mean for e, w in mean])
