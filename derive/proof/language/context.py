"""The context of a proof, which says what its names stand for: random scalars, psd matrices, smooth functions and so on."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from sdescent.derive.proof.language.terms import FUNCTIONS, MAX_POWER, OPERATORS, RELATIONS, Relation, Term

#: the largest depth of a term, and the largest number of its parts
MAX_DEPTH = 150
MAX_PARTS = 1_000_000

#: kind of a symbol -> the letters that its value depends on: the outcome w, time t, the coordinate j, the client k
KINDS: Mapping[str, frozenset[str]] = MappingProxyType({
    "const": frozenset(), "time": frozenset("t"), "random": frozenset("wt"), "rv": frozenset("w"),
    "coord": frozenset("wtj"), "detcoord": frozenset("j"), "clock": frozenset("t"),
    "client": frozenset("wtk"), "detclient": frozenset("k"),
})  # fmt: skip
PROCESS = frozenset("wt")
PROPERTIES = frozenset({"odd", "nondecreasing", "concave_right", "bounded", "slope"})
#: the keys of the three sorts of potential: along an Ito equation; given by its change; at a point that takes steps
SMOOTH = frozenset({"gradient", "hessian", "end", "start", "smooth", "drift", "diffusion"})
MOVING = frozenset({"change", "end", "start"})
STEPPING = MOVING | {"gradient", "smoothness", "mean", "square", "radius"}
_CONSTANT = frozenset({"q", "x", "+", "*", "^", "/"})
#: head of a term -> the place of its scalar subterms, for heads that have other arguments too
_SCALARS = {
    **dict.fromkeys(("q", "x", "xi", "pi", "norm", "opnorm", "tr", "quad", "trprod", "dot"), slice(0, 0)),
    "^": slice(1, 2), "f": slice(2, 3), "F": slice(2, 3),
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", re.ASCII)
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(/[1-9][0-9]*)?", re.ASCII)


class ProofError(ValueError):
    """A side condition of a rule does not hold, or a term is not in the grammar; no fact is made."""


@dataclass(frozen=True)
class Context:
    """The declared names of a proof. It is frozen: a fact belongs to one context, and facts of two contexts do not mix.

    Raises:
        ProofError: names clash, a kind, flag or property does not exist, or an entry is not of the form above.
    """

    symbols: Mapping[str, str]  # scalar symbol -> kind (`KINDS`)
    #: names of vectors; these and all terms made from them depend on the outcome and on time
    vectors: tuple[str, ...] = ()
    matrices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> flags among "symmetric", "psd"
    #: name -> properties (odd, nondecreasing, concave_right: True; bounded, slope: a term over constants)
    functions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    #: horizon, dimension, clients: the constants T = int_0^T 1 dt, d = sum_j 1 and N = sum_k 1; in every model T >= 0,
    #: d and N are integers >= 1, and the clock runs over [0, T]; with steps T is an integer >= 1
    horizon: str | None = None
    dimension: str | None = None
    clients: str | None = None
    #: name of a function V of the state (a random symbol) -> one of the three entries of FORMAT.md. `SMOOTH`: gradient,
    #: hessian, end, start, smooth, and the SDE of the state, dX = drift dt + L dW with L L' = diffusion, each
    #: [(coefficient, vector or matrix), ..]. `MOVING`: change (LV, or the mean change of V in a step), end, start.
    #: `STEPPING`: in addition, ||Hess V|| <= smoothness[0] + smoothness[1] ||gradient||, and mean, square and radius of
    #: the step
    potentials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    steps: bool = False  # whether time consists of the steps 0, .., T - 1, so that I and EI are sums over them

    def __post_init__(self) -> None:
        object.__setattr__(self, "symbols", MappingProxyType(dict(self.symbols)))
        object.__setattr__(self, "matrices", MappingProxyType({k: tuple(v) for k, v in self.matrices.items()}))
        for name in ("functions", "potentials"):
            entries = getattr(self, name).items()
            frozen = {k: MappingProxyType({a: _frozen(b) for a, b in v.items()}) for k, v in entries}
            object.__setattr__(self, name, MappingProxyType(frozen))
        object.__setattr__(self, "vectors", tuple(self.vectors))
        clocks = [name for name, kind in self.symbols.items() if kind == "clock"]
        if len(clocks) > 1:
            raise ProofError("there may be only one clock")
        names = [*self.symbols, *self.vectors, *self.matrices, *self.functions]
        if len(set(names)) != len(names) or len(names) > 400:
            raise ProofError("a name is declared twice, or there are more than 400")
        for name in names:
            if type(name) is not str or not _NAME.fullmatch(name):
                raise ProofError(f"{name!r} is not a name")
        for name, kind in self.symbols.items():
            if type(kind) is not str or kind not in KINDS:
                raise ProofError(f"the kind {kind!r} of {name} does not exist")
        for name, flags in self.matrices.items():
            if any(type(flag) is not str or flag not in ("symmetric", "psd") for flag in flags):
                raise ProofError(f"the flags {flags!r} of {name} do not exist")
        counted = [name for name in (self.horizon, self.dimension, self.clients) if name is not None]
        if any(self._kind(name) != "const" for name in counted) or len(set(counted)) < len(counted):
            raise ProofError("horizon, dimension and clients are three symbols declared as const")
        if type(self.steps) is not bool:
            raise ProofError("steps says whether time is steps: it is true or false")
        for name, entry in self.functions.items():
            self._check_function(name, entry)
        for name, entry in self.potentials.items():
            self._check_potential(name, entry)

    def __reduce__(self) -> tuple[type[Context], tuple[Any, ...]]:
        """Pickle the arguments: read-only views cannot be pickled, and the context is checked again when it is read."""
        nested = ({name: dict(entry) for name, entry in table.items()} for table in (self.functions, self.potentials))
        functions, potentials = nested
        made_from = dict(self.symbols), self.vectors, dict(self.matrices), functions
        return Context, (*made_from, self.horizon, self.dimension, self.clients, potentials, self.steps)

    def _check_function(self, name: str, entry: Mapping[str, Any]) -> None:
        for prop, value in entry.items():
            if type(prop) is not str or prop not in PROPERTIES:
                raise ProofError(f"the property {prop!r} of {name} does not exist")
            if prop in ("bounded", "slope"):
                self.check(value)
                if not self.constant(value):
                    raise ProofError(f"{prop} of {name} is not a term over constants")
            elif value is not True:
                raise ProofError(f"{prop} of {name} is {value!r}, not true")

    def _check_potential(self, name: str, entry: Mapping[str, Any]) -> None:
        keys, shapes = set(entry), (MOVING, STEPPING) if self.steps else (SMOOTH, MOVING)
        if any(type(key) is not str for key in keys) or keys not in shapes:
            raise ProofError(f"the potential {name} needs {' or else '.join(', '.join(sorted(s)) for s in shapes)}")
        right = [self._kind(n) for n in (name, entry["end"], entry["start"])] == ["random", "rv", "const"]
        if "change" in keys:
            right = right and self._kind(entry["change"]) == "random" and entry["change"] != name
        if "gradient" in keys:
            right = right and self.is_vector(("v", entry["gradient"]))
        if "hessian" in keys:
            right = right and self.is_matrix(("m", entry["hessian"])) and self.symmetric(entry["hessian"])
            right = right and type(entry["smooth"]) is bool
        if not right:
            raise ProofError(f"a name of the potential {name} is not declared, or not as what it is used for")
        if any(type(entry.get(part, ())) is not tuple for part in ("drift", "diffusion", "mean", "smoothness")):
            raise ProofError(f"drift, diffusion, mean and smoothness of {name} are lists or tuples: one of them is not")
        for part, fits in (("drift", self.is_vector), ("diffusion", self.is_matrix), ("mean", self.is_vector)):
            for coefficient, object_ in entry.get(part, ()):
                if not self.process(coefficient) or not fits(object_):
                    raise ProofError(f"the {part} of {name} is not a combination of processes")
        if any(not self.psd(matrix[1]) for _, matrix in entry.get("diffusion", ())):
            raise ProofError(f"the covariance of the process behind {name} is not declared positive semidefinite")
        if keys == STEPPING:
            if not self.process(entry["square"]) or not (entry["radius"] is None or self.process(entry["radius"])):
                raise ProofError(
                    f"square and radius of {name} are not processes: they look ahead or depend on a coordinate"
                )
            if len(entry["smoothness"]) != 2 or not all(self.constant(t) for t in entry["smoothness"]):
                raise ProofError(f"the smoothness of {name} is not two terms over constants")

    def constant(self, t: Any) -> bool:
        """Whether a term is built from const symbols and numbers with + * ^ /."""
        self.check(t)
        return {part[0] for part in parts(t)} <= _CONSTANT and not self.depends(t)

    def process(self, t: Any) -> bool:
        """Whether a term depends on outcome and time at most, and on nothing that is known only at the end."""
        self.check(t)
        ahead = any(p[0] == "x" and self.symbols[p[1]] == "rv" for p in parts(t))
        return not ahead and self.depends(t) <= PROCESS

    def _kind(self, name: Any) -> str | None:
        return self.symbols.get(name) if type(name) is str else None

    def described(self) -> tuple[Any, ...]:
        """The whole context as one value, for comparisons."""
        tables = (self.symbols, self.matrices, *self.functions.values(), *self.potentials.values())
        counts = self.horizon, self.dimension, self.clients, self.steps
        names = tuple(self.functions), tuple(self.potentials), self.vectors
        return (*(tuple(t.items()) for t in tables), *names, *counts)

    def symmetric(self, matrix: str) -> bool:
        """Whether a matrix is declared symmetric, or positive semidefinite, which implies it."""
        return bool({"symmetric", "psd"} & set(self.matrices.get(matrix, ())))

    def psd(self, matrix: str) -> bool:
        """Whether a matrix is declared positive semidefinite."""
        return "psd" in self.matrices.get(matrix, ())

    def check(self, t: Any) -> None:
        """Raises ProofError unless t is a term of the grammar over declared names."""
        for part in parts(t):
            self._check_one(part)

    def _check_one(self, t: Any) -> None:
        args = t[1:]
        fits = (_is_term,) * len(args) if t[0] in ("+", "*") and args else _ARGUMENTS.get(t[0])
        if fits is None or len(fits) != len(args) or not all(fit(self, a) for fit, a in zip(fits, args, strict=True)):
            raise ProofError(f"not a term over the declared names: {str(t)[:120]}")

    def is_vector(self, v: Any) -> bool:
        """Whether v is a declared vector, or the product M v of a declared matrix and a declared vector."""
        if type(v) is not tuple or not all(type(a) in (str, tuple) for a in v):
            return False
        if len(v) == 3 and v[0] == "Mv":
            return self.is_matrix(v[1]) and self.is_vector(v[2]) and v[2][0] == "v"
        return len(v) == 2 and v[0] == "v" and v[1] in self.vectors

    def is_matrix(self, m: Any) -> bool:
        """Whether m is a declared matrix."""
        names = type(m) is tuple and len(m) == 2 and all(type(a) is str for a in m)
        return names and m[0] == "m" and m[1] in self.matrices

    def check_relation(self, relation: Any) -> None:
        """Raises ProofError unless `relation` is a relation between terms over declared names; != has 0 on the right."""
        shaped = type(relation) is Relation and len(relation) == 3 and type(relation[0]) is str
        if not shaped or relation[0] not in RELATIONS:
            raise ProofError(f"not a relation, but a {type(relation).__name__} or of another shape")
        for side in (relation.left, relation.right):
            self.check(side)
        if relation.op == "!=" and relation.right != ("q", "0"):
            raise ProofError("!= is against 0 only")

    def depends(self, t: Any) -> frozenset[str]:
        """The letters that the value of a term depends on as far as its form shows: a subset of w, t, j, i, k."""
        head = t[0]
        if head == "x":
            return KINDS[self.symbols[t[1]]]
        if head == "xi":
            return frozenset("i" if s == "j" else s for s in KINDS[self.symbols[t[1]]])
        if head in ("norm", "opnorm", "tr", "quad", "trprod", "dot"):
            return PROCESS
        inner = frozenset[str]().union(*[self.depends(a) for a in t[1:] if isinstance(a, Term)])
        return inner - frozenset(OPERATORS.get(head, ""))


def _is_term(_: Context, a: Any) -> bool:
    return type(a) is Term


#: head of a term -> a test for each argument; + and * take any number of terms
_ARGUMENTS: Mapping[str, tuple[Callable[[Context, Any], bool], ...]] = MappingProxyType({
    "q": (lambda _, a: type(a) is str and len(a) <= 4000 and bool(_NUMBER.fullmatch(a)) and str(Fraction(a)) == a,),
    "x": (lambda context, a: type(a) is str and a in context.symbols,),
    "xi": (lambda context, a: type(a) is str and context.symbols.get(a) in ("coord", "detcoord"),),
    "pi": (), "/": (_is_term, _is_term), "^": (_is_term, lambda _, a: type(a) is int and 0 <= a <= MAX_POWER),
    "f": (lambda _, a: type(a) is str and a in FUNCTIONS, _is_term),
    "F": (lambda context, a: type(a) is str and a in context.functions, _is_term),
    **dict.fromkeys(OPERATORS, (_is_term,)),
    "norm": (Context.is_vector,), "opnorm": (Context.is_matrix,), "tr": (Context.is_matrix,),
    "quad": (Context.is_matrix, Context.is_vector), "trprod": (Context.is_matrix, Context.is_matrix),
    "dot": (Context.is_vector, Context.is_vector),
})  # fmt: skip


def stepping_terms(entry: Mapping[str, Any]) -> list[Term]:
    """The scalar terms that the entry of a stepping potential declares; an empty list for any other potential."""
    if set(entry) != STEPPING:
        return []
    radius = [] if entry["radius"] is None else [entry["radius"]]
    return [*entry["smoothness"], *(t for t, _ in entry["mean"]), entry["square"], *radius]


def _frozen(value: Any) -> Any:
    """A list as a tuple, with its pairs as tuples too; terms, names and flags stay as they are.

    Raises ProofError for other types: a generator, for example, is empty the second time.
    """
    if value is None or type(value) in (Term, str, bool):
        return value
    if type(value) not in (list, tuple):
        raise ProofError(
            f"what a context says of a name is a {type(value).__name__}: give terms, names, lists or tuples"
        )
    return tuple(part if type(part) is Term else tuple(part) for part in value)


def parts(t: Any) -> list[Term]:
    """All subterms of a term, beginning with the term itself.

    Raises:
        ProofError: an argument that must be a scalar term is not (for instance a string), or the term is too deep or too large.
    """
    subterms: list[Term] = []
    stack = [(t, 1)]
    while stack:
        part, depth = stack.pop()
        if type(part) is not Term or not part or type(part[0]) is not str:
            raise ProofError(f"not a term, but a {type(part).__name__}")
        subterms.append(part)
        if len(subterms) > MAX_PARTS or depth > MAX_DEPTH:
            raise ProofError(f"a term of more than {MAX_PARTS} parts, or deeper than {MAX_DEPTH}")
        stack += [(a, depth + 1) for a in part[_SCALARS.get(part[0], slice(1, None))]]
    return subterms


def exact(value: Any, depth: int = 0) -> Any:
    """An immutable copy of a rule's data: terms, names and exact numbers, with tuples for lists. Raises ProofError for
    anything else.
    """
    if value is None or type(value) in (Term, Relation, str, int, bool, Fraction):
        return value
    if type(value) not in (list, tuple) or depth > MAX_DEPTH:
        raise ProofError(f"not exact data, but a {type(value).__name__}, or too deep")
    return tuple(exact(v, depth + 1) for v in value)


def name_of(value: Any) -> str:
    """The name itself, after a check that it is a string and not an object that poses as one."""
    if type(value) is not str:
        raise ProofError(f"not a name, but a {type(value).__name__}")
    return value
