"""A name says what it holds: no variable, argument, function, class or field of the product is a participle that fits anything."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_layers import FILES

EMPTY = {"found", "own", "given", "known", "shown", "made"}


def names(source: str) -> Iterator[tuple[int, str]]:
    """(line, name) of everything that a source gives a name to."""
    for node in ast.walk(ast.parse(source)):
        stored = isinstance(getattr(node, "ctx", ast.Store()), ast.Store)
        name = next(
            (text for key in ("id", "attr", "arg", "name") if isinstance(text := getattr(node, key, None), str)), None
        )
        if stored and name and not isinstance(node, ast.alias | ast.keyword):
            yield getattr(node, "lineno", 0), name


def empty(path: str, source: str) -> list[str]:
    return [f"{path}:{line} {name}" for line, name in names(source) if name.strip("_").lower() in EMPTY]


def test_no_name_of_the_product_fits_anything() -> None:
    assert [
        place for path, source in FILES.items() if not path.startswith("benchmarks/") for place in empty(path, source)
    ] == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("found = 1", "found"),
        ("def f(own): ...", "own"),
        ("x.known = 1", "known"),
        ("y = [z for shown in x]", "shown"),
        ("try: ...\nexcept OSError as made: ...", "made"),
    ],
)
def test_a_planted_name_is_found(source: str, name: str) -> None:
    assert [place.partition(" ")[2] for place in empty("a.py", source)] == [name]
