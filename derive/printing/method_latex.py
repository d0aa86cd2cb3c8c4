"""A method as LaTeX: its step, and its parts by their names."""

from __future__ import annotations

from derive.methods.compressors import Identity
from derive.methods.distributed import Method
from derive.printing.printer import Printer


def method_latex(method: Method) -> str:
    r"""x_{n+1} = x_n - \eta h (1/N) \sum_i C(\nabla f(x_n) + Z_i), with h, C and Z below it where they are not trivial.

    h is h(x_n, n eta); an `aligned` environment, which stands in display mathematics.
    """
    show = Printer().doprint
    noise, factor, clients = method.noise, method.schedule.factor, method.clients
    silent, plain = noise.law.degenerate, method.compressor == Identity()
    letter = "Z" if clients == 1 else "Z_i"
    message = r"\nabla f(x_n)" + ("" if silent else f"+{letter}")
    message = rf"C\left({message}\right)" if not plain else message if silent else rf"\left({message}\right)"
    if clients != 1 and not (plain and silent):
        message = rf"\frac{{1}}{{{show(clients)}}}\sum_{{i=1}}^{{{show(clients)}}}{message}"
    step = r"\eta\," if factor == 1 else r"\eta\,h\,"
    lines = [rf"x_{{n+1}} &= x_n-{step}{message}"]
    if factor != 1:
        lines.append(rf"h &= {show(factor)}")
    if not plain:
        lines.append(rf"C &= {method.compressor.latex()}")
    if not silent:
        law = noise.latex()
        lines.append(rf"{letter} &\text{{ with }} {law}" if "=" in law else rf"{letter} &\sim {law}")
    return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"
