"""The errors of requests: the input is malformed, the requested object does not exist, or no result could be trusted."""

from collections.abc import Collection

#: {a name that users know from elsewhere: our name}
_OTHERWISE = {"v": "nu", "df": "nu", "w": "omega", "std": "sigma", "lr": "eta", "normal": "gaussian"}


def one_line(text: object, limit: int = 300) -> str:
    """Text from outside on one line, safe for a terminal: control characters as backslash codes, cut at `limit` characters."""
    printable = "".join(
        char if char.isprintable() else char.encode("unicode_escape", "backslashreplace").decode("ascii")
        for char in str(text)
    )
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"


class BadInput(ValueError):
    """An error for an unknown name or a value that is not accepted (exit status 2).

    Args:
        field: the name of the field, as the user wrote it ("rand-k:k", "--dim").
        value: the user's value, which the message quotes.
        accepted: the accepted values, in one phrase.
        column: the position of the offending character, counted from 1, or None.
    """

    def __init__(self, field: str, value: object, accepted: str, column: int | None = None) -> None:
        self.field, self.value, self.accepted, self.column = field, value, accepted, column
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The message on one line: the field, its value, the accepted values."""
        try:
            quoted = str(self.value)
        except ValueError:  # Python refuses to print integers of more than 4300 digits
            quoted = "a number of thousands of digits"
        quoted = "".join(ch if ch.isprintable() else "?" for ch in quoted)
        quoted = quoted if len(quoted) <= 60 else quoted[:57] + "..."
        where = "" if self.column is None else f" (column {self.column})"
        # on one line, since the field may be the name of a file
        return one_line(f"{self.field}: found {quoted!r}{where}; accepted: {self.accepted}", 10_000)


def did_you_mean(name: object, names: Collection[str]) -> str:
    """A hint "; did you mean NEAREST?", or "" if no name is near. Case, -, _ and spaces are ignored."""
    from difflib import get_close_matches  # imported late, since only errors need it

    if not isinstance(name, str) or len(name) > 60:
        return ""
    plain = {word: meant for word, meant in _OTHERWISE.items() if meant in names} | {_plain(one): one for one in names}
    near = get_close_matches(_plain(name), plain, 1)
    return f"; did you mean {plain[near[0]]}?" if near else ""


def _plain(name: str) -> str:
    return name.casefold().translate({ord(c): None for c in "-_ "})


def unknown_name(
    field: str, name: object, names: Collection[str], accepted: str | None = None, column: int | None = None
) -> BadInput:
    """The error for a name that is not one of `names` (in the message, `accepted`), with a hint at the nearest of them."""
    accepted = "one of " + ", ".join(names) if accepted is None else accepted
    return BadInput(field, name, accepted + did_you_mean(name, names), column)


class Refusal(Exception):
    """An error for a mathematical object that does not exist, with the reason (exit status 1).

    Args:
        kind: a short stable code, such as "infinite-variance", "no-drift", "not-differentiable", "no-omega" or
            "asymmetric-noise".
        marked: the reason in one sentence, with formulas between dollar signs, which documents typeset.
        term: the term of an update rule that prevents the derivation, as text, or None.
        message: the reason for a terminal. By default it is `marked` without dollar signs, which suits formulas that read the same
            in LaTeX and in plain text; for other formulas see `sdescent.derive.expressions.written.refusal`.
        beyond: whether the object may exist although this package cannot derive it.
    """

    def __init__(
        self, kind: str, marked: str, term: str | None = None, message: str | None = None, beyond: bool = False
    ) -> None:
        self.kind, self.marked, self.term, self.beyond = kind, marked, term, beyond
        self.message = marked.replace("$", "") if message is None else message
        super().__init__(self.message)


class NoClosedForm(Exception):
    """An error for a quantity without a known closed form. Callers may fall back on moments given the client's message."""


class WrongArithmetic(RuntimeError):
    """An error for an installed library that computes wrong values on this machine, so that no result could be trusted.

    Args:
        library: the name and version of the library.
        functions: the names of the functions with wrong values.
    """

    def __init__(self, library: str, functions: list[str]) -> None:
        self.library, self.functions = library, functions
        several = ", ".join(functions[:5]) + (f" and {len(functions) - 5} more" if len(functions) > 5 else "")
        self.message = f"{library} computes {several} wrongly on this machine: install another release of it"
        super().__init__(self.message)
