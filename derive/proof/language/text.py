"""Terms and relations as text. One walk over a term serves plain text, the grammar of claim files, and LaTeX.

A notation is data if possible (brackets, signs, templates by head). It is a method if a bracket or a sign depends on the
neighbouring terms.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import RELATIONS, Relation, Term, num
from sdescent.derive.proof.language.tidy import power_in, tidy

#: how tightly a text binds: a text that binds less tightly than its place requires is put in brackets
SUM, PRODUCT, POWER, ATOM = range(4)
#: patterns of LaTeX: 1 over a term; a base that needs brackets below an exponent; a bracketed group in a name
_RECIPROCAL, _COMPOUND, _GROUP = (
    re.compile(e) for e in (r"\\frac\{1\}\{(.+)\}", r"\^|\\frac|[-+ ]", r"\{[^{}]*\}|\([^()]*\)")
)
#: heads of terms that are too wide for a numerator with other factors
WIDE = ("dot", "trprod", "tr", "quad", "opnorm", "E", "EI", "I", "S", "Si", "C")
#: a text and its level
Leveled = tuple[str, int]

_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta theta iota kappa lambda mu nu xi rho sigma tau phi chi psi omega eta Phi Psi"
)
GREEK = frozenset(_GREEK_NAMES.split())


class Printer:
    """The printer of plain text, whose walk the other notations share.

    The context says whether I and EI are integrals or sums over steps, and up to where. `positive` says whether a term
    b is shown to be > 0: only then is exp(a log(b)) printed as b^a, since log(b) = 0 by convention for other b. Only
    plain text, which readers check, asks this; LaTeX always writes b^a.
    """

    brackets: tuple[str, str] = ("(", ")")
    relations: Mapping[str, str] = {op: op for op in RELATIONS}
    #: the signs before a later summand: if it is positive, and if its text begins with a minus sign
    plus, minus = " + ", " - "
    #: the text between a matrix and a vector
    beside = " "

    def __init__(self, context: Context | None = None, positive: Callable[[Term], bool] = lambda b: False) -> None:
        self.context, self.positive = context, positive

    def relation(self, relation: Relation, align: str = "") -> str:
        """The text of a relation, such as l <= r; `align` is put before its sign, for LaTeX."""
        op, left, right = relation
        return f"{self.term(left)} {align}{self.relations[op]} {self.term(right)}"

    def term(self, t: Any) -> str:
        """The text of a term."""
        return self.leveled(t)[0]

    def leveled(self, t: Any) -> Leveled:
        """The text of a term, and its level."""
        match t:
            case ("q", value):
                return self.number(value)
            case ("x", symbol):
                return self.symbol(symbol), ATOM
            case ("+", *parts):
                return self.sum(parts), SUM
            case ("*", *factors):
                return self.product(factors)
            case ("^", base, n):
                return self.power(base, n)
            case ("/", above, below):
                return f"{self.inside(above, PRODUCT)}/{self.inside(below, POWER)}", PRODUCT
            case ("f", function, inner):
                return self.function(function, inner)
        return self.other(t)

    def inside(self, t: Any, level: int) -> str:
        """The text of a term, in brackets unless it has at least this level."""
        text, strength = self.leveled(t)
        return text if strength >= level else self.bracketed(text)

    def bracketed(self, text: str) -> str:
        return f"{self.brackets[0]}{text}{self.brackets[1]}"

    def number(self, value: str) -> Leveled:
        return value, SUM if value.startswith("-") else PRODUCT if "/" in value else ATOM

    def symbol(self, name: str) -> str:
        """The printed name of a symbol, a vector, a matrix or a declared function."""
        return name

    def sum(self, parts: Sequence[Any]) -> str:
        out = self.inside(parts[0], SUM)
        for part in parts[1:]:
            summand = self.inside(part, SUM)
            out += self.minus + summand[1:] if summand.startswith("-") else self.plus + summand
        return out

    def product(self, factors: Sequence[Any]) -> Leveled:
        if factors[0] == ("q", "-1") and len(factors) > 1:
            return "-" + "*".join(self.inside(a, PRODUCT) for a in factors[1:]), SUM
        return "*".join(self.inside(a, PRODUCT) for a in factors), PRODUCT

    def power(self, base: Any, n: int) -> Leveled:
        return f"{self.inside(base, ATOM)}^{n}", POWER

    def function(self, name: str, inner: Any) -> Leveled:
        if name == "exp" and (power := power_in(inner)) and power[1] and self.positive(power[0]):
            base, exponents = power
            exponent = self.product(exponents) if len(exponents) > 1 else self.leveled(exponents[0])
            above = exponent[0] if exponent[1] == ATOM else self.bracketed(exponent[0])
            return f"{self.inside(base, ATOM)}^{above}", POWER
        return f"{self.symbol(name)}({self.term(inner)})", ATOM

    def steps(self) -> str:
        """The range under a sum over steps, such as n<K, whose index is the clock if one is declared; "" in continuous time."""
        if (context := self.context) is None or not context.steps:
            return ""
        clocks = [name for name, kind in context.symbols.items() if kind == "clock"]
        index = next(
            n
            for n in (*clocks, "n", "m", "l", *(f"n{k}" for k in range(500)))
            if n in clocks or n not in context.symbols
        )
        return self.symbol(index) + ("" if context.horizon is None else f"<{self.symbol(context.horizon)}")

    def other(self, t: Any) -> Leveled:
        """The text and level of declared functions, operators, and terms over vectors and matrices."""
        match t:
            case ("xi", symbol):
                return f"{self.symbol(symbol)}_i", ATOM
            case ("F", function, inner):
                return self.function(function, inner)
            case ("I" | "EI", inner) if steps := self.steps():
                total = f"sum_({steps})({self.term(inner)})"
                return total if t[0] == "I" else f"E({total})", ATOM
        arguments = ", ".join(self.term(a) if isinstance(a, Term) else self.named(a) for a in t[1:])
        return f"{t[0]}({arguments})" if arguments else t[0], ATOM

    def named(self, v: Any) -> str:
        """The text of a vector, a matrix, or the product of a matrix and a vector."""
        return self.symbol(v[1]) if v[0] in ("v", "m") else self.named(v[1]) + self.beside + self.named(v[2])


_PLAIN = Printer()


def text(t: Any) -> str:
    """The plain text of a term or relation."""
    return _PLAIN.relation(t) if isinstance(t, Relation) else _PLAIN.term(t)


class ClaimFile(Printer):
    """The printer in the grammar of claim files, whose reader (`sdescent.derive.reading.claims`) reads its output as the same term.

    As the first factor of a product a number needs no brackets; as a later factor it has them unless it is a natural number.
    """

    relations: Mapping[str, str] = {op: op for op in ("<=", "<", ">=", ">", "==", "!=")}

    def number(self, value: str) -> Leveled:
        return value, ATOM if value.isdigit() else PRODUCT

    def sum(self, parts: Sequence[Any]) -> str:
        out = self.inside(parts[0], PRODUCT)
        for part in parts[1:]:
            positive = _without_sign(part)
            sign, unsigned = (self.plus, part) if positive is None else (self.minus, positive)
            out += sign + self.inside(unsigned, PRODUCT)
        return out

    def product(self, factors: Sequence[Any]) -> Leveled:
        first, *rest = factors
        if first == ("q", "-1") and rest and rest[0][0] not in ("q", "*"):
            return "-" + "*".join(self.inside(a, POWER) for a in rest), PRODUCT
        lead = self.inside(first, PRODUCT if first[0] in ("q", "/") else POWER)
        return "*".join([lead, *(self.inside(a, POWER) for a in rest)]), PRODUCT

    def other(self, t: Any) -> Leveled:
        raise ValueError(f"not in the grammar of claims: {t[0]}")


_CLAIM_FILE = ClaimFile()


def show(t: Any) -> str:
    """A term or relation in the grammar of claim files. Limits on length aside, reading it gives the same term or relation.

    Terms that the reader never returns, such as sums in sums, products in products and quotients of numbers, come back
    simplified. Raises ValueError if a part of the term or relation is not in the grammar.
    """
    return _CLAIM_FILE.relation(t) if t[0] in _CLAIM_FILE.relations else _CLAIM_FILE.term(t)


def said(relation: Any) -> str:
    """A relation in the grammar of claim files, with a lone number on the right: x >= 1 rather than 1 <= x."""
    op, left, right = relation
    if left[0] == "q" and right[0] != "q" and op in ("<=", "<"):
        return f"{show(right)} {op.replace('<', '>')} {show(left)}"
    return show(relation)


def _without_sign(t: Any) -> Any:
    """A term t' such that "- t'" is read as t, or None if there is none."""
    match t:
        case ("q", value) if value.startswith("-"):
            return ("q", value[1:])
        case ("*", ("q", "-1"), ("q" | "*", *_), *_):
            return None  # the number in the next factor would take the sign
        case ("*", ("q", "-1"), only):
            return only
        case ("*", ("q", "-1"), *rest) if rest:
            return ("*", *rest)
        case ("*", ("q", value), *rest) if rest and value.startswith("-"):
            return ("*", ("q", value[1:]), *rest)
    return None


def latex_name(symbol: str) -> str:
    """A symbol's name in LaTeX: Greek letters by name, digits after a first letter or words after an underscore as an index.

    No two names look alike: x1 is x with the index 1, and x_1 is printed as it is written.
    """
    head, *words = symbol.split("_")
    if len(head) == len(words) == 1 and words[0].isdigit():
        return rf"\mathit{{{head}\_{words[0]}}}"
    if not words and head[1:].isdigit():
        head, words = head[0], [head[1:]]
    plain = [w if len(w) == 1 or w.isdigit() else rf"\mathit{{{w}}}" for w in (head, *words)]
    first, *rest = ["\\" + w if w in GREEK else latex for w, latex in zip((head, *words), plain, strict=True)]
    return first + (rf"_{{{','.join(rest)}}}" if rest else "")


class TermWriter(Printer):
    """The printer of LaTeX, which tidies terms first; `names` has that of symbols, vectors, matrices and functions.

    `short` maps terms to LaTeX that replaces the whole term, wherever it occurs in exactly this form.
    """

    brackets = (r"\left(", r"\right)")
    relations: Mapping[str, str] = {"<=": r"\le", "<": "<", "==": "=", "!=": r"\ne"}
    minus, beside = "-", ""
    #: head of a term, or name of a function -> text with {0}, {1}, .. for the arguments, and its level
    templates: Mapping[str, Leveled] = {
        "pi": (r"\pi", ATOM),
        "sqrt": (r"\sqrt{{{0}}}", ATOM), "abs": (r"\left|{0}\right|", ATOM), "exp": (r"e^{{{0}}}", POWER),
        "log": (r"\log\left({0}\right)", ATOM), "tanh": (r"\tanh\left({0}\right)", ATOM),
        "atan": (r"\arctan\left({0}\right)", ATOM), "erf": (r"\operatorname{{erf}}\left({0}\right)", ATOM),
        "psi": (r"\psi\left({0}\right)", ATOM),
        "norm": (r"\|{0}\|", ATOM), "opnorm": (r"\|{0}\|_{{\mathrm{{op}}}}", ATOM),
        "dot": (r"\langle {0}, {1}\rangle", ATOM), "quad": (r"{1}^{{\top}} {0} {1}", PRODUCT),
        "tr": (r"\operatorname{{Tr}} {0}", PRODUCT), "trprod": (r"\operatorname{{Tr}}({0} {1})", ATOM),
        "E": (r"\mathbb{{E}}\left[{0}\right]", ATOM), "I": (r"\int_0^T {0}\,\mathrm{{d}}t", PRODUCT),
        "EI": (r"\mathbb{{E}}\int_0^T {0}\,\mathrm{{d}}t", PRODUCT),
        "S": (r"\sum_j {0}", PRODUCT), "Si": (r"\sum_i {0}", PRODUCT), "C": (r"\sum_k {0}", PRODUCT),
    }  # fmt: skip

    def __init__(
        self,
        names: Mapping[str, str] | None = None,
        short: Mapping[Term, str] | None = None,
        context: Context | None = None,
    ) -> None:
        super().__init__(context)
        self.names, self.short = dict(names or {}), dict(short or {})
        self.used: dict[Term, None] = {}  # the terms of `short` that were printed, in order

    def symbol(self, name: str) -> str:
        return self.names.get(name) or latex_name(name)

    def term(self, t: Term) -> str:
        return self.leveled(tidy(t, self.short))[0]

    def combination(self, parts: Sequence[tuple[Term, str]]) -> str:
        """The LaTeX of a sum of multiples c v, each given as (c, LaTeX of v)."""
        out = ""
        for coefficient, object_text in parts:
            front = self.inside(tidy(coefficient, self.short), PRODUCT)
            bracketed = f"({object_text})" if front != "1" and _is_sum(object_text) else object_text
            each = {"1": object_text, "-1": f"-{bracketed}"}.get(front) or rf"{front}\,{bracketed}"
            each = front if object_text == "1" else each  # c 1 is the number c
            out += each if not out or each.startswith("-") else f" + {each}"
        return out

    def leveled(self, t: Any) -> Leveled:
        if t in self.short:
            self.used[t] = None
            return self.short[t], ATOM
        if t[0] in ("as", "x"):  # a name that is a sum or a difference binds like a sum
            name = t[1] if t[0] == "as" else self.symbol(t[1])
            return name, SUM if t[0] == "x" and _is_sum(name) else ATOM
        if t[0] == "/" or (t[0] == "^" and self._quotient(t[1])):
            return self.product([t])
        return super().leveled(t)

    def sum(self, parts: Sequence[Any]) -> str:
        first, *rest = parts  # print d/k - 1, not -1 + d/k
        turned = first[0] == "q" and first[1].startswith("-") and not self.inside(rest[0], SUM).startswith("-")
        return super().sum([rest[0], first, *rest[1:]] if turned else parts)

    def number(self, value: str) -> Leveled:
        q = Fraction(value)
        sign = "-" if q < 0 else ""
        size = str(abs(q)) if q.denominator == 1 else rf"\frac{{{abs(q.numerator)}}}{{{q.denominator}}}"
        return sign + size, PRODUCT if sign else ATOM

    def product(self, factors: Sequence[Any]) -> Leveled:
        factors, sign = list(factors), ""
        if factors[0][0] == "q" and factors[0][1].startswith("-"):
            sign, size = "-", -Fraction(factors[0][1])
            factors[:1] = [num(size)] if size != 1 else []
        above, below = self._fraction(factors)
        if not below:
            return sign + self._row(above), PRODUCT
        # wide factors go beside the fraction, not into it
        beside = [a for a in above if a[0] in WIDE and a not in self.short]
        above = [a for a in above if a not in beside]
        if not above and len(beside) == 1:
            above, beside = beside, []
        fraction = rf"\frac{{{self._alone(above)}}}{{{self._alone(below)}}}"
        if beside:
            return sign + fraction + rf"\,{self._row(beside)}", PRODUCT
        return sign + fraction, PRODUCT if sign else ATOM

    def _row(self, factors: Sequence[Any]) -> str:
        """The LaTeX of factors side by side."""
        out = ""
        for a in factors:
            factor = self._factor(a)
            digits = out[-1:].isdigit() and factor[0].isdigit()
            out += factor if not out else rf"\cdot {factor}" if digits else rf"\,{factor}"
        return out

    def _alone(self, factors: Sequence[Any]) -> str:
        """The LaTeX of a numerator or denominator, where a single factor needs no brackets."""
        return "1" if not factors else self.leveled(factors[0])[0] if len(factors) == 1 else self._row(factors)

    def _as_power(self, inner: Any) -> str:
        """The LaTeX b^c if `inner` is c log(b), else an empty string."""
        if inner in self.short or (power := power_in(inner)) is None:
            return ""
        base, rest = self.inside(power[0], ATOM), power[1]
        return rf"{base}^{{{self.product(rest)[0]}}}" if rest else base

    def _quotient(self, t: Any) -> bool:
        """Whether a term is printed as a quotient."""
        return t not in self.short and (t[0] == "/" or (t[0] == "q" and "/" in t[1]))

    def _fraction(self, factors: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The factors of a product's numerator and denominator, with quotients and powers of quotients split."""
        above: list[Any] = []
        below: list[Any] = []
        for t in factors:
            base, n = (t[1], t[2]) if t[0] == "^" else (t, 1)
            if reciprocal := _RECIPROCAL.fullmatch(self.short.get(base, "")):
                self.used[base] = None
                below.append(Term(("as", reciprocal[1])) ** n if n != 1 else Term(("as", reciprocal[1])))
                continue
            if t in self.short or not (self._quotient(base) or t[0] == "*"):
                above.append(t)
                continue
            if t[0] == "*":
                up, down = self._fraction(t[1:])
            elif base[0] == "q":
                size = Fraction(base[1])
                up, down = [num(size.numerator)] if size.numerator != 1 else [], [num(size.denominator)]
            else:
                (up, over), (down, under) = self._fraction([base[1]]), self._fraction([base[2]])
                up, down = up + under, over + down
            above += [a**n if n != 1 else a for a in up]
            below += [a**n if n != 1 else a for a in down]
        return self._numbers_first(above), self._numbers_first(below)

    @staticmethod
    def _numbers_first(factors: list[Any]) -> list[Any]:
        """The factors with all numbers multiplied into one in front (unless it is 1), and equal factors merged into a power."""
        size, powers = Fraction(1), dict[Any, int]()
        for a in factors:
            if a[0] == "q":
                size *= Fraction(a[1])
            else:
                base, n = (a[1], a[2]) if a[0] == "^" else (a, 1)
                powers[base] = powers.get(base, 0) + n
        rest = [base if n == 1 else Term(("^", base, n)) for base, n in powers.items()]
        return rest if size == 1 else [num(size), *rest]

    def _factor(self, t: Any) -> str:
        """The LaTeX of one factor among others, in brackets also if it begins with a minus sign."""
        text, level = self.leveled(t)
        return text if level >= PRODUCT and not text.startswith("-") else self.bracketed(text)

    def power(self, base: Any, n: int) -> Leveled:
        text, level = self.leveled(base)
        if n == 1:
            return text, level
        closed = base[0] in ("norm", "opnorm", "q") or base[:2] == ("f", "abs")
        plain = base[0] in ("x", "pi", "as") or base in self.short
        simple = level == ATOM and (closed or (plain and not _COMPOUND.search(text)))
        return f"{text if simple else self.bracketed(text)}^{{{n}}}", POWER

    def function(self, name: str, inner: Any) -> Leveled:
        if name == "exp" and (power := self._as_power(inner)):
            return power, POWER
        template, level = self.templates[name]
        return template.format(self.leveled(inner)[0]), level

    def other(self, t: Any) -> Leveled:
        match t:
            case ("xi", symbol):
                return self.symbol(symbol).replace("_j", "_i"), ATOM
            case ("dot", u, v) if u == v:
                return self.leveled(Term(("norm", u)) ** 2)
            case ("dot", u, ("Mv", m, v)) if u == v:
                return self.leveled(Term(("quad", m, u)))
            case ("F", function, inner):
                return rf"{self.symbol(function)}\!\left({self.leveled(inner)[0]}\right)", ATOM
            case ("E", inner):
                args = [self.leveled(inner)[0]]
            case _:
                args = [self._factor(a) if isinstance(a, Term) else self.named(a) for a in t[1:]]
        template, level = self.templates[t[0]]
        if t[0] in ("I", "EI") and (steps := self.steps()):
            return ("", r"\mathbb{E}")[t[0] == "EI"] + rf"\sum_{{{steps}}} {args[0]}", PRODUCT
        return template.format(*args), level


def _is_sum(latex: str) -> bool:
    """Whether a LaTeX text is a sum or a difference outside of groups."""
    return re.search(".[-+]", _GROUP.sub("", _GROUP.sub("", latex))) is not None
