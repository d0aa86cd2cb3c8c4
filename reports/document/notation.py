r"""Notation: every symbol that a report prints is a macro that a paper can redefine, and a row of the notation table.

A part begins with `\input{\sdRoot parts/macros}` (`sdescent.reports.document.portable`), where each macro is a
\providecommand, so a paper that has already defined \sdEta keeps its own definition.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, final

import sympy as sp

from sdescent.derive.expressions.latex_printer import Printer, symbol_latex
from sdescent.derive.printing.width import width
from sdescent.reports.document.tex import Tex, by_key, escape

_DIGITS = dict(
    zip("0123456789", ["Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine"], strict=True)
)

_TABLE = tomllib.loads(Path(__file__).with_name("notation.toml").read_text(encoding="utf-8"))
#: name of a symbol -> (its LaTeX, its meaning)
MEANING: dict[str, tuple[str, str]] = {n: (row["latex"], row["meaning"]) for n, row in _TABLE["symbols"].items()}
#: the symbols of `MEANING` that are vectors or matrices
VECTORS = tuple(n for n, row in _TABLE["symbols"].items() if row.get("vector"))
#: the symbols of `MEANING` that are functions, or are written like them
FUNCTIONS = tuple(n for n, row in _TABLE["symbols"].items() if row.get("function"))
#: {kind: {parameter of a user's specification: its meaning, a text about the entry called {name}}}
PARAMETERS: dict[str, dict[str, str]] = _TABLE["parameters"]
#: parts of formulas other than symbols: (pattern in the TeX, its LaTeX, its meaning)
WRITTEN: tuple[tuple[str, str, str], ...] = tuple((r["pattern"], r["latex"], r["meaning"]) for r in _TABLE["formulas"])
#: the meaning of the letters of an update rule's memory
MEMORY = "memory of the method, a vector"
#: letters of formulas and definitions that are not in `MEANING`; a user's symbol with such a name gets another typeface
LETTERS = frozenset("BCEFJKPRUWX") | {r"\Gamma", r"\Lambda", r"\delta", r"\omega", r"\theta", r"\xi"}
#: the most symbols with one meaning that have a row each: for a series such as s1, s2, s3, and for other names
SINGLY, ROWS = 3, 12
#: the most characters of a symbol that fits into the narrow column of symbols
NARROW = 8


def macro(name: str) -> str:
    r"""The macro of a symbol: eta -> \sdEta, sigma0 -> \sdSigmaZero; S -> \sdBigS, since s is \sdS."""
    words = "".join(_DIGITS.get(c, c) for c in name)
    return "\\sd" + ("Big" if words[:1].isupper() else "") + words[:1].upper() + words[1:]


def own_macro(name: str) -> str:
    r"""The macro of a user's symbol, \sdOwn..; it differs for names that differ in any character."""
    return "\\sdOwn" + _spelled(name)


def memory_macro(letter: str) -> str:
    r"""The macro of a letter of a rule's memory, \sdMemory.., which differs from the macro of a symbol with this name."""
    return "\\sdMemory" + _spelled(letter)


def _spelled(name: str) -> str:
    return "".join(_DIGITS.get(c) or ("Sub" if c == "_" else c if c.islower() else "Up" + c) for c in name)


def prose(text: str) -> Tex:
    """The TeX of the package's own texts: parts between dollar signs (b_j/g_j, |v|, nu > 2) are set as mathematics."""
    words = text.split("$")
    return Tex("".join(f"${_formula(part)}$" if n % 2 else escape(part) for n, part in enumerate(words)))


def _formula(plain: str) -> str:
    """The LaTeX of a plain formula: symbols of `MEANING` become their macros, other names are set as symbols."""

    def letter(name: re.Match[str]) -> str:
        return macro(name[0]) if name[0] in MEANING else symbol_latex(name[0])

    spaced = re.sub(r"[A-Za-z][A-Za-z0-9]*(?![A-Za-z0-9])(?<!_[ijk])", letter, plain.replace("_", "_ "))
    return spaced.replace("_ ", "_")


@final
class Notation:
    """A printer of mathematics with macros, which keeps track of the symbols that a document uses; see `describe`."""

    def __init__(self, user_symbols: Mapping[str, str] | None = None, memory: Iterable[str] = ()) -> None:
        self._user_symbols = dict(user_symbols or {})
        self._memory = dict.fromkeys(memory)
        self._here: dict[str, str] = {}
        self._used: set[str] = set()

    def __call__(self, expr: Any, names: Mapping[sp.Expr, str] | None = None) -> str:
        """The LaTeX of an expression, without dollar signs."""
        return Printer(self.commands(), names).doprint(expr)

    def commands(self) -> dict[str, str]:
        """The macro of every symbol, by name."""
        vectors = {f"{n}_j": macro(n) for n in VECTORS}  # the user's symbols of the same names take precedence
        memory = {name: memory_macro(n) for n in self._memory for name in (n, f"{n}_j") if name not in MEANING}
        return {n: macro(n) for n in MEANING} | vectors | memory | {n: own_macro(n) for n in self._user_symbols}

    def describe(
        self, meanings: Mapping[str, str], here: Mapping[str, str] | None = None, memory: Iterable[str] = ()
    ) -> None:
        """Set the meaning of the user's symbols by name, and `here` what replaces `MEANING` and `WRITTEN` (by LaTeX) here.

        Parts of a meaning between dollar signs are LaTeX. `memory` are the letters of an update rule's memory, which are vectors.
        """
        self._user_symbols |= meanings
        self._here |= here or {}
        self._memory |= dict.fromkeys(memory)

    def read(self, tex: str) -> None:
        """Mark all that a part of the document contains as used; KeyError for a symbol's macro that `MEANING` lacks."""
        defined = {*map(macro, MEANING), *map(own_macro, self._user_symbols), *map(memory_macro, self._memory)}
        commands = set(re.findall(r"\\sd[A-Z][A-Za-z]*", tex))
        if not commands <= defined:
            raise KeyError(f"no meaning for {', '.join(sorted(commands - defined))}")
        self._used |= commands | {pattern for pattern, _, _ in WRITTEN if re.search(pattern, tex)}

    def macros(self) -> str:
        r"""The definitions of all symbols, with one \providecommand per line."""
        every = {macro(n): face for n, (face, _) in MEANING.items()} | self._faces()
        return "".join(rf"\providecommand{{{command}}}{{{face}}}" + "\n" for command, face in sorted(every.items()))

    def groups(self) -> dict[str, list[tuple[str, str]]]:
        """Heading -> [(mathematics, meaning as TeX)] for everything used: vectors, numbers, functions and other signs."""
        named = self._named()
        used = {n: text for n, (_, text) in MEANING.items() if macro(n) in named}
        symbols = {n: (macro(n), _marked(self._here.get(n, text))) for n, text in used.items()}
        vectors = [row for n, row in symbols.items() if n in VECTORS]
        vectors += [(memory_macro(n), MEMORY) for n in self._memory if memory_macro(n) in self._used]
        numbers = [row for n, row in symbols.items() if n not in VECTORS + FUNCTIONS]
        functions = [row for n, row in symbols.items() if n in FUNCTIONS]
        groups = {
            "vectors and matrices": vectors,
            "numbers": numbers,
            "numbers of the specification": self._own_rows(),
            "functions and other signs": functions + self._written(),
        }
        return {title: rows for title, rows in groups.items() if rows}

    def _written(self) -> list[tuple[str, str]]:
        """The rows of `WRITTEN` that the document uses, as (LaTeX, meaning)."""
        here = {tex: _marked(text) for tex, text in self._here.items()}
        return [(tex, here.get(tex, text)) for pattern, tex, text in WRITTEN if pattern in self._used]

    def _named(self) -> set[str]:
        """The macros that the document uses, or that occur in the meaning of a row of `WRITTEN` it uses."""
        return self._used.union(*(re.findall(r"\\sd[A-Z][A-Za-z]*", text) for _, text in self._written()))

    def _faces(self) -> dict[str, str]:
        """Macro -> LaTeX of the user's symbols and of memory; a letter with another meaning gets another typeface."""
        faces = {own_macro(n): _face(n) for n in self._user_symbols}
        used = self._named()
        others = LETTERS | {tex for n, (tex, _) in MEANING.items() if macro(n) in used}
        others |= {face for command, face in faces.items() if command in used}
        plain = {memory_macro(n): symbol_latex(n) for n in self._memory}
        return faces | {command: rf"\mathsf{{{face}}}" if face in others else face for command, face in plain.items()}

    def _own_rows(self) -> list[tuple[str, str]]:
        """The rows of the user's symbols; many symbols with the same meaning share a row."""
        used = {name: text for name, text in self._user_symbols.items() if own_macro(name) in self._used}
        rows = []
        for text, names in by_key((text, name) for name, text in used.items()).items():
            commands = [own_macro(name) for name in names]
            series = len({name.rstrip("0123456789") for name in names}) == 1
            if len(commands) > (SINGLY if series else ROWS):
                commands = [rf"{commands[0]}$, \dots, ${commands[-1]}"]
            rows += [(command, _marked(text)) for command in commands]
        return rows

    def narrow(self, symbols: Iterable[str]) -> bool:
        """Whether the symbols of the rows fit into the narrow column."""
        sizes = {command: width(face) for command, face in self._faces().items()}
        return all(width(part, sizes) <= NARROW for symbol in symbols for part in symbol.split("$"))


def _marked(text: str) -> Tex:
    """The TeX of a meaning, in which parts between dollar signs are LaTeX already."""
    return Tex("".join(f"${part}$" if n % 2 else escape(part) for n, part in enumerate(text.split("$"))))


def _face(name: str) -> str:
    plain = symbol_latex(name)
    return rf"\mathsf{{{plain}}}" if plain in LETTERS | {MEANING[n][0] for n in VECTORS} else plain
