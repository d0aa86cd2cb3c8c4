"""Properties of a traced program (a jaxpr), read from its primitives."""

from collections.abc import Iterator
from typing import Any

#: primitives that cost a few instructions for each entry of an array
CHEAP = frozenset(
    {
        "abs", "add", "and", "broadcast_in_dim", "clamp", "convert_element_type", "div", "eq", "expand_dims", "ge", "gt",
        "integer_pow", "is_finite", "le", "lt", "max", "min", "mul", "ne", "neg", "not", "or", "reshape", "select_n", "sign",
        "sqrt", "square", "squeeze", "stop_gradient", "sub", "xor",
    }
)  # fmt: skip


def inside(equation: Any) -> list[Any]:
    """The programs that an equation runs, such as the body of a loop, the branches of a condition, or a compiled function."""
    values = [
        v for value in equation.params.values() for v in (value if isinstance(value, (tuple, list)) else (value,))
    ]
    return [v for v in values if hasattr(v, "eqns") or hasattr(v, "jaxpr")]


def equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a program and of all programs inside it."""
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        yield equation
        for program in inside(equation):
            yield from equations(program)


def primitives(jaxpr: Any) -> frozenset[str]:
    """The names of the primitives of a program and of all programs inside it."""
    return frozenset(equation.primitive.name for equation in equations(jaxpr))


def cheap_operations(jaxpr: Any, length: int) -> int | None:
    """The number of operations on arrays with a last axis of `length` that the results need; None if one is not `CHEAP`."""
    inner, count = getattr(jaxpr, "jaxpr", jaxpr), 0
    needed = {id(v) for v in inner.outvars}
    for equation in reversed(inner.eqns):
        if not any(id(v) in needed for v in equation.outvars):
            continue  # the compiler drops this equation too
        needed |= {id(v) for v in equation.invars}
        if not any(v.aval.shape[-1:] == (length,) for v in (*equation.invars, *equation.outvars)):
            continue
        if programs := inside(equation) if equation.primitive.name in ("jit", "pjit") else []:
            counts = [cheap_operations(program, length) for program in programs]
            if None in counts:
                return None
            count += sum(c for c in counts if c is not None)
        elif equation.primitive.name in CHEAP:
            count += 1
        else:
            return None
    return count
