"""LaTeX of a method: its step, and its parts by their names."""

from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp

from sdescent.derive.expressions.latex_printer import Printer, symbol_latex
from sdescent.derive.methods.compressors import Identity
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.rules.update import Draw, Expressions, evaluate
from sdescent.derive.printing.latex import aligned
from sdescent.derive.vocabulary.formulas.expressions import MEANING
from sdescent.derive.vocabulary.symbols import parameter


def method_latex(method: Method) -> str:
    r"""The step x_{n+1} = x_n - \eta h (1/N) \sum_i C(\nabla f(x_n) + Z_i), with h, C and Z defined below it if not trivial.

    For another update rule, a line gives the next value of x and of each memory letter, with G = (1/N) \sum_i C(\nabla f(x_n) +
    Z_i); random letters with different numbers are different draws. h is h(x_n, t_n). The result is an `aligned` environment, for
    display mathematics.
    """
    show = Printer().doprint
    noise, factor, clients = method.noise, method.schedule.factor, method.clients
    silent, plain = noise.law.degenerate, method.compressor == Identity()
    letter = "Z" if clients == 1 else "Z_i"
    message = r"\nabla f(x_n)" + ("" if silent else f"+{letter}")
    mean = clients != 1 and not (plain and silent)
    alone = not mean and method.plain is False
    message = rf"C\left({message}\right)" if not plain else message if silent or alone else rf"\left({message}\right)"
    if mean:
        message = rf"\frac{{1}}{{{show(clients)}}}\sum_{{i=1}}^{{{show(clients)}}}{message}"
    step = r"\eta\," if factor == 1 else r"\eta\,h\,"
    lines = [rf"x_{{n+1}} &= x_n-{step}{message}"]
    if not method.plain:  # intermediate values are substituted
        values = _Symbols(method)
        after, written = evaluate(method.rule, values), Printer(names=values.names).doprint
        lines = [rf"{symbol_latex(a)}_{{n+1}} &= {written(e)}" for a, e in after.items()] + [f"G &= {message}"]
    if factor != 1:
        lines.append(rf"h &= {show(factor)}")
    if not plain:
        lines.append(rf"C &= {method.compressor.latex()}")
    if not silent:
        law = noise.latex()
        lines.append(rf"{letter} &\text{{ with }} {law}" if "=" in law else rf"{letter} &\sim {law}")
    return aligned(lines, (), {})


class _Symbols(Expressions):
    """The algebra of expressions that are only typeset: functions of vectors and draws are symbols without properties."""

    def __init__(self, method: Method) -> None:
        self.names: dict[sp.Expr, str] = {}
        self.state = {a: self._named(f"{symbol_latex(a)}_{{n}}") for a in method.rule.letters}
        self.scheduled, self.clients = method.schedule.factor != 1, Printer().doprint(method.clients)

    def _named(self, latex: str) -> sp.Symbol:
        symbol = sp.Symbol(latex, commutative=True)
        self.names[symbol] = latex
        return symbol

    def letter(self, name: str) -> sp.Expr:
        if name in self.state:
            return self.state[name]
        if name == "pi":
            return sp.pi
        written = {"k": r"(n+1)", "t": "t_{n}"}
        if name in written:
            return self._named(written[name])
        return parameter(name) * (self._named("h") if name == "eta" and self.scheduled else 1)

    def function(self, name: str, arguments: Sequence[sp.Expr]) -> sp.Expr:
        if name in MEANING:
            return MEANING[name](*arguments)
        inner = self._latex(arguments[0])
        return self._named(rf"\left\|{inner}\right\|_2" if name == "norm" else rf"\nabla^2 f(x_n)\left[{inner}\right]")

    def drawn(self, draw: Draw, argument: sp.Expr | None, client: Any) -> sp.Expr:
        letters = {"G": "G", "raw": r"G^{\mathrm{raw}}", "fresh": "G", "local": "G_i", "normal": r"\xi", "C": "C"}
        letters |= {"local_raw": r"\widetilde{G}_i", "gossip": "W", "precondition": "P_n"}
        letter = letters.get(draw.kind, rf"\mathrm{{{draw.kind}}}")
        number = "" if draw.number == 0 or draw.kind == "precondition" else rf"^{{({draw.number})}}"
        return self._named(letter + number + ("" if argument is None else rf"\left({self._latex(argument)}\right)"))

    def mean(self, of: Callable[[Any], sp.Expr]) -> sp.Expr:
        return self._named(rf"\frac{{1}}{{{self.clients}}}\sum_{{i}}\left({self._latex(of('i'))}\right)")

    def _latex(self, e: sp.Expr) -> str:
        return Printer(names=self.names).doprint(e)
