"""The formulas of a theorem file: the grammar of claims with norms, inner products, expectations and sums (see `names`).

Before parsing, letters padded to the same length replace `||v||` and `<v, w>`, so that errors name the right column.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from sdescent.derive.proof.language.context import Context, ProofError, parts
from sdescent.derive.proof.language.normal import Normal, Polynomial, added
from sdescent.derive.proof.language.terms import Relation, Term, fn, from_json, norm, under, vec
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.brackets import Moment, closing, opening
from sdescent.derive.theorems.bounds.language.hypotheses import OF_CONSTANTS, Hypotheses, keyword, take
from sdescent.derive.theorems.bounds.language.letters import CLOCK, VECTORS, Letters, at_the_end
from sdescent.derive.theorems.entry.client_vectors import deviation_of, mean_of
from sdescent.derive.vocabulary.errors import BadInput, did_you_mean
from sdescent.derive.vocabulary.formulas.grammar import parse_relation, parse_term
from sdescent.derive.vocabulary.formulas.text import FUNCTIONS, Language

#: function in a file -> (operator of the kernel, whether it is for discrete time)
OPERATORS = {"sum": ("I", True), "Esum": ("EI", True), "int": ("I", False), "Eint": ("EI", False)}
GRAMMAR = Language({**dict.fromkeys(FUNCTIONS, (1, 1)), **dict.fromkeys(OPERATORS, (1, 1))})
_NORM = re.compile(r"\|\|([^|<>]{1,80})\|\|", re.ASCII)
_DOT = re.compile(r"<([^<>=|,]{1,80}),([^<>=|,]{1,80})>", re.ASCII)
#: a square or product at the start or the end, f there, and its short forms; a mean; a power with the horizon as exponent
_SQUARE_THEN = re.compile(_NORM.pattern + r" *\^ *2_([0KT])(?![A-Za-z0-9_])", re.ASCII)
_DOT_THEN = re.compile(_DOT.pattern + r"_([0KT])(?![A-Za-z0-9_])", re.ASCII)
_THEN = re.compile(r"(?<![A-Za-z0-9_])(?:f_([0KT])|f0|D0)(?![A-Za-z0-9_])", re.ASCII)
_MOMENT = re.compile(r"_([0KT])(?![A-Za-z0-9_])", re.ASCII)
_MEAN = re.compile(r"(?<![A-Za-z0-9_])E\(", re.ASCII)
_POWER = re.compile(r"\) *(?:\^|\*\*) *([KT])(?![A-Za-z0-9_])", re.ASCII)
_AT = re.compile(r"(?<![A-Za-z0-9_])(f|g|gi(?!\( *xstar *\)))\(", re.ASCII)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*", re.ASCII)


#: takes a piece of a text and the term that it means; returns a letter as long as the piece
Put = Callable[["re.Match[str] | str", Term], str]


@dataclass
class Words:
    """A reader of the texts in one file, which collects the products of vectors and the constants in these texts.

    Args:
        vectors: text of a vector ("g", "x - xstar", a letter of the memory) -> its name in the kernel.
        of_clients: the words among them of which each client has its own -> the two vectors that add up to it, the mean over the clients
            and the deviation from it.
        steps: whether time is discrete.
        letters: the roles of the letters.
    """

    vectors: dict[str, str]
    steps: bool
    letters: Letters
    of_clients: dict[str, tuple[str, ...]] = field(default_factory=dict)
    products: list[tuple[str, str]] = field(default_factory=list)
    #: name in the kernel -> sum of vectors
    sums: dict[str, nm.VectorSum] = field(default_factory=dict)
    #: part of the names of f and its gradient at a point -> the point, as a sum of x - x* and the memory
    places: dict[str, nm.VectorSum] = field(default_factory=dict)
    constants: list[str] = field(default_factory=list)
    #: symbol of the proof -> the part of V at the start or at the end for which it stands
    moments: dict[str, Moment] = field(default_factory=dict)

    def relation(self, text: object, place: str) -> Relation:
        """A relation of a file, in which words such as `change` are symbols.

        Raises:
            BadInput: the text is outside the grammar, or a value at the end occurs outside of a mean.
        """
        relation = self._read(text, place, parse_relation)
        means = {p: Term(("q", "0")) for p in parts_of(relation) if p[0] == "E"}
        outside = symbols_of(replaced(relation, means))
        for name, moment in self.moments.items():
            if name in outside and (place == "step" or moment.end):
                accepted = f"E({moment.text}), its mean" if moment.end else "a bound on a step, at every state"
                raise BadInput(place, moment.text, accepted)
        return relation

    def term(self, text: object, place: str) -> Term:
        """A term of a file, about one state.

        Raises:
            BadInput: the text is outside the grammar.
        """
        term = self._read(text, place, parse_term)
        for name in symbols_of(term) & set(self.moments):
            accepted = (
                "its value at the state: the start and the end occur only in a claim at the horizon and in assume"
            )
            raise BadInput(place, self.moments[name].text, accepted)
        return term

    def _read(self, text: object, place: str, parse: Callable[..., Any]) -> Any:
        plain, letters = self._plain(text, place)
        read = from_json(parse(plain, self._names(plain, letters, place), place, GRAMMAR), parse is parse_relation)
        return self._meant(self._checked(read, place), letters)

    def _plain(self, text: object, place: str) -> tuple[str, dict[str, Term]]:
        if not isinstance(text, str):
            raise BadInput(place, text, 'a text such as "change <= -eta*G^2/2"')
        letters: dict[str, Term] = {}
        for word in _WORD.findall(text):
            if word.endswith("_q"):
                self.letters.of_the_author(word, place)

        def put(match: re.Match[str] | str, meant: Term) -> str:
            name = f"v{len(letters)}q"
            while name in str(text):
                name += "q"
            letters[name] = meant
            return name.ljust(len(match if isinstance(match, str) else match[0]))

        text = self._at_points(self._at_the_end(text, place, put), place, put)

        def product(match: re.Match[str]) -> str:
            pair = self._vector(match[1], place, letters), self._vector(match[2], place, letters)
            self.products.append(pair)
            return put(match, nm.inner(*pair))

        def length(match: re.Match[str]) -> str:
            name = self._vector(match[1], place, letters)
            self.products.append((name, name))
            return put(match, norm(vec(name)))

        return _DOT.sub(product, _NORM.sub(length, text)), letters

    def _at_the_end(self, text: str, place: str, put: Put) -> str:
        """The text with letters in place of means E(..), of powers (..)^K, and of parts of V at the start and at the end."""
        while (match := _MEAN.search(text)) is not None:
            end = closing(text, match.end(), place)
            inner = self._read(" " * match.end() + text[match.end() : end - 1], place, parse_term)
            if not all(p[0] in ARITHMETIC and (p[0] != "x" or self._fixed(p[1])) for p in parts(inner)):
                accepted = "the mean of parts of V at the end, such as E(f_K); sums and integrals have means Esum, Eint"
                raise BadInput(place, text[match.start() : end], accepted)
            text = text[: match.start()] + put(text[match.start() : end], under("E", inner)) + text[end:]
        while (match := _POWER.search(text)) is not None:
            start = opening(text, match.start(), place)
            base = self._read(" " * start + text[start : match.start() + 1], place, parse_term)
            power = fn("exp", Term(("x", match[1])) * fn("log", base))
            text = text[:start] + put(text[start : match.end()], power) + text[match.end() :]

        def square(match: re.Match[str]) -> str:
            v = self._vector(match[1], place, ())
            return put(match, self._moment((v, v), match[2], match[0], place))

        def product(match: re.Match[str]) -> str:
            pair = self._vector(match[1], place, ()), self._vector(match[2], place, ())
            return put(match, self._moment(pair, match[3], match[0], place))

        def word(match: re.Match[str]) -> str:
            key = (nm.DISTANCE, nm.DISTANCE) if match[0] == "D0" else "f"
            return put(match, self._moment(key, match[1] or "0", match[0], place))

        return _THEN.sub(word, _DOT_THEN.sub(product, _SQUARE_THEN.sub(square, text)))

    def _fixed(self, name: str) -> bool:
        """Whether a symbol is a constant, or a part of V at the start or at the end."""
        fixed = ("fstar", "K", "T", *map(at_the_end, self.letters.numbers))
        return name in self.moments or (not name.endswith("_q") and self.constant(Term(("x", name)), fixed))

    def _moment(self, key: Any, when: str, text: str, place: str) -> Term:
        """The symbol for a part of V at the start or at the end."""
        horizon = "K" if self.steps else "T"
        if when not in ("0", horizon):
            raise BadInput(place, text, f"{text[:-1]}{horizon}, since {horizon} is the horizon here")
        moment = Moment(key, when != "0", text)
        for name, earlier in self.moments.items():
            if earlier.key in (key, key[::-1]) and earlier.end == moment.end:
                return Term(("x", name))
        name = f"part{len(self.moments)}_q"
        self.moments[name] = moment
        return Term(("x", name))

    def _at_points(self, text: str, place: str, put: Put) -> str:
        """The text with letters in place of f(..) and g(..), the loss and its gradient at a point."""
        while (match := _AT.search(text)) is not None:
            end = closing(text, match.end(), place)
            written = text[match.start() : end]
            key = self._place(text[match.end() : end - 1], place)
            if match[1] == "f" and (then := _MOMENT.match(text, end)) is not None:
                end, written = then.end(), text[match.start() : then.end()]
                word = put(written, self._moment(key or "f", then[1], written, place))
            elif match[1] == "f":
                word = put(written, nm.f if key is None else Term(("x", f"f{key}")))
            else:
                word = "g" if key is None else f"g{key}"
                self.vectors[word] = word
                if match[1] == "gi":
                    word, pair = f"gi{key or ''}", (word, deviation_of(word))
                    self.vectors[word], self.of_clients[word] = word, pair
                word = word.ljust(len(written))
            text = text[: match.start()] + word + text[end:]
        return text

    def _place(self, text: str, place: str) -> str | None:
        """The part of the names of f and its gradient at a point that belongs to it; None for the state."""
        parts = None if _AT.search(text) or "|" in text or "<" in text else self._sum(f"({text}) - xstar", place)
        if not parts or self._poly(parts.get(nm.DISTANCE)) != {(): 1} or any(name == nm.GRADIENT for name in parts):
            accepted = "x, or x plus a sum of letters of the memory with constant coefficients, such as f(x + beta*v)"
            raise BadInput(place, text, accepted)
        if len(parts) == 1:
            return None
        for key, earlier in self.places.items():
            if earlier.parts == parts:
                return key
        key = f"p{len(self.places) + 1}_q"
        self.places[key] = nm.VectorSum(" ".join(text.split()), parts)
        return key

    @staticmethod
    def _poly(t: Term | None) -> Polynomial:
        return {} if t is None else Normal(Context(dict.fromkeys(symbols_of(t), "const"))).polynomial(t)

    def _vector(self, text: str, place: str, taken: Collection[str]) -> str:
        """The name of a vector; `taken` holds the letters for norms and products in its text."""
        squeezed = text.replace(" ", "")
        for word, name in self.vectors.items():
            if word.replace(" ", "") == squeezed and name not in self.of_clients:
                return name
        combined = None if any(w in taken for w in _WORD.findall(text)) else self._sum(text, place)
        if not combined:
            accepted = "one of the vectors " + ", ".join(self.vectors) + ", or a sum of them with constant coefficients"
            outline = _WORD.sub(lambda w: "||..||" if w[0] in taken else w[0], text)
            raise BadInput(place, " ".join(outline.split()), accepted + did_you_mean(squeezed, self.vectors))
        for name, earlier in self.sums.items():
            if earlier.parts == combined:
                return name
        name = f"y{len(self.sums) + 1}_q"
        for key, at in self.places.items():
            text = re.sub(rf"(gi?){key}", rf"\1({at.text})", text)
        self.sums[name] = nm.VectorSum(" ".join(text.split()), combined)
        return name

    def _sum(self, text: str, place: str) -> dict[str, Term] | None:
        """The vectors of a sum -> their coefficients; None if the text is not a sum of vectors with constant coefficients."""
        words = [w for vector in self.vectors for w in vector.split(" - ")]  # x and xstar separately
        letters: dict[str, str] = {}
        for n, word in enumerate(words):
            letter = f"w{n}q"
            while letter in text:
                letter += "q"
            text, count = re.subn(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])", letter, text)
            letters |= {letter: word} if count else {}
        if not letters:
            return None
        t = self._checked(from_json(parse_term(text, self._names(text, letters, place), place, GRAMMAR)), place)
        if any(p[0] == "f" for p in parts(t)):
            return None  # a function or an operator
        normal = Normal(Context(dict.fromkeys(symbols_of(t), "const")))
        coefficients: dict[str, Polynomial] = {}
        try:
            poly = normal.polynomial(t)
        except ProofError:  # something under an operator
            return None
        for m, c in poly.items():
            here = [(a, n) for a, n in m if symbols_of(normal.term({((a, 1),): Fraction(1)})) & set(letters)]
            rest = {tuple(f for f in m if f not in here): c}
            key: tuple[Any, ...] = normal.key_of(here[0][0]) if [n for _, n in here] == [1] else ()
            if key[:1] != ("x",) or not self.constant(normal.term(rest)):
                return None
            word = letters[key[1]]
            coefficients[word] = added([coefficients.get(word, {}), rest])
        if added([coefficients.pop("xstar", {}), coefficients.get("x", {})]):
            return None  # the state may occur only in x - xstar
        names = {vector.split(" - ")[0]: name for vector, name in self.vectors.items()}
        totals: dict[str, Polynomial] = {}
        for word, p in coefficients.items():
            for name in self.of_clients.get(names[word], (names[word],)):
                totals[name] = added([totals.get(name, {}), p])
        return {name: normal.term(p) for name, p in totals.items() if p}

    def constant(self, t: Term, more: Collection[str] = ()) -> bool:
        """Whether a term contains only constants: the author's, the method's, and those in `more`."""
        return all(w in self.letters.constant or w in more for w in symbols_of(t) if w in self.letters.words)

    def _checked(self, t: Any, place: str) -> Any:
        """The term or relation, unchanged.

        Raises:
            BadInput: a denominator is 0 for all values of its letters.
        """
        normal = Normal(Context(dict.fromkeys(symbols_of(t), "const")))
        for part in parts_of(t):
            try:
                zero = part[0] == "/" and not normal.polynomial(part[2])
            except ProofError:  # something under an operator
                continue
            if zero:
                raise BadInput(place, "a division by 0", "a denominator that is not 0")
        return t

    def _names(self, plain: str, letters: Collection[str], place: str) -> list[str]:
        for w in _WORD.findall(plain):
            if w in self.vectors and w not in VECTORS:
                raise BadInput(place, w, f"||{w}|| for its length, or <{w}, ..>")
        words = [w for w in dict.fromkeys(_WORD.findall(plain)) if w not in GRAMMAR.functions and w != "pi"]
        constants = [w for w in words if w not in letters and w not in self.letters.words]
        for name in constants:
            self.letters.of_the_author(name, place)
        self.constants += [w for w in constants if w not in self.constants]
        return list(dict.fromkeys([*letters, *words]))

    def _meant(self, t: Any, letters: Mapping[str, Term]) -> Any:
        if isinstance(t, Term) and t[0] == "x":
            return letters.get(t[1], {"G": nm.G, "Q": nm.Q}.get(t[1], t))
        if isinstance(t, Term) and t[0] == "f" and t[1] in OPERATORS:
            operator, steps = OPERATORS[t[1]]
            if steps != self.steps:
                other = next(name for name, meant in OPERATORS.items() if meant == (operator, self.steps))
                kind = "discrete" if self.steps else "continuous"
                raise BadInput("claim", t[1], f"{other}, since time is {kind} here")
            return under(operator, self._meant(t[2], letters))
        if isinstance(t, Term | Relation):
            return type(t)(self._meant(a, letters) if isinstance(a, Term) else a for a in t)
        return t


def replaced(t: Any, values: Mapping[Term, Term]) -> Any:
    """A term or relation with some parts replaced by other terms, larger parts first."""
    if isinstance(t, Term) and t in values:
        return values[t]
    if isinstance(t, Term | Relation):
        return type(t)(replaced(a, values) if isinstance(a, Term) else a for a in t)
    return t


def parts_of(t: Term | Relation) -> list[Term]:
    """Every subterm of a term, or of the sides of a relation."""
    return parts(t) if isinstance(t, Term) else [p for side in t[1:] for p in parts(side)]


def numbers_in(relations: Iterable[Relation], most: int = 10**4, unit: Fraction = Fraction(1)) -> list[int]:
    """The absolute values of the numbers in relations, in units and rounded down, and their successors: from `most` down to 1."""
    written = {abs(Fraction(p[1])) for r in relations for p in parts_of(r) if p[0] == "q"}
    beside = {int(v / unit) + more for v in written for more in (0, 1)}
    return sorted((n for n in beside if 0 < n <= most), reverse=True)


def symbols_of(t: Any) -> set[str]:
    """The names of the symbols in a term or relation."""
    if isinstance(t, Term) and t[0] == "x":
        return {t[1]}
    return set().union(*[symbols_of(a) for a in t if isinstance(a, Term | Relation)]) if isinstance(t, tuple) else set()


#: heads of terms that contain only constants
ARITHMETIC = ("q", "x", "+", "*", "^", "/", "pi", "f")
#: required key -> an example of its value
REQUIRED = {"V": 'a function such as "f - fstar"', "claim": 'a bound such as "change <= -eta*G^2/2"'}


@dataclass(frozen=True)
class Formulas:
    """The formulas of a file, in its own letters.

    Args:
        words: the reader of the formulas.
        hypotheses: the classes that `assume` names.
        inequalities: text -> relation for the other lines of `assume`.
        value: V.
        claim, step, exponent, hints: the formulas under the keys with these names; a step or an exponent may be None.
    """

    words: Words
    hypotheses: Hypotheses
    inequalities: Mapping[str, Relation]
    value: Term
    claim: Relation
    step: Relation | None
    exponent: Term | None
    hints: tuple[Term, ...]


def read_formulas(table: Mapping[str, Any], letters: Letters, steps: bool, numbers: Mapping[Term, Term]) -> Formulas:
    """The formulas of a file.

    Args:
        table: the parsed file.
        letters: the roles of the letters.
        steps: whether time is discrete.
        numbers: words and constants of the method -> the numbers or terms they stand for.

    Raises:
        BadInput: a key is missing, a line is outside the language, or a letter has a role that it cannot have.
    """
    plain = {nm.GRADIENT: nm.GRADIENT, **{word: v for v, word in nm.VECTOR_WORDS.items()}}
    of_clients = letters.method.rule.of_clients
    pairs = {m: (mean_of(m), deviation_of(m)) for m in of_clients}
    # words that contain others come first
    vectors = {f"mean({m})": mean_of(m) for m in of_clients}
    if "gi" in letters.vectors:
        vectors |= {"gi(xstar)": nm.STAR, "gi": "gi"}
        pairs["gi"] = (nm.GRADIENT, deviation_of(nm.GRADIENT))
    vectors |= {**plain, **{m: m for m in letters.memory}}
    words = Words(vectors, steps, letters, pairs)
    hypotheses, inequalities = Hypotheses(), dict[str, Relation]()
    for n, text in enumerate(_listed(table, "assume", 'a list of texts such as "smooth: L"'), 1):
        place = f"assume[{n}]"
        named = keyword(text, place) if isinstance(text, str) else None
        if named is not None:
            name, arguments = named
            terms = [replaced(_argument(words, name, part, place), numbers) for part in arguments]
            take(hypotheses, name, terms, place)
        else:
            inequalities[str(text)] = words.relation(text, place)
    for part, example in REQUIRED.items():
        if part not in table:
            raise BadInput(part, "nothing", example)
    value, claim = words.term(table["V"], "V"), words.relation(table["claim"], "claim")
    step = words.relation(table["step"], "step") if "step" in table else None
    squares = tuple(words.term(h, f"hints[{n}]") for n, h in enumerate(_listed(table, "hints", "a list of terms"), 1))
    exponent = words.term(table["exponent"], "exponent") if "exponent" in table else None
    return Formulas(words, hypotheses, inequalities, value, claim, step, exponent, squares)


def _listed(table: Mapping[str, Any], key: str, accepted: str) -> Sequence[Any]:
    lines = table.get(key, [])
    if not isinstance(lines, list | tuple):
        raise BadInput(key, lines, accepted)
    return lines


def _argument(words: Words, name: str, text: str, place: str) -> Term:
    """The argument of a keyword: a term in the state and constants, or in constants alone if the class requires it."""
    term = words.term(text, place)
    foreign = sorted(symbols_of(term) & {"V", "change", "LV", "EVT", "V0"})
    if foreign:
        raise BadInput(place, foreign[0], "a term in f, fstar, G and constants: write V out, for example as f - fstar")
    if CLOCK in symbols_of(term) and CLOCK in words.letters.words:
        raise BadInput(place, CLOCK, f"another letter for a constant: {CLOCK} is {words.letters.words[CLOCK]}")
    if name in OF_CONSTANTS and not (words.constant(term) and all(p[0] in ARITHMETIC for p in parts(term))):
        inequality = "; write a bound that varies with the state as an inequality, such as G^2 >= ..*(f - fstar)"
        raise BadInput(place, text.strip(), f"a constant for {name}: a number, or a term in constants{inequality}")
    return term
