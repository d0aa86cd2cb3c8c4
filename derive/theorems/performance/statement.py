"""The worst case of several steps, stated in a theorem file: `initial`, `performance` and numbers for all constants.

initial = "||x - xstar||^2", performance = "f - fstar" at the last iterate, "mean(f - fstar)" over x_0, .., x_(n-1), or "min(G^2)" over
x_0, .., x_n. Constants that change from step to step have a list of numbers in `per_step`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as sp

from sdescent.derive.proof.gram.forms import Form, exact, fraction, inner, square, vectors_in
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.context import Context, ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Term, dot, norm, num, plus, vec, x
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import solved, symbolic
from sdescent.derive.theorems.bounds.language.hypotheses import BETWEEN_DRAWS, Hypotheses
from sdescent.derive.theorems.bounds.language.letters import Letters
from sdescent.derive.theorems.bounds.language.vocabulary import Formulas, read_formulas, replaced, symbols_of
from sdescent.derive.theorems.entry import linear_step
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.theorems.facts.function_classes import FunctionClass, Point
from sdescent.derive.theorems.performance.n_steps import WorstCase, run, worst_case
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.symbols import u
from sdescent.derive.vocabulary.verdicts import Source

#: the keys of a file
KEYS = (
    "title", "method", "noise", "compressor", "clients", "dim", "regime", "params", "assume", "initial", "performance",
    "per_step",
)  # fmt: skip
MEASURES = "a combination of f - fstar, G^2, ||x - xstar||^2, <g, x - xstar> and numbers"
_OVER = re.compile(r" *(mean|min) *\((.*)\) *", re.ASCII)


@dataclass(frozen=True)
class Performance:
    """The worst case that a file asks for.

    Args:
        table: the parsed file, with `initial` and `performance`.
        letters: the roles of the letters of its method.
        steps: the number of steps.

    Raises:
        BadInput: a constant has no number, or `initial` or `performance` is outside the language.
        Refusal: the step is not linear or has noise.
    """

    table: Mapping[str, Any]
    letters: Letters
    steps: int

    def formulas(self, key: str, text: str) -> Formulas:
        """The formulas of the file with a measure in the place of V."""
        table = {k: v for k, v in self.table.items() if k not in ("initial", "performance", "per_step")}
        if "(" in text.replace("f(", "").replace("g(", "") and re.search(r"[a-z]{3,}\(", text):
            more = ", or mean(..) or min(..) of one" if key == "performance" else ""
            raise BadInput(key, text, MEASURES + more)
        try:
            return read_formulas({**table, "V": text, "claim": "change <= 0"}, self.letters, True, {})
        except BadInput as error:
            raise BadInput(
                key if error.field == "V" else error.field, error.value, error.accepted, error.column
            ) from None

    @property
    def per_step(self) -> dict[str, list[Fraction]]:
        """The constants that have a number for each step."""
        accepted = 'a list of numbers for each letter, one for each step, such as {eta = [1, "3/2"]}'
        lists = self.table.get("per_step", {})
        if not isinstance(lists, Mapping):
            raise BadInput("per_step", lists, accepted)
        numbers: dict[str, list[Fraction]] = {}
        for name, values in lists.items():
            try:
                numbers[name] = [Fraction(str(v)) for v in values] if isinstance(values, list) else []
            except (ValueError, ZeroDivisionError):
                raise BadInput(f"per_step.{name}", values, accepted) from None
            if len(numbers[name]) < self.steps:
                raise BadInput(f"per_step.{name}", values, f"{accepted}, and --steps is {self.steps}")
        return numbers

    def numbers(self, formulas: Formulas) -> dict[str, Fraction]:
        """The values of all constants: those of `params`, and those that equalities in `assume` fix."""
        numbers = {name: Fraction(str(v)) for name, v in dict(self.table.get("params") or {}).items()}
        values = {x(name): num(v) for name, v in numbers.items()}
        equalities = [replaced(r, values) for r in formulas.inequalities.values() if r.op == "=="]
        names = ["eta", *self.letters.constants, *formulas.words.constants]
        for name, value in solved(equalities, names).items():
            e = symbolic(value)
            if e.is_Rational:
                numbers[name[1]] = Fraction(str(e))
        per_step = self.per_step
        for name in per_step:
            if name not in names or name in numbers:
                what = "has a number already" if name in numbers else "is no letter of the step"
                raise BadInput("per_step", f"{name}, which {what}", "letters of the step that have no other number")
        for name in names:
            if name not in numbers and name not in per_step:
                accepted = f'a rational number for each constant, such as "{name} == 1/2"'
                raise BadInput("assume", f"no number for {name}", accepted)
        for k in range(self.steps if per_step else 1):
            self._hold(formulas, {**numbers, **{name: v[k] for name, v in per_step.items()}})
        return numbers

    def _hold(self, formulas: Formulas, numbers: Mapping[str, Fraction]) -> None:
        """Raise BadInput unless the numbers satisfy the inequalities of the file and eta > 0."""
        if numbers["eta"] <= 0:
            raise BadInput("assume", f"eta = {numbers['eta']}", "a step size above 0")
        point = {sp.Symbol(name): sp.Rational(str(v)) for name, v in numbers.items()}
        for text, r in formulas.inequalities.items():
            try:
                value = symbolic(r.slack).subs(point)
            except ProofError:
                value = sp.Symbol("state")
            if value.free_symbols:
                raise BadInput("assume", text, "an inequality between constants: the state is that of every run")
            if not {"<=": value >= 0, "<": value > 0, "==": value == 0}[r.op]:
                raise BadInput("assume", text, "an inequality that the numbers of the file satisfy")

    def require_plain(self) -> None:
        """Raise Refusal unless the method has neither noise nor compression, and its memory starts at 0 and is that of all clients."""
        method = self.letters.method
        method.rule.require_shared_memory("the worst case of several steps")
        if self.table.get("noise", "any") == "any" or not linear_step.quiet(method, False):
            cause = "the worst case of several steps is that of a method without noise and without compression"
            raise Refusal("noisy", f'{cause}, and this one has them: write noise = "none", and no compressor')
        if method.schedule.factor != 1:
            raise BadInput("schedule", self.table["schedule"], "per_step, with a step size for each step")
        for name, start in method.rule.memory:
            if start != 0:
                raise BadInput(f"memory {name}", start, "0, where every memory starts here")

    def solve(self) -> tuple[WorstCase, Theorem] | None:
        """The worst case with its theorem; None if there is no bound or no exact proof is found."""
        self.require_plain()
        over, measured = "last", str(self.table.get("performance", "f - fstar"))
        if match := _OVER.fullmatch(measured):
            over, measured = match[1], match[2]
        of_start, of_end = (
            self.formulas("initial", str(self.table.get("initial", "||x - xstar||^2"))),
            self.formulas("performance", measured),
        )
        numbers = self.numbers(of_start)
        cls = class_of(of_start.hypotheses, numbers)
        values = {name: sp.Rational(str(v)) for name, v in numbers.items()}
        lists = {name: [sp.Rational(str(v)) for v in each] for name, each in self.per_step.items()}

        def number(e: sp.Expr, k: int) -> Any:
            table = {
                **values,
                **{name: each[k - 1] for name, each in lists.items()},
                "k": sp.Integer(k),
                u.name: sp.S.One,
            }
            value = e.subs({s: table[s.name] for s in e.free_symbols if s.name in table})
            if not value.is_Rational:
                cause = f"the coefficient {e.subs(u, 1)} has no rational value in step {k}"
                raise Refusal("not-linear", f"{cause}: the worst case needs rational numbers; give decimals")
            return exact(Fraction(str(value)))

        iterates = run(linear_step.one_step(self.letters.method, False), self.steps, number)
        at_end, at_start = (
            measure(formulas, numbers, key, self.table.get(key))
            for formulas, key in ((of_end, "performance"), (of_start, "initial"))
        )
        counted = iterates.iterates if over != "mean" else iterates.iterates[:-1]
        measures, start = [at_end(p) for p in counted], at_start(iterates.iterates[0])
        points = iterates.needed(cls, [*(measures if over != "last" else measures[-1:]), start])
        worst = worst_case(cls, points, measures, over, start)
        if worst is None:
            return None
        return worst, theorem_of(worst, self.table, self.steps)


def class_of(hypotheses: Hypotheses, numbers: Mapping[str, Fraction]) -> FunctionClass:
    """The class of functions with numbers for its constants."""
    values = {sp.Symbol(name): sp.Rational(str(v)) for name, v in numbers.items()}

    def first(name: str, n: int = 0) -> Any:
        terms = hypotheses.classes.get(name)
        if terms is None:
            return None
        value = symbolic(terms[n]).subs(values)
        return exact(Fraction(str(value)))

    if hypotheses.smoothness is not None and hypotheses.smoothness[1] != num(0):
        raise Refusal(
            "no-interpolation",
            "no interpolation inequalities are listed for (L0, L1)-smooth functions: assume smooth: L",
        )
    if others := set(BETWEEN_DRAWS) & set(hypotheses.classes):
        cause = "the worst case of several steps is that of one loss without noise"
        raise Refusal(
            "client-memory", f"{cause}, so nothing can be assumed of clients or draws: leave out {min(others)}"
        )
    L, pl, bound = first("smooth"), first("pl"), first("bounded gradient")
    strong, weak = first("strongly convex"), first("weakly convex")
    for name, value in (("smooth", L), ("pl", pl), ("strongly convex", strong), ("bounded gradient", bound)):
        if value is not None and value <= 0:
            raise BadInput("assume", f"{name}: {value}", "a number above 0")
        if name in ("pl", "strongly convex") and value is not None:
            if L is not None and (value > L or (value == L and name != "pl")):
                raise BadInput(
                    "assume",
                    f"{name}: {value} with smooth: {L}",
                    "mu < L: with mu = L the loss is a known quadratic, and with mu > L it is constant",
                )
            if bound is not None:
                raise BadInput(
                    "assume", f"{name} with bounded gradient", "one of them: no gradient of such a function is bounded"
                )
    curvature = strong if strong is not None else None if weak is None else -weak
    return FunctionClass(L, hypotheses.minimiser, curvature, pl, bound)


def measure(formulas: Formulas, numbers: Mapping[str, Fraction], key: str, text: object) -> Any:
    """The measure of a key of the file, which has this text, as a function from a point to a form."""
    words = formulas.words
    vectors = tuple(dict.fromkeys(v for pair in words.products for v in pair))
    normal = Normal(
        Context({name: "const" for name in symbols_of(formulas.value)} | {"f": "random"}, vectors or ("g",))
    )
    value = replaced(formulas.value, {x(name): num(v) for name, v in numbers.items()})
    kinds = {
        (): lambda p: Form({("term", "1"): exact(1)}), ((("x", "f"), 1),): lambda p: p.value, ((("x", "fstar"), 1),): lambda p: Form(),
        ((("norm", ("v", nm.GRADIENT)), 2),): lambda p: square(p.gradient), ((("norm", ("v", nm.DISTANCE)), 2),): lambda p: square(p.at),
        ((("dot", ("v", nm.GRADIENT), ("v", nm.DISTANCE)), 1),): lambda p: inner(p.gradient, p.at),
        ((("dot", ("v", nm.DISTANCE), ("v", nm.GRADIENT)), 1),): lambda p: inner(p.gradient, p.at),
    }  # fmt: skip
    pieces = {tuple((normal.key_of(a), n) for a, n in m): c for m, c in normal.polynomial(value).items()}
    loss, least = (pieces.get(((("x", name), 1),), 0) for name in ("f", "fstar"))
    if not set(pieces) <= set(kinds) or loss + least or not any(pieces):
        raise BadInput(key, text, MEASURES)

    def form(p: Point) -> Form:
        total = Form()
        for m, c in pieces.items():
            total = total + kinds[m](p) * exact(c)
        return total

    return form


def theorem_of(worst: WorstCase, table: Mapping[str, Any], steps: int) -> Theorem:
    """The theorem performance <= tau initial, with the interpolation inequalities as listed facts."""
    one, proof = worst.identity, worst.proof
    forms = [*one.facts.values(), one.goal, *one.unknown.values()]
    vectors, scalars = vectors_in(forms), dict.fromkeys(m for form in forms for m in form if m[0] != "dot")
    symbols = {m: x(f"f{m[1]}_q" if m[0] == "value" else f"{m[1]}_q") for m in scalars if m != ("term", "1")}
    context = Context({s[1]: "random" for s in symbols.values()}, tuple(f"{v}_q" for v in vectors))

    def term(form: Mapping[Any, Any]) -> Term:
        pieces = []
        for m, c in form.items():
            atom = num(1) if m == ("term", "1") else nm.inner(f"{m[1]}_q", f"{m[2]}_q") if m[0] == "dot" else symbols[m]
            pieces.append(num(fraction(c)) * atom)
        return plus(*pieces)

    assumptions = {f"{' '.join(name)}": num(0).le(term(one.facts[name])) for name in proof.multipliers}
    claim = term(-one.goal).le(num(fraction(worst.tau)) * term(one.unknown["tau"]))

    def prove(w: Derivation) -> Fact:
        premises = [w[" ".join(name)] for name in proof.multipliers]
        total: list[Any] = [(fraction(c), (n,), ()) for n, c in enumerate(proof.multipliers.values())]
        for d, v in proof.squares:
            premises.append(w.kernel.squared_norm([(num(fraction(c)), f"{name}_q") for name, c in v.items()]))
            total.append((fraction(d), (len(premises) - 1,), ()))
        return w.step("the claim", w.kernel.certify(claim, premises, sum=total))

    return Theorem(
        id="worst-case", title=str(table.get("title", f"The worst case of {steps} steps")), source="performance estimation",
        context=context, assumptions=assumptions, claim=claim, prove=prove,
        sources=dict.fromkeys(assumptions, Source.LITERATURE), point=_at_rest(context, vectors, symbols),
    )  # fmt: skip


def _at_rest(context: Context, vectors: list[str], symbols: Mapping[Any, Term]) -> dict[Term, Fraction]:
    """All values 0, as at the minimiser."""
    point = {s: Fraction(0) for s in symbols.values()}
    for v in vectors:
        point[norm(vec(f"{v}_q"))] = Fraction(0)
        point |= {dot(vec(f"{v}_q"), vec(f"{w}_q")): Fraction(0) for w in vectors}
    return point
