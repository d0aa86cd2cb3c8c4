"""SymPy's LaTeX printer in the notation of the paper: with coordinates, sums over them, Hessian products and the user's commands.

Terms that do not vanish with the step size come first, a sum begins without a minus sign if possible, and a fraction
has no sign that its denominator can absorb.
"""

from collections.abc import Mapping
from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from sdescent.derive.expressions.coordinates import Coordinate, CoordMax, CoordSum, Fourth, Hvp, Rank, Third, gk, vk
from sdescent.derive.expressions.written import symbol_latex

#: LaTeX of vectors whose names are words: moments of a message (sdescent.derive.printing.message_moments), noise, moments
#: given a message
VECTOR_LATEX = {
    "meansign": r"\mathfrak{s}", "meansize": r"\mathfrak{a}", "meansquare": r"\mathfrak{q}", "noise": "Z", "unitnoise": r"\zeta",
    "messagemean": "m", "messagecov": "V",
}  # fmt: skip
#: letters of an equation that are not symbols -> their names, some of which are keys above
LETTERS = {
    **{name: name for name in ("X", "W", "B", "L", "S", "b", "g", "H", "v", "C", "J", "Lambda", "U", "Gamma", "F", "R")},
    **{name: name for name in ("Sigma", "meansign", "meansize", "meansquare")},
    "Z": "noise", "zeta": "unitnoise", "m": "messagemean", "V": "messagecov",
}  # fmt: skip
#: sums that are squared norms
_NORMS = {CoordSum(gk**2): "g", CoordSum(vk**2): "v"}


class Printer(LatexPrinter):
    """SymPy's printer with aggregates, Hessian products and `macros`: symbol name -> command, under "v_j" or "v" for a
    vector or matrix v.

    `names` maps subexpressions to commands, such as b_j for a long mean.
    """

    def __init__(self, macros: Mapping[str, str] | None = None, names: Mapping[sp.Expr, str] | None = None) -> None:
        settings = {"inv_trig_style": "full", "ln_notation": False, "mul_symbol": r"\,", "fold_frac_powers": True}
        super().__init__(settings)
        self._macros, self._own_names = dict(macros or {}), dict(names or {})

    def doprint(self, expr: Any) -> str:
        """The expression as LaTeX; x 3F2(1, 1, 1; 2, 2; x) becomes the dilogarithm Li_2(x)."""
        if isinstance(expr, sp.Basic):
            expr = expr.replace(_is_dilogarithm, lambda e: sp.polylog(2, e.args[2]) / e.args[2])
        return super().doprint(expr)

    def vector(self, base: str) -> str:
        """The LaTeX of the vector or matrix called `base`."""
        return letter(base, self._macros)

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if self._own_names and isinstance(expr, sp.Expr) and expr in self._own_names:
            name, power = self._own_names[expr], kwargs.get("exp")
            if power is None:
                return name
            return rf"\left({name}\right)^{{{power}}}" if "^" in name or r"\sum" in name else rf"{name}^{{{power}}}"
        return super()._print(expr, **kwargs)

    def _print_Symbol(self, expr: sp.Symbol, style: str = "plain") -> str:
        name = expr.name
        if name in self._macros:
            return self._macros[name]
        if name == "du":
            return rf"\dot{{{self._macros.get('u', 'u')}}}"
        if name.startswith("H") and "_" in name and name[1].isdigit():
            i, _, j = name[1:].partition("_")
            return rf"{self.vector('H')}_{{{i},{j}}}"
        return symbol_latex(name)

    def _print_Coordinate(self, expr: Coordinate) -> str:
        name, index = expr.printed
        return rf"{self.vector(name)}_{{{index}}}"

    def _print_CoordSum(self, expr: CoordSum) -> str:
        if expr in _NORMS:
            return rf"\|{self.vector(_NORMS[expr])}\|_2^{{2}}"
        inner = self._print(expr.args[0])
        if expr.args[0] == sp.Abs(gk) or expr.args[0] == sp.Abs(vk):
            return rf"\|{self.vector(expr.args[0].args[0].base)}\|_1"  # pyright: ignore[reportAttributeAccessIssue]
        return rf"\sum_{{k}} {inner}" if not isinstance(expr.args[0], sp.Add) else rf"\sum_{{k}} \left({inner}\right)"

    def _print_CoordMax(self, expr: CoordMax) -> str:
        inner = expr.args[0]
        if inner == sp.Abs(gk) or inner == sp.Abs(vk):
            return rf"\|{self.vector(inner.args[0].base)}\|_\infty"  # pyright: ignore[reportAttributeAccessIssue]
        return rf"\max_{{k}} {self._print(inner)}"

    def _print_Rank(self, expr: Rank) -> str:
        inner = expr.args[0]
        # without the index k, which the rank is compared to as a number
        whole = inner == sp.Abs(gk) or inner == sp.Abs(vk)
        body = rf"|{self.vector(inner.args[0].base)}|" if whole else self._print(inner)  # pyright: ignore[reportAttributeAccessIssue]
        return rf"\mathrm{{rank}}_{{{expr.slot}}}\left({body}\right)"

    def _print_Relational(self, expr: Any) -> str:
        # SymPy's canonical order puts symbols first: a rank is compared to a number, not a number to a rank
        return super()._print_Relational(expr.reversed if isinstance(expr.rhs, Rank) else expr)

    def _print_Hvp(self, expr: Hvp) -> str:
        inner = expr.args[0]
        if inner == gk:
            return rf"({self.vector('H')}{self.vector('g')})_{{{expr.slot}}}"
        return rf"\left({self.vector('H')}\left[{self._print(inner)}\right]_{{k}}\right)_{{{expr.slot}}}"

    def _print_Third(self, expr: Third | Fourth) -> str:
        order = 3 if isinstance(expr, Third) else 4
        return rf"\left(\nabla^{{{order}}}f\left[{self._print(expr.args[0])}\right]_{{k}}\right)_{{{expr.slot}}}"

    _print_Fourth = _print_Third

    def _print_Add(self, expr: sp.Add, order: str | None = None) -> str:
        below = _number_below(expr)
        if below != 1:
            return rf"\frac{{{self._print(sp.expand(expr * below))}}}{{{below}}}"
        text = ""
        for term in written_order([_absorb_sign(t, in_sum=True) for t in self._as_ordered_terms(expr, order)]):
            body = self._print(-term if _negative(term) else term)
            body = rf"\left({body}\right)" if self._needs_add_brackets(term) else body
            text += (" - " if _negative(term) else " + " if text else "") + body
        return text.lstrip() if not text.startswith(" - ") else "- " + text[3:]

    def _print_Mul(self, expr: sp.Mul) -> str:
        if expr.args[0] is sp.S.One or any(a.is_Number for a in expr.args[1:]):
            return super()._print_Mul(expr)  # an unevaluated product is written as it is
        binary = _binary_logarithm(expr)
        if binary is not None:
            return rf"\log_{{2}}\left({self._print(binary)}\right)"
        expr = _absorb_sign(expr)
        if not isinstance(expr, sp.Mul):
            return self._print(expr)
        sign, expr = ("- ", -expr) if _negative(expr) else ("", expr)
        numerator, denominator = _numbers_cleared(*_roots_below(*sp.fraction(expr, exact=True)))
        if denominator == 1:
            return sign + self._product(numerator)
        return sign + rf"\frac{{{self._product(numerator)}}}{{{self._product(denominator)}}}"

    def _product(self, expr: sp.Expr) -> str:
        factors = sorted(_one_root(expr.as_ordered_factors()), key=self._place) if isinstance(expr, sp.Mul) else [expr]
        text = ""
        for n, factor in enumerate(factors):
            body = self._print(factor)
            last = n == len(factors) - 1
            # the brace of a case distinction brackets it, if nothing follows
            bare = len(factors) == 1 or (last and factor.is_Piecewise)
            if not bare and self._needs_mul_brackets(factor, n == 0, last):
                body = rf"\left({body}\right)"
            between = r" \cdot " if text[-1:].isdigit() and body[0].isdigit() else r"\,"
            text += (between if text else "") + body
        return text

    def _place(self, factor: sp.Expr) -> int:
        """The place of a factor: numbers and scalars, factors that depend on the state, sums, and last a case distinction."""
        if factor.is_Piecewise:
            return 3
        name = self._own_names.get(factor.as_base_exp()[0], "")
        if r"\sum" in name or isinstance(factor.as_base_exp()[0], CoordSum):
            return 2
        return int(factor.has(Coordinate, Hvp) or "_" in name)

    def _print_ExpBase(self, expr: sp.Expr, exp: Any = None) -> str:
        text = self._print(expr.args[0])
        if r"\frac" in text and not expr.args[0].is_Add:
            sign, size = ("- ", -expr.args[0]) if _negative(expr.args[0]) else ("", expr.args[0])
            numerator, denominator = sp.fraction(size, exact=True)
            over = self._product(denominator)
            over = rf"\left({over}\right)" if denominator.is_Mul or denominator.is_Add else over
            up = self._print(numerator)
            folded = rf"{sign}\left({up}\right)/{over}" if numerator.is_Add else rf"{sign}{up}/{over}"
            text = text if r"\frac" in folded else folded
        if r"\frac" in text:
            return self._do_exponent(rf"\exp\left({text}\right)", exp)
        return self._do_exponent(rf"e^{{{text}}}", exp)

    def _print_Pow(self, expr: sp.Pow, *args: Any, **kwargs: Any) -> str:
        if expr.exp == sp.Rational(1, 2) and expr.base in _NORMS:
            return rf"\|{self.vector(_NORMS[expr.base])}\|_2"
        named = self._own_names.get(expr.base)
        if named is not None and "^" not in named and expr.exp.is_Integer and expr.exp > 0:
            named = rf"\left({named}\right)" if r"\sum" in named else named
            return rf"{named}^{{{expr.exp}}}"
        if isinstance(expr.base, CoordSum) and expr.base not in _NORMS and expr.exp.is_Integer and expr.exp > 0:
            return rf"\left({self._print(expr.base)}\right)^{{{expr.exp}}}"
        return super()._print_Pow(expr, *args, **kwargs)

    def _print_Max(self, expr: sp.Max, exp: Any = None) -> str:
        low, high = sp.S.NegativeOne, sp.S.One
        if len(expr.args) == 2 and low in expr.args:
            inner = next(a for a in expr.args if a != low)
            if isinstance(inner, sp.Min) and high in inner.args and len(inner.args) == 2:
                body = next(a for a in inner.args if a != high)
                text = rf"\mathrm{{clip}}\left({self._print(body)}\right)"
                return text if exp is None else rf"{text}^{{{exp}}}"
        return super()._print_Max(expr, exp)  # pyright: ignore[reportAttributeAccessIssue]

    def _print_hyper(self, expr: sp.hyper, exp: Any = None) -> str:
        upper = ",".join(self._print(a) for a in expr.args[0])
        lower = ",".join(self._print(a) for a in expr.args[1])
        orders = rf"{{}}_{{{len(expr.args[0])}}}F_{{{len(expr.args[1])}}}"
        text = rf"{orders}\left({upper};{lower};{self._print(expr.args[2])}\right)"
        return text if exp is None else rf"\left({text}\right)^{{{exp}}}"


def letter(name: str, macros: Mapping[str, str] | None = None) -> str:
    """The LaTeX of a vector, a matrix or another letter: the user's command under name_j or under its name, if there is one."""
    commands = macros or {}
    return commands.get(f"{name}_j") or commands.get(name) or VECTOR_LATEX.get(name) or symbol_latex(name)


def _number_below(expr: sp.Expr) -> sp.Integer:
    """The common denominator of the numbers of all terms of a sum, else 1: 2 for nu/2 + 1/2, which is written (nu + 1)/2."""
    below = {t.as_coeff_Mul()[0].as_numer_denom()[1] for t in expr.args} if isinstance(expr, sp.Add) else set()
    return below.pop() if len(below) == 1 and all(b.is_Integer for b in below) else sp.S.One  # pyright: ignore[reportReturnType]


def _numbers_cleared(numerator: sp.Expr, denominator: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The fraction with numbers cleared: 2 d/(nu + 1) for d/(nu/2 + 1/2), and d (nu + 1)/2 for d (nu/2 + 1/2)."""
    sides, numbers = [], []
    for side in (numerator, denominator):
        factors = sp.Mul.make_args(side)
        below = [_number_below(f) if len(factors) > 1 or side is denominator else sp.S.One for f in factors]
        whole = [f if b == 1 else sp.expand(f * b) for f, b in zip(factors, below, strict=True)]
        sides.append(side if all(b == 1 for b in below) else sp.Mul(*whole))
        numbers.append(sp.Mul(*below))
    return (numerator, denominator) if numbers == [1, 1] else (sides[0] * numbers[1], sides[1] * numbers[0])


def _negative(term: sp.Expr) -> bool:
    """Whether the number in front of a term is negative."""
    return bool(term.as_coeff_Mul()[0].is_negative)


def _vanishes_with_step(term: sp.Expr) -> bool:
    return any(s.name == "eta" for s in term.free_symbols if isinstance(s, sp.Symbol))


def written_order(terms: list[sp.Expr]) -> list[sp.Expr]:
    """The terms with those first that do not vanish with the step size, led by one without a minus sign if there is one."""
    terms = sorted(terms, key=_vanishes_with_step)
    leading = terms if not any(map(_vanishes_with_step, terms)) else [t for t in terms if not _vanishes_with_step(t)]
    lead = next((t for t in leading or terms if not _negative(t)), None)
    if lead is not None:
        terms.insert(0, terms.pop(next(n for n, t in enumerate(terms) if t is lead)))
    return terms


def _absorb_sign(term: sp.Expr, in_sum: bool = False) -> sp.Expr:
    """The product with its minus sign absorbed by a sum that looks negative: a (1 - p) for -a (p - 1).

    A sum in the numerator looks negative if its number is. Outside a sum, which has a place for the sign, sums with mostly negative
    terms and sums that are negative for a small step size also look negative.
    """
    if not isinstance(term, sp.Mul) or not _negative(term):
        return term
    for factor in term.args:
        base, power = factor.as_base_exp()
        if not (isinstance(base, sp.Add) and power.is_Integer and power.is_odd):
            continue
        signs = [_negative(t) for t in base.args]
        lasting = [_negative(t) for t in base.args if not _vanishes_with_step(t)]
        mostly = 2 * sum(signs) > len(signs) or (all(lasting) and 0 < len(lasting) < len(signs))
        if (power > 0 and base.as_coeff_Add()[0].is_negative) or (mostly and not in_sum):
            return term / factor * (-1) * sp.Pow(-base, power)
    return term


def _roots_below(numerator: sp.Expr, denominator: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """The fraction with a root moved to the denominator: a / (2 sqrt(2) b) for sqrt(2) a / (4 b)."""
    for factor in sp.Mul.make_args(numerator):
        whole = denominator.as_coeff_Mul()[0]
        root = isinstance(factor, sp.Pow) and factor.exp == sp.Rational(1, 2) and factor.base.is_Integer
        if root and whole.is_Integer and whole % factor.base == 0:
            return numerator / factor, denominator / factor.base * factor
    return numerator, denominator


def _one_root(factors: list[sp.Expr]) -> list[sp.Expr]:
    """The factors with their positive square roots under one root: sqrt(2) sqrt(pi) as an unevaluated sqrt(2 pi)."""
    roots = [f for f in factors if isinstance(f, sp.Pow) and f.exp == sp.Rational(1, 2) and f.base.is_positive]
    if len(roots) < 2:
        return factors
    joint = sp.Pow(sp.Mul(*[f.base for f in roots]), sp.Rational(1, 2), evaluate=False)
    return [joint if f is roots[0] else f for f in factors if f is roots[0] or f not in roots]


def _is_dilogarithm(expr: sp.Basic) -> bool:
    return isinstance(expr, sp.hyper) and (tuple(expr.args[0]), tuple(expr.args[1])) == ((1, 1, 1), (2, 2))


def _binary_logarithm(expr: sp.Mul) -> sp.Expr | None:
    """The argument a of log(a)/log(2), or None for any other product."""
    if len(expr.args) == 2 and 1 / sp.log(2) in expr.args:
        other = next(a for a in expr.args if a != 1 / sp.log(2))
        return other.args[0] if isinstance(other, sp.log) else None
    return None
