"""The mean and the structured covariance of one step of a method, and the conditions under which they exist (theory 2-4).

E C = E[E[C | v]] and Cov C = E[Cov(C | v)] + Cov(E[C | v]): the compressor gives the moments given its message v, and
`mean_over_noise` integrates them over the noise. No combination of compressor and noise is a special case.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from sdescent.derive.equations.step.mean_over_noise import CoordinateFunctions, expectation
from sdescent.derive.expressions.coordinates import Coordinate, depends_on, g, nodes, to_slot, v
from sdescent.derive.expressions.derivatives import coefficients
from sdescent.derive.expressions.gradient_form import DenseCov, GradientForm
from sdescent.derive.methods.compressors import Compressor, Omega, omega_of
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.noise.law import Law, Vanishing
from sdescent.derive.methods.specialise import symbols_in
from sdescent.derive.vocabulary.errors import NoClosedForm, Refusal
from sdescent.derive.vocabulary.symbols import d as dimension

#: the start of the purpose of a condition that a weak order needs; the order follows
WEAK_ORDER = "weak order"


@dataclass(frozen=True)
class Conditional:
    """The moments given the message v of each client, if no elementary form exists after the noise."""

    given_v: GradientForm  # mean and covariance of C(v) in the coordinates v_j
    law: Law  # the standardised noise law
    scales: tuple[sp.Expr, ...]  # the noise scale of each client; numerics integrates over v = g + scale Z
    dense: DenseCov | None = None  # the leaf of the noise covariance if coordinates are correlated, else None

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The moments given v, the scales and the law's symbols, to collect symbols from."""
        return (*self.given_v.expressions, *self.scales, *symbols_in(self.law))

    @property
    def linear(self) -> bool:
        """Whether E[C | v] = v and Cov(C | v) is diagonal: then b = g + E Z exactly, and S is diagonal for independent noise."""
        return self.given_v.mean == v and not self.given_v.rank

    @property
    def separable(self) -> bool:
        """Whether mean and covariance given v act coordinate by coordinate, and the noise is independent."""
        given_v = self.given_v
        return not (given_v.rank or self.dense or nodes(given_v.mean) or nodes(given_v.diag))

    @property
    def uncorrelated(self) -> bool:
        """Whether S is diagonal."""
        return self.separable or (self.linear and self.dense is None)


@dataclass(frozen=True)
class Condition:
    """An inequality `left > right`, such as nu > 2, that an object needs to exist; `purpose` names the object.

    `met` is True, False, or None while a symbol leaves it open.
    """

    left: sp.Expr
    right: sp.Expr
    purpose: str

    @property
    def of_order(self) -> bool:
        """Whether a weak order needs the condition, not the existence of an object."""
        return self.purpose.startswith(WEAK_ORDER)

    @property
    def met(self) -> bool | None:
        gap = self.left - self.right
        return True if self.left == sp.oo or gap.is_positive else False if gap.is_nonpositive else None

    def __str__(self) -> str:
        return f"{self.left} > {self.right}"


@dataclass(frozen=True)
class Moments:
    """The moments b and S of one step, over the noise (`form`), or given v (`conditional`) if there is no closed form."""

    #: mean b_j and covariance S, averaged over clients, as functions of the gradient; None without a closed form
    form: GradientForm | None
    conditional: Conditional | None  # the moments given v; None if `form` suffices
    mean: sp.Expr | None  # b_j, known even without `form` if the compressor is unbiased; else None
    #: the conditions that a symbol leaves open, or that are unmet but only reported (weak order)
    conditions: tuple[Condition, ...]
    omega: Omega | None  # the compression ratio, or None


def moments(method: Method, dim: int | None = None, orders: int = 2) -> Moments:
    """The mean of (1/N) sum_i C(g + Z_i), and N times its covariance (theory 2); `dim` None stands for the symbol d.

    `orders` is 2, or 3 for weak order 2: its condition 3q < tail is then added unless it is certainly met. Raises
    Refusal: "no-drift" if q >= tail, "infinite-variance" if 2q >= tail; BadInput if the compressor does not exist in
    this dimension.
    """
    conditions = existence(method, dim, orders)
    size = dimension if dim is None else sp.Integer(dim)
    law, dense = method.noise.law, method.noise.dense
    given_v = method.compressor.conditional_moments(size)
    conditional = Conditional(given_v, law, method.noise.scales, dense)
    omega = compression_ratio(method.compressor, size)
    if law.degenerate:
        form = given_v.in_vector("v", "g")
        rounds = given_v.diag.has(sp.floor) or given_v.mean.has(sp.Piecewise)
        return Moments(form, conditional if rounds else None, form.mean, conditions, omega)
    try:
        form = _over_noise(given_v, method)
    except NoClosedForm:
        return Moments(None, conditional, _of_messages(method) if given_v.mean == v else None, conditions, omega)
    if dim is not None:  # the symbol d counts constant summands
        form = form.map(lambda e: e.xreplace({dimension: size}))
    return Moments(form, None if law.closed_form else conditional, form.mean, conditions, omega)


def existence(method: Method, dim: int | None = None, orders: int = 2) -> tuple[Condition, ...]:
    """The conditions r q < tail that a symbol leaves open or, for r = 3, that fail (theory 2, "Existence").

    Arguments and errors are those of `moments`: a Refusal if the mean (r = 1) or the covariance (r = 2) does not exist.
    """
    if dim is not None:
        method.compressor.check_dimension(dim)
    q, tail = method.compressor.growth, method.noise.law.tail
    size = "|v|" if q == 1 else f"|v|^{q}"
    about = f"the compressor grows like ${size}$ and the noise has tail index ${tail}$"
    infinite = "the second moment of the increment is infinite"
    no_model = "no diffusion approximation of this form exists"
    conditions = []
    # affine noise is specified by its variance
    if method.noise.dense is not None or getattr(method.noise, "nu", None) is not None:
        conditions.append(Condition(tail, sp.Integer(2), "the noise variance that defines its scale exists"))
    if q:
        conditions.append(Condition(tail, sp.Integer(q), "the drift exists"))
        conditions.append(Condition(tail, sp.Integer(2 * q), "the covariance exists"))
        if orders > 2:
            conditions.append(Condition(tail, sp.Integer(orders * q), f"{WEAK_ORDER} 2"))
    for condition in conditions:
        if condition.met is False and condition.purpose == "the drift exists":
            raise Refusal("no-drift", f"the mean of the increment does not exist ({about}): there is no drift")
        if condition.met is False and not condition.of_order:
            raise Refusal("infinite-variance", f"{infinite} ({about}): {no_model}")
    if method.noise.law.tail.is_Symbol and not method.noise.law.closed_form and q:
        said = f"{infinite} unless ${tail} = 2$ ({about}): {no_model}; at $2$ the law is Gaussian"
        raise Refusal("infinite-variance", said)
    return sharpest([c for c in conditions if c.met is None]) + tuple(c for c in conditions if c.met is False)


def sharpest(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The strongest of the conditions on the same tail: one for existence, and one for the weak order if this requires more."""
    kinds = ([c for c in conditions if c.of_order == order] for order in (False, True))
    strongest = [max(same, key=lambda c: c.right) for same in kinds if same]
    return tuple(c for c in strongest if c is strongest[0] or c.right > strongest[0].right)


def compression_ratio(compressor: Compressor, size: sp.Expr) -> Omega | None:
    """The ratio omega; None if biased or without a finite ratio. Raises BadInput if the compressor states an impossible one."""
    try:
        return omega_of(compressor, size)
    except Refusal:
        return None


def _of_messages(method: Method) -> sp.Expr | None:
    """The mean of g + s_i Z over the clients; None if the mean of the law has no closed form."""
    law, scales = method.noise.law, method.noise.scales
    try:
        return g if law.mean == 0 else g + sp.Add(*scales) / len(scales) * law.mean
    except NoClosedForm:
        return None


def _over_noise(given_v: GradientForm, method: Method) -> GradientForm:
    """The moments over the noise, by the laws of total expectation and covariance, averaged over the clients' scales."""
    law, dense, scales = method.noise.law, method.noise.dense, method.noise.scales
    if dense is not None:
        return _over_correlated(given_v, dense)
    # a scale that is a long expression (affine variance) is one letter until the end; if it differs between coordinates, it is
    # the letter of a coordinate, so that sums over coordinates include it
    letters = {_letter(s, n): s for n, s in enumerate(scales)}
    heard = {s: sp.Dummy("heard", positive=True) for s in letters if s.is_positive is None}
    cases = {on: sp.Piecewise((1, letters[s] > 0), (0, True)) for s, on in heard.items()}
    functions = CoordinateFunctions(letters | cases)
    weight = sp.Rational(1, len(scales))
    mean, variance, off = sp.S.Zero, sp.S.Zero, sp.S.Zero
    pair_given = to_slot(given_v.mean, "j", "i") * given_v.mean + given_v.pair
    for s in letters:
        law_of_client = Vanishing(law, s) if s in heard else law
        b = expectation(given_v.mean, law_of_client, s, functions)
        b_i = to_slot(b, "j", "i")
        second = expectation(given_v.variance + given_v.mean**2, law_of_client, s, functions)
        pair = expectation(pair_given, law_of_client, s, functions, ("i", "j"))
        for_client = [b, second - b**2, pair - b_i * b]
        if s in heard:
            for_client = [_at_rest(e, s, heard[s]) for e in for_client]
        mean += weight * for_client[0]
        variance += weight * for_client[1]
        off += weight * for_client[2]
    factors, core = _low_rank(sp.expand(off))
    low_rank = sp.Add(*[core[a, b] * factors[a] * factors[b] for a in range(len(factors)) for b in range(len(factors))])
    diag = sp.expand(variance - low_rank)

    return GradientForm(tidy(mean), tidy(diag), tuple(factors), core.applyfunc(tidy)).map(functions.value)


def _letter(scale: sp.Expr, n: int) -> sp.Symbol:
    if depends_on(scale):
        return Coordinate(f"scale{n}", "j", True)
    return sp.Dummy("s", positive=True) if scale.is_positive else sp.Dummy("s", nonnegative=True)


def _at_rest(expr: sp.Expr, scale: sp.Symbol, heard: sp.Symbol) -> sp.Expr:
    """A client's moment, correct even if its scale is 0: constants such as sgn(v)^2 = 1 hold only if v = 0 has no mass.

    All other terms are polynomials in g, the scale and the signed moments, and have the value for the message v = g.
    """
    return sp.Add(*[e if e.has(Coordinate, scale) else heard * e for e in sp.Add.make_args(sp.expand(expr))])


def _low_rank(off: sp.Expr) -> tuple[list[sp.Expr], sp.Matrix]:
    """The factors U and the core with U core U' = `off`, a polynomial in names at slots i and j; factors are written at slot j."""
    basis: dict[sp.Expr, int] = {}
    entries: dict[tuple[int, int], sp.Expr] = {}
    for term in sp.Add.make_args(off):
        if term == 0:
            continue
        scalar, left, right = sp.S.One, sp.S.One, sp.S.One
        for factor in sp.Mul.make_args(term):
            if depends_on(factor, "i"):
                left *= to_slot(factor, "i", "j")
            elif depends_on(factor, "j"):
                right *= factor
            else:
                scalar *= factor
        a, b = (basis.setdefault(f, len(basis)) for f in (left, right))
        entries[a, b] = entries.get((a, b), sp.S.Zero) + scalar
    core = sp.zeros(len(basis), len(basis))
    for (a, b), value in entries.items():
        core[a, b] = value
    core = ((core + core.T) / 2).applyfunc(sp.expand)
    kept = [a for a in range(len(basis)) if any(core[a, b] != 0 for b in range(len(basis)))]
    names = list(basis)
    return [names[a] for a in kept], core.extract(kept, kept)


def _over_correlated(given_v: GradientForm, dense: DenseCov) -> GradientForm:
    """The exact moments for dependent coordinates, by E v v' = g g' + Sigma; NoClosedForm unless E[C | v] = v and Cov(C
    | v) is quadratic.
    """
    diag_rest, diag_square = given_v.diag, sp.S.Zero
    if given_v.diag != 0:
        diag_square = sp.expand(given_v.diag).coeff(v, 2)
        diag_rest = sp.expand(given_v.diag - diag_square * v**2)
    linear = all(f == v for f in given_v.factors) and given_v.rank <= 1
    if given_v.mean != v or not linear or diag_rest != 0 or depends_on(diag_square):
        raise NoClosedForm("with correlated noise only compressors that are linear in the message have closed moments")
    pair = given_v.core[0, 0] if given_v.rank else sp.S.Zero
    factors, core = ((g,), sp.Matrix([[pair]])) if given_v.rank else ((), sp.zeros(0, 0))
    return GradientForm(g, tidy(diag_square * (g**2 + dense.variance)), factors, core, ((1 + pair, dense),))


def tidy(expr: sp.Expr) -> sp.Expr:
    """A shorter equal expression, with rational coefficients factored term by term; no decision depends on it."""
    expr = sp.expand(expr)
    if expr.count_ops() > 400:
        return expr
    beside = coefficients(expr, lambda e: depends_on(e) or e.has(Coordinate) or not e.is_rational_function())
    return sp.Add(*[sp.factor(c) * f for f, c in beside.items()])
