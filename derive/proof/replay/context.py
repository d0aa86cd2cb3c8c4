"""The context of a certificate, read from JSON (FORMAT.md, "Context")."""

from typing import Any

from sdescent.derive.proof.replay.algebra import KINDS, Budget, Context, T, Unreadable, W
from sdescent.derive.proof.replay.terms import MAX_NAMES, NAME, Terms, fields, items, symbols_in, tags

SMOOTH = ("gradient", "hessian", "end", "start", "smooth", "drift", "diffusion")
MOVING = ("change", "end", "start")
STEPPING = (*MOVING, "gradient", "smoothness", "mean", "square", "radius")
#: the tags of a constant: a term over const symbols and numbers by arithmetic, whose value is one number
CONSTANT = {"q", "x", "+", "*", "^", "/"}


def read_context(raw: Any, work: Budget, deep: bool) -> Context:
    """The context, after a check that each name is declared once and each reference finds a name of the right kind."""
    stepped = ("steps",) if type(raw) is dict and "steps" in raw else ()
    symbols, vectors, matrices, functions, horizon, dimension, clients, potentials, *steps = fields(
        raw, "symbols", "vectors", "matrices", "functions", "horizon", "dimension", "clients", "potentials", *stepped
    )
    if steps and steps[0] is not True:
        raise Unreadable("steps is given a value other than true: leave it out where time is not steps")
    if any(type(table) is not dict for table in (symbols, matrices, functions, potentials)):
        raise Unreadable("a table of the context is not an object")
    if any(type(name) is not str for name in items(vectors)):
        raise Unreadable("the name of a vector is not a text")
    names = [*symbols, *vectors, *matrices, *functions]
    if len(names) > MAX_NAMES or len(set(names)) != len(names) or not all(NAME.fullmatch(name) for name in names):
        raise Unreadable(f"a name is declared twice or malformed, or there are more than {MAX_NAMES}")
    if any(type(kind) is not str or kind not in KINDS for kind in symbols.values()):
        raise Unreadable(f"a symbol has a kind other than {', '.join(KINDS)}")
    if list(symbols.values()).count("clock") > 1:
        raise Unreadable("there is more than one symbol of kind clock")
    flags: dict[str, frozenset[str]] = {}
    for name, listed in matrices.items():
        if any(flag not in ("symmetric", "psd") for flag in items(listed)) or len(set(listed)) != len(listed):
            raise Unreadable("a flag of a matrix is not symmetric or psd, or is given twice")
        flags[name] = frozenset(listed) | {"symmetric"} if listed else frozenset()
    counted = [name for name in (horizon, dimension, clients) if name is not None]
    constant = all(type(name) is str and symbols.get(name) == "const" for name in counted)
    if not constant or len(set(counted)) != len(counted):
        raise Unreadable("horizon, dimension and clients are not different symbols of kind const")
    sizes = (horizon, dimension, clients)
    context = Context(symbols, frozenset(vectors), flags, functions, *sizes, potentials, bool(steps))
    terms = Terms(context, work, deep)
    for properties in functions.values():
        if type(properties) is not dict:
            raise Unreadable("the properties of a function are not an object")
        for name, value in properties.items():
            if name in ("odd", "nondecreasing", "concave_right"):
                if value is not True:
                    raise Unreadable(f"the property {name} is given a value other than true")
            elif name not in ("bounded", "slope"):
                raise Unreadable("a property of a function is not odd, nondecreasing, concave_right, bounded or slope")
            elif not tags(value) <= {"q", "x", "+", "*", "^", "/", "f", "pi"} or terms.deps(terms.term(value)):
                raise Unreadable("a bound or slope is not a term over const symbols")
    for name, potential in potentials.items():
        _check_potential(terms, name, potential)
    return context


def is_constant(terms: Terms, raw: Any) -> bool:
    """Whether a term contains only const symbols, numbers and + * ^ /; its shape is checked too."""
    terms.term(raw)
    return tags(raw) <= CONSTANT and all(terms.context.symbols[name] == "const" for name in symbols_in(raw))


def looks_ahead(terms: Terms, raw: Any) -> bool:
    """Whether a term depends on more than outcome and time, or contains a symbol of kind rv; its shape is checked too."""
    depends = terms.deps(terms.term(raw))
    return bool(depends & ~(W | T)) or any(terms.context.symbols[name] == "rv" for name in symbols_in(raw))


def stepping_terms(potential: dict[str, Any]) -> list[Any]:
    """The terms in a stepping potential's entry, for its steps and its smoothness; an empty list for any other potential."""
    lone = [potential[key] for key in ("square", "radius") if potential.get(key) is not None]
    return [*(raw for raw, _ in potential.get("mean", ())), *lone, *potential.get("smoothness", ())]


def entry_terms(potential: dict[str, Any]) -> list[Any]:
    """All terms in the entry of a potential."""
    return [raw for key in ("drift", "diffusion") for raw, _ in potential.get(key, ())] + stepping_terms(potential)


def _check_potential(terms: Terms, name: str, potential: Any) -> None:
    """Check the entry of a potential V: the state moves by an equation, or by declared steps, or only V's change is named."""
    keys = set(potential) if type(potential) is dict else set()
    kinds = [MOVING, STEPPING] if terms.context.steps else [SMOOTH, MOVING]
    if keys not in [set(kind) for kind in kinds]:
        raise Unreadable(f"the keys of a potential are neither {' nor '.join(', '.join(kind) for kind in kinds)}")
    symbols = terms.context.symbols
    if any(type(potential.get(key, "")) is not str for key in ("gradient", "hessian", "end", "start", "change")):
        raise Unreadable("a name in a potential is not a text")
    if [symbols.get(n) for n in (name, potential["end"], potential["start"])] != ["random", "rv", "const"]:
        raise Unreadable("a potential is not of kind random, its end not rv, or its start not const")
    if "change" in keys and (symbols.get(potential["change"]) != "random" or potential["change"] == name):
        raise Unreadable("the change of a potential is not of kind random, or is the potential")
    if "gradient" in keys and potential["gradient"] not in terms.context.vectors:
        raise Unreadable("the gradient of a potential is not a vector")
    if "smooth" in keys:
        _check_smooth(terms, potential)
    elif "mean" in keys:
        _check_stepping(terms, potential)


def _check_moved(terms: Terms, entries: Any, psd: bool = False) -> None:
    """Check pairs of a coefficient, a process that does not look ahead, and a vector (or a psd matrix)."""
    for raw, moved in [items(pair, 2) for pair in items(entries)]:
        if looks_ahead(terms, raw):
            raise Unreadable(
                "a coefficient of the process depends on more than the outcome and the time, or on the end"
            )
        if not psd:
            terms.vector(moved)
        elif "psd" not in terms.context.matrices[terms.matrix(moved)]:
            raise Unreadable("a matrix in the diffusion of a process is not declared psd")


def _check_smooth(terms: Terms, potential: dict[str, Any]) -> None:
    if type(potential["smooth"]) is not bool:
        raise Unreadable("smooth is not true or false")
    if "symmetric" not in terms.context.matrices.get(potential["hessian"], ()):
        raise Unreadable("the hessian of a potential is not a symmetric matrix")
    _check_moved(terms, potential["drift"])
    _check_moved(terms, potential["diffusion"], psd=True)


def _check_stepping(terms: Terms, potential: dict[str, Any]) -> None:
    if not all(is_constant(terms, raw) for raw in items(potential["smoothness"], 2)):
        raise Unreadable("the smoothness of a potential is not two terms over const symbols and numbers with + * ^ /")
    _check_moved(terms, potential["mean"])
    bounds = [potential["square"], *([] if potential["radius"] is None else [potential["radius"]])]
    if any(looks_ahead(terms, raw) for raw in bounds):
        raise Unreadable(
            "the square or the radius of a step depends on more than the outcome and the time, or on the end"
        )
