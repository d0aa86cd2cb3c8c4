"""The text of an SDE: its drift, covariance and properties, in Unicode or ASCII, in lines of a given width."""

import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from shutil import get_terminal_size
from typing import Any

import sympy as sp

from sdescent.derive.equations.in_coordinates import CoordinateSDE, expand_mean, given_message
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.sde import Equation
from sdescent.derive.equations.step.covariance import Condition
from sdescent.derive.expressions.coordinates import Coordinate, CoordMax, CoordSum, Fourth, Hvp, Rank, Third, symbols_of
from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.expressions.written import formula as written
from sdescent.derive.printing.coordinate_latex import in_letter_u
from sdescent.derive.printing.pretty import DIGITS, MAX_NODES, SUBSCRIPTS, count_nodes, fits, formula, symbol_text
from sdescent.derive.printing.text import MEANT, written_sizes

MAX_WRITTEN_OUT = 6  # coordinates; for more, the form for a generic coordinate says the same in a few lines
MAX_LISTED = 1000  # the largest number of nodes of an entry that is printed
_INDENT = 2


def title_of(equation: Equation) -> str:
    """The title that names the method and the model."""
    return f"{equation.method.name}, {equation.model} model"


def terminal() -> tuple[int, bool]:
    """The number of columns of standard output, and whether it accepts Unicode."""
    return get_terminal_size((100, 24)).columns, (sys.stdout.encoding or "utf-8").lower().startswith("utf")


class Layout:
    """An equation as pieces of text, each with a style for the terminal: "bold", "dim", "yellow", "bold red" or "".

    `named` is called only if there is a dimension and a closed form. `unicode` allows Greek letters and large brackets.
    """

    def __init__(self, named: Callable[[], CoordinateSDE], width: int, unicode: bool) -> None:
        self.named, self.unicode = named, unicode
        self._width = max(40, width - 2 * _INDENT)
        self.pieces: list[tuple[str, str]] = []

    def equation(self, equation: Equation, as_json: Mapping[str, Any], about: Sequence[str]) -> list[tuple[str, str]]:
        """The pieces for an equation with this JSON: what it is (`about`), drift, covariance, conditions (met or not),
        noise type, omega.
        """
        self._heading(equation, about)
        complete = as_json.get("covariance") is not None or as_json.get("form") is not None
        small = equation.dim is not None and equation.dim <= MAX_WRITTEN_OUT
        written_out = complete and small and not self._better_generic(equation)
        if written_out:
            self._named(self.named(), "X", "X", listed=False)
        elif complete:
            self._generic(equation)
        if equation.conditional is not None:
            self._conditional(equation, small)
        self._facts(equation, as_json)
        for s in [] if written_out else sorted(symbols_of(equation.expressions), key=str):
            if isinstance(s, Coordinate) and s.entries and s.slot == "j":
                self._line(f"{s.base}{self._sub('j')}, j = 1, 2, ..: {', '.join(map(str, s.entries))}")
        if not written_out:
            self._legend(equation)
        return self.pieces

    def rule(
        self, equation: Equation, formulas: RuleEquation | str, as_json: Mapping[str, Any], about: Sequence[str]
    ) -> list[tuple[str, str]]:
        """The pieces for the equation of an update rule, as in `equation`; `formulas` may be a text that names the part
        without a closed form.
        """
        method = equation.method
        self._heading(equation, about)
        self._line("update: " + "; ".join(method.update))
        regime = method.regime
        said = f"regime {regime.name}".rstrip() + (f": {regime.text}" if regime.text else "")
        step = f"a step takes the time {regime.time}"
        self._line(f"{said}; {step}" if regime.name or regime.text else step)
        self._print("")
        if isinstance(formulas, str):
            for what in ("drift", "covariance"):
                self._title(what)
                self._line(f"No closed form: {formulas}\n")
        elif len(as_json["state"]) in range(1, MAX_WRITTEN_OUT + 1) and formulas.message is None:
            self._named(self.named(), "Z", "x")
        else:
            formulas, meaning = in_letter_u(formulas)
            self._rule(formulas)
            self._schedule(meaning)
            if (leaf := formulas.message) is not None:
                letters = f"{leaf.mean.base} = E C(v), " if leaf.moments.mean is None else ""
                covariance = f"{leaf.covariance.name} = E Cov(C(v) | v) + Cov E(C(v) | v)"
                self._given_message(equation, letters + covariance, equation.dim in range(1, MAX_WRITTEN_OUT + 1))
        self._title("facts")
        self._noise_type(equation, as_json)
        if not isinstance(formulas, str):
            caveat = formulas.caveat(written)
            where = f", where the coefficients are smooth; {caveat}" if caveat else ""
            self._line(f"weak order: {formulas.weak_order}{where}")
            self._of_rule(formulas)
        self._conditions(equation.conditions)
        self._parameters(as_json["parameters"])
        if isinstance(formulas, RuleEquation) and (not as_json["state"] or formulas.message is not None):
            self._legend(equation)
        return self.pieces

    def state(
        self, equation: CoordinateSDE, conditions: Sequence[Condition], parameters: Sequence[str]
    ) -> list[tuple[str, str]]:
        """The pieces for an equation in named coordinates, as in `equation`."""
        self._named(equation, "X", "x")
        self._title("facts")
        self._line(f"noise type: {equation.noise_type}")
        self._conditions(conditions)
        self._parameters(parameters)
        return self.pieces

    def _rule(self, rule: RuleEquation) -> None:
        letters, i, j = ", ".join(rule.letters), self._sub("i"), self._sub("j")
        where = "for generic coordinates j and i (not j), g the gradient at x"
        self._line(f"dZ = drift dt + L dW (Ito) over Z = ({letters}), L L' = covariance; {where}")
        self._title("drift")
        for a in rule.letters:
            self._formula(f"drift({a}{j})", rule.drift[a])
        self._title("covariance")
        entries = {f"cov({a}{j}, {b}{j})": e for (a, b), e in rule.covariance.items() if e != 0}
        entries |= {f"cov({a}{i}, {b}{j})": e for (a, b), e in rule.pair.items() if e != 0}
        for name, e in entries.items():
            self._formula(name, e)
        self._line("the other entries are 0" if entries else "covariance = 0")
        if rule.local:
            self._line(f"for losses that are sums over coordinates, H{j} and T{j} their second and third derivatives")

    def _schedule(self, meaning: Mapping[sp.Symbol, sp.Expr]) -> None:
        if meaning:
            self._title("schedule")
            self._line("u stands for u(t)" + (", du for its derivative" if len(meaning) > 1 else ""))
        for symbol, e in meaning.items():
            self._formula(symbol.name, e)

    def _of_rule(self, rule: RuleEquation) -> None:
        for near in rule.ranges:
            self._line(f"the equation is meant for states where this is small compared with 1: {MEANT[near.kind]}")
            self._formula("", near.quantity)
        if rule.shift is not None and rule.shift != 0:
            self._line("where the memory has settled, x differs from the point y that the equation follows:")
            self._formula(f"(y{self._sub('j')} - x{self._sub('j')})/tau", rule.shift)
        for left in rule.left_out:
            needs = f"left out: {left.where}, which needs the moment of order {left.needs} of the noise"
            self._line(needs + ("" if left.condition is None else f" ({left.condition})"))
            if left.term is not None:
                self._formula("", left.term)
        if rule.left_out:
            order = "of the order of the covariance that is kept"
            self._line(f"the terms left out are {order}; neither affects weak order 1")

    def _named(self, equation: CoordinateSDE, letter: str, point: str, listed: bool = True) -> None:
        state = ", ".join(symbol_text(s.name, self.unicode) for s in equation.state)
        where = "" if equation.specified else f", g the gradient at {point}"
        whole = f" {letter} = ({state})," if listed else ""
        self._line(f"d{letter} = drift dt + L dW (Ito),{whole} L L' = covariance{where}")
        self._entries("drift", equation.drift)
        self._entries("covariance", equation.covariance)

    def _better_generic(self, equation: Equation) -> bool:
        """Whether the coordinates are too long to typeset although the form for a generic coordinate is not."""
        expanded, form = self.named(), equation.form
        generic = [equation.drift, *(() if form is None else (form.diag, *form.factors, *form.core))]

        def longest(expressions: Iterable[Any]) -> int:
            return max(count_nodes(e, MAX_LISTED) for e in expressions)

        return longest([*expanded.drift, *expanded.covariance]) > MAX_NODES >= longest(generic)

    def _heading(self, equation: Equation, about: Sequence[str]) -> None:
        clients = equation.method.clients
        counted = "1 client" if clients == 1 else f"{clients} clients"
        size = "any dimension" if equation.dim is None else f"dimension {equation.dim}"
        self._line(", ".join([*about, counted, size]))
        self._print("")

    def _generic(self, equation: Equation) -> None:
        form = equation.form
        assert form is not None  # for the type checker; the caller has checked
        self._line("dX = drift dt + L dW (Ito), L L' = rate S; for a generic coordinate j, g the gradient at X")
        self._formula("drift" + self._sub("j"), equation.drift, "drift")
        self._formula("rate", equation.rate, "covariance")
        self._structure(form)

    def _structure(self, form: GradientForm, letter: str = "S") -> None:
        parts = [] if form.diag == 0 else ["diag(D)"]
        parts += ["U C U'"] if form.rank else []
        parts += [f"c{n + 1} {leaf.name}" for n, (_, leaf) in enumerate(form.dense)]
        self._line(f"{letter} = {' + '.join(parts) or '0'}\n")
        if "diag(D)" in parts:
            self._formula("D" + self._sub("j"), form.diag)
        for a, factor in enumerate(form.factors):
            self._formula(f"U{self._sub('j')}{',' if self.unicode else '_'}{a + 1}", factor)
        if form.rank:
            self._entries("C", form.core, titled=False)
        for n, (coefficient, _) in enumerate(form.dense):
            self._formula(f"c{n + 1}", coefficient)

    def _conditional(self, equation: Equation, small: bool) -> None:
        conditional = equation.conditional
        assert conditional is not None  # for the type checker; the caller has checked
        if not conditional.law.degenerate:
            self._drift(equation, small)
        self._given_message(equation, "L L' = rate (E Cov(C(v) | v) + Cov E(C(v) | v))", small)

    def _given_message(self, equation: Equation, integrals: str, small: bool) -> None:
        """Add the moments of C(v) given v, and the integrals formed from them."""
        conditional = equation.conditional
        assert conditional is not None  # for the type checker; the caller has checked
        given_v = conditional.given_v
        said = "Moments of C(v) given a client's message v:"
        if not conditional.law.degenerate:
            said = f"No elementary form exists after the noise: {integrals} over the messages v = g + Z."
            said += " Exact moments of C(v) given v:"
        self._line(said)
        if small:
            mean, covariance = given_message(given_v, equation.dim or 1)
            column = sp.Matrix(mean)
            short = count_nodes(covariance, MAX_LISTED) <= MAX_LISTED
            if short and all(fits("mean", e, self._width, self.unicode) for e in column):
                self._entries("mean", column)
                self._entries("covariance", covariance)
                return
        self._formula("mean" + self._sub("j"), given_v.mean, "mean")
        self._title("covariance")
        self._structure(given_v, "Cov")

    def _drift(self, equation: Equation, small: bool) -> None:
        """Add the drift and the rate, a factor of the covariance; both may be known although the covariance is not."""
        part = expand_mean(equation) if small else None
        if part is not None and all(count_nodes(e) <= MAX_NODES for e in part[1]):
            self._entries("drift", part[1])
        elif equation.drift is not None:
            self._formula("drift" + self._sub("j"), equation.drift, "drift")
        else:
            return
        self._formula("rate", equation.rate)

    def _facts(self, equation: Equation, as_json: Mapping[str, Any]) -> None:
        self._title("facts")
        self._noise_type(equation, as_json)
        omega = equation.moments.omega
        if omega is not None:
            self._formula("omega" if not self.unicode else "ω", omega.value)
            if not omega.exact:
                self._line("(an upper bound)")
        elif equation.dim is None or equation.method.compressor.growth != 0:
            self._line("omega: none (biased, or without a finite compression ratio)")
        if equation.kinks:
            caveat = f"where the coefficients are smooth; they have a kink or a jump at {', '.join(map(written, equation.kinks))}"
            self._line(f"weak order: {as_json['weak_order']}, {caveat}")
        self._conditions(equation.conditions)
        self._parameters(as_json["parameters"])

    def _noise_type(self, equation: Equation, as_json: Mapping[str, Any]) -> None:
        if as_json["noise_type"] is not None:
            self._line(f"noise type: {as_json['noise_type']}")
        elif equation.loss is None or equation.dim is None:
            self._line("noise type: unknown; give a loss and a dimension (--loss, --dim)")
        else:
            self._line("noise type: not derived, because there is no closed form")

    def _conditions(self, conditions: Sequence[Condition]) -> None:
        for condition in conditions:
            unmet = condition.met is False
            relation = f"{symbol_text(str(condition.left), self.unicode)} > {condition.right}"
            state = "NOT MET" if unmet else "needed"
            self._line(f"{state}: {relation} ({condition.purpose})", "bold red" if unmet else "yellow")
        if not conditions:
            self._line("conditions: none")

    def _parameters(self, names: Sequence[str]) -> None:
        if names:
            self._line("free symbols: " + ", ".join(symbol_text(name, self.unicode) for name in names))

    def _legend(self, equation: Equation) -> None:
        j, k = self._sub("j"), self._sub("k")
        notes = {
            Hvp: f"H[c{k}]{j}: coordinate j of the Hessian times c",
            Third: f"D3f[c{k}]{j}: the third derivative of the loss in j, and twice along c",
            Fourth: f"D4f[c{k}]{j}: the fourth derivative of the loss in j, and three times along c",
            CoordSum: "sums over k run over all coordinates",
            CoordMax: "maxima over k run over all coordinates",
            Rank: "rank: how many coordinates are larger, ties by index",
        }
        if used := [note for kind, note in notes.items() if any(e.has(kind) for e in equation.expressions)]:
            self._line("; ".join(used), "dim")

    def _sub(self, index: str) -> str:
        if not self.unicode:
            return f"_{index}"
        return "".join(SUBSCRIPTS.get(ch, ch) for ch in index.translate(DIGITS))

    def _entries(self, name: str, whole: Any, titled: bool = True) -> None:
        """Add a vector or a symmetric matrix: as one formula if it fits, else entry by entry (zeros in one line)."""
        if titled:
            self._title(name)
        if all(e == 0 for e in whole):  # not `is_zero_matrix`: SymPy would ask every long entry for its sign
            self._formula(name, sp.S.Zero)
            return
        rows, columns = range(whole.rows), range(whole.cols)
        single = whole.cols == 1
        entries = {(i,) if single else (i, j): whole[i, j] for i in rows for j in columns if single or i <= j}
        if fits(name, whole, self._width, self.unicode):
            self._formula(name, whole)
            return
        long = [index for index, value in entries.items() if count_nodes(value, MAX_LISTED) > MAX_LISTED]
        if long:
            sizes = written_sizes(entries[index] for index in long)
            self._line(f"{len(long)} entries of about {min(sizes)} to {max(sizes)} characters, which --json prints\n")
        for index, value in entries.items():
            if value != 0 and index not in long:
                joint = "" if max(index) < 9 else ","
                self._formula(name + self._sub(joint.join(str(i + 1) for i in index)), value)
        if any(value == 0 for value in entries.values()):
            self._line("the other entries are 0")

    def _formula(self, name: str, expr: Any, title: str = "") -> None:
        if title:
            self._title(title)
        written = formula(name, expr, self._width, self.unicode)
        if "\n" not in written:
            written = textwrap.fill(written, self._width, subsequent_indent="    ")
        self._print(textwrap.indent(written, " " * _INDENT) + "\n")

    def _title(self, title: str) -> None:
        self._print(title, "bold")

    def _line(self, sentence: str, style: str = "") -> None:
        indent = " " * _INDENT
        self._print(textwrap.fill(sentence, self._width, initial_indent=indent, subsequent_indent=indent), style)

    def _print(self, written: str, style: str = "") -> None:
        self.pieces.append((written, style))
