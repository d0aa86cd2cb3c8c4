"""Random edits of certificates, and what becomes of them where time is steps: refused, the same, true or false."""

import contextlib
import copy
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sdescent.derive.proof.kernel.certificate import certificate
from sdescent.derive.proof.kernel.rebuild import rebuild
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.replay.check import Invalid, Unreadable, replay_object
from tests.support.certificates.edits import follow
from tests.support.certificates.paths import along_paths
from tests.support.certificates.rules import KINDS

GROUPS = [
    ["g", "u", "v"],
    ["H", "A", "K", "N"],
    ["E", "I", "EI", "S", "Si", "C", "xi", "x"],
    ["sqrt", "exp", "log", "atan", "erf", "tanh", "abs", "psi"],
    ["+", "*", "/"],
    ["up", "down", "up_open", "limit", "even", "tanh"],
    ["coeffs", "exp", "sqrt"],
    ["monotone", "component"],
    ["telescope", "decay", "summable", "descent", "summation", "ito", "gronwall", "primitive"],
    ["norm", "quad", "dot"],
    ["const", "time", "clock", "random", "rv", "coord", "detcoord", "client", "detclient"],
    ["symmetric", "psd"],
    ["F", "G", "f"],
    ["odd", "nondecreasing", "concave_right", "bounded", "slope"],
    ["abs_of_positive", "abs_of_negative", "sqrt_of_square", "sqrt_square", "sqrt_nonneg", "abs_nonneg", "abs_square"],
    ["gradient", "hessian", "end", "start", "smooth", "drift", "diffusion"],
    ["change", "mean", "smoothness", "square", "radius"],
    ["rate", "offset", "growth", "floor", "drop"],
    ["psi_square", "psi_positive", "monotone:psi", "monotone:exp", "exp_positive"],
    ["horizon", "dimension", "clients"],
]
NUMBERS = ["0", "1", "-1", "2", "-2", "1/2", "3", "4", "-1/2"]


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = list(value.items()) if type(value) is dict else list(enumerate(value)) if type(value) is list else []
    return [at] * bool(at) + [path for key, part in inner for path in places(part, (*at, key))]


def mutate(rng: random.Random, value: dict[str, Any], paths: list[tuple[Any, ...]]) -> None:
    path = rng.choice(paths)
    node: Any = value
    try:
        for key in path[:-1]:
            node = node[key]
        old = node[path[-1]]
    except (KeyError, IndexError, TypeError):  # an edit before this one took the place away
        return
    if type(node) not in (list, dict):
        return
    key = path[-1]
    kind = rng.random()
    if type(old) is int and type(old) is not bool and kind < 0.8:
        node[key] = rng.choice([old + 1, old - 1, -old, 0, 1, 2, True, None, str(old)])
    elif type(old) is str and kind < 0.8:
        if old.strip("-")[:1].isdigit():
            node[key] = rng.choice(NUMBERS)
        elif old in ("<=", "<", "==", "!="):
            node[key] = rng.choice(["<=", "<", "==", "!="])
        else:
            groups = [list(KINDS), *GROUPS]
            node[key] = rng.choice(next((group for group in groups if old in group), ["a"]))
    elif type(node) is list and kind < 0.3:
        del node[key]
    elif type(node) is list and kind < 0.4:
        node.insert(key, copy.deepcopy(old))
    elif type(node) is list and kind < 0.5:
        other = rng.randrange(len(node))
        node[key], node[other] = node[other], node[key]
    elif type(node) is dict and kind < 0.1:
        del node[key]
    else:  # another part of the certificate
        new: Any = value
        for part in rng.choice(paths):
            try:
                new = new[part]
            except (KeyError, IndexError, TypeError):
                return
        node[key] = copy.deepcopy(new)


#: what the kernel says of a bound that is one by its normal form: FORMAT.md lists this difference
LISTED = "a premise is not the bound c <= W with a constant c"
#: rules whose steps are long and say little about time
PLAIN = ("certify", "function", "inverse", "ball")


class Source:
    """A certificate, and the places in it where an edit is made: half of the time where the rules about steps are used."""

    def __init__(self, name: str, value: dict[str, Any]) -> None:
        self.name, self.value = name, {key: part for key, part in value.items() if key != "witness"}
        self.text = json.dumps(self.value)
        self.places = [p for p in places(self.value) if p[0] not in ("title", "format")]
        plain = {n for n, s in enumerate(self.value["steps"]) if s["rule"] in PLAIN}
        self.terms = [p for p in self.places if is_term(at(self.value, p))]
        self.closer = [p for p in self.places if p[0] != "steps" or (len(p) > 1 and p[1] not in plain)]

    def mutant(self, rng: random.Random) -> dict[str, Any]:
        """The certificate with one or two edits, of which some are made everywhere. Most of the time it states what it proves."""
        value = json.loads(self.text)
        for _ in range(rng.choice([1, 1, 1, 2])):
            kind = rng.random()
            with contextlib.suppress(
                KeyError, IndexError, TypeError, AttributeError
            ):  # an edit before this one took the place away
                if kind < 0.2:
                    everywhere(rng, value)
                elif kind < 0.5:
                    *path, last = rng.choice(self.terms)
                    at(value, path)[last] = copy.deepcopy(at(self.value, rng.choice(self.terms)))
                else:
                    mutate(rng, value, self.closer if rng.random() < 0.6 else self.places)
        if rng.random() < 0.7:
            with contextlib.suppress(KeyError, IndexError, TypeError):
                follow(value)
        return value


def is_term(value: Any) -> bool:
    return (
        type(value) is list
        and len(value) > 1
        and value[0] in ("q", "x", "+", "*", "/", "^", "f", "norm", "dot", "E", "I", "EI", "C", "S")
    )


def at(value: Any, path: Iterable[Any]) -> Any:
    for key in path:
        value = value[key]
    return value


def everywhere(rng: random.Random, value: dict[str, Any]) -> None:
    """One kind, name or number for another one, wherever it stands (a name: in all but the context, or in all of it)."""
    symbols = value["context"]["symbols"]
    if rng.random() < 0.4 and symbols:
        name = rng.choice(sorted(symbols))
        symbols[name] = rng.choice([*KINDS, "const", "time", "random", "rv"])
        return
    leaves = [symbols, NUMBERS, ["<=", "<", "=="]][rng.randrange(3)]
    old, new = rng.choice(sorted(leaves) or ["0"]), rng.choice(sorted(leaves) or ["1"])
    for part in rng.choice([("steps", "statement"), ("steps", "statement", "context")]):
        value[part] = (
            exchanged(value[part], old, new)
            if part != "context"
            else value[part]
            | {"potentials": {name: exchanged(entry, old, new) for name, entry in value[part]["potentials"].items()}}
        )


def exchanged(value: Any, old: str, new: str) -> Any:
    if type(value) is dict:
        return {key: exchanged(part, old, new) for key, part in value.items()}
    if type(value) is list:
        return [exchanged(part, old, new) for part in value]
    return new if type(value) is str and value == old else value


def replayed(value: Any) -> str:
    """accepted, invalid or unreadable.

    Raises:
        AssertionError: an error that the replay does not foresee.
    """
    try:
        replay_object(value)
    except (Invalid, Unreadable) as error:
        assert "internal" not in str(error), (str(error), json.dumps(value))
        return "invalid" if isinstance(error, Invalid) else "unreadable"
    return "accepted"


class FalseStatement(AssertionError):
    """A checker accepted a certificate of what fails in a model."""


class Disagreement(AssertionError):
    """One checker accepts what the other refuses, and FORMAT.md does not list why."""


def tally(
    sources: Mapping[str, dict[str, Any]], count: int, seed: int, models: int = 250, share: float = 0.05,
    looked_at: Callable[[dict[str, Any], int, int], tuple[int, bool]] | None = None,
) -> Counter[str]:  # fmt: skip
    """What became of so many mutants of these certificates, more of the short ones.

    "accepted" of them "same": the statement and what it stands in is that of the source; "true": it is another one, and holds in
    all drawn models, of which some satisfy its hypotheses; "unmet": no drawn model does. The kernel makes again what the replay
    accepts, and about a share of the rest: "alone" are those that it accepts and the replay does not as they stand; written out
    by the kernel these replay too. With the share 0 the kernel is not asked. `looked_at` gives, of a certificate, a number of
    models and a seed, how many of them satisfy its hypotheses and whether the claim holds in all of these; by default along paths.

    Raises:
        FalseStatement, Disagreement: with the certificate.
    """
    rng, found, verdicts, known = random.Random(seed), Counter[str](), Counter[str](), dict[str, str]()
    every = [Source(name, value) for name, value in sources.items()]
    weights = [len(source.text) ** -1.2 for source in every]
    while found.total() < count:
        (source,) = rng.choices(every, weights)
        value = source.mutant(rng)
        if value == source.value:
            continue
        said = replayed(value)
        found[said] += 1
        if share and (said == "accepted" or rng.random() < share):
            try:
                fact = rebuild(value)
            except ProofError as error:
                if said == "accepted" and LISTED not in str(error):
                    raise Disagreement(f"of {source.name} the kernel refuses ({error}): {json.dumps(value)}") from error
            else:
                if said != "accepted":
                    verdicts["alone"] += 1
                    value = json.loads(json.dumps(certificate(fact, "by the kernel")))
                    if said == "invalid" and replayed(value) != "accepted":
                        raise Disagreement(f"of {source.name} the kernel accepts: {json.dumps(value)}")
                    said = replayed(value)
        if said == "accepted":
            verdicts[judged(source, value, models, known, looked_at or along_paths)] += 1
    return found + verdicts


def judged(
    source: Source,
    value: dict[str, Any],
    models: int,
    known: dict[str, str],
    looked_at: Callable[..., tuple[int, bool]] = along_paths,
) -> str:
    """same, true or unmet, of what is accepted."""
    if value["statement"] == source.value["statement"] and value["context"] == source.value["context"]:
        return "same"
    key = json.dumps([value["statement"], value["context"]])
    if key not in known:
        considered, true = looked_at(value, models, len(known))
        if not true:
            raise FalseStatement(f"a mutant of {source.name} fails in a model: {json.dumps(value)}")
        known[key] = "true" if considered else "unmet"
    return known[key]
