"""Compiled programs, with options that are used only if the compiled functions agree with NumPy; traced programs."""

import hashlib
import json
import os
import platform
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import cache, wraps
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from platformdirs import user_cache_path

from sdescent.derive.vocabulary.errors import WrongArithmetic
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.backend.processors import instruction_sets

#: points per function; not a multiple of the length of a vector register, so that the code for a remainder is tried too
POINTS = 1000
#: the allowed distance from NumPy's value, in units in the last place of the value or of 1, whichever is larger; a wrong branch is
#: off by 1e7 or more
ULPS = 1000
#: functions of `jax.scipy.special` that densities, distribution functions and samplers use
SPECIAL = ("erf", "erfc", "erfinv", "expit", "gammaln", "logit", "ndtr", "ndtri")
Function = Callable[..., Any]


def functions() -> dict[str, tuple[Function, np.ufunc]]:
    """The real functions of one or two arguments that JAX and NumPy or SciPy share, {name: (JAX's, NumPy's or SciPy's)}."""
    # loaded here, like SciPy's functions: most processes find the result of the comparison in the cache
    from jax.scipy import special

    pairs: dict[str, tuple[Function, np.ufunc]] = {}
    for name in dir(np):
        theirs, ours = getattr(np, name), getattr(jnp, name, None)
        if ours is None or not isinstance(theirs, np.ufunc) or theirs.signature is not None or theirs.nout != 1:
            continue
        if "d->d" in theirs.types or "dd->d" in theirs.types:
            pairs[name] = ours, theirs
    return pairs | {name: (getattr(special, name), getattr(scipy.special, name)) for name in SPECIAL}


def _points(reference: np.ufunc, dtype: type[np.floating]) -> tuple[list[np.ndarray], np.ndarray]:
    """Arguments at which the function is finite, and values; half evenly in [0, 3], where functions turn, half logarithmically."""
    rng = np.random.default_rng(20260721)
    size = np.concatenate([np.geomspace(1e-8, 30, POINTS), np.linspace(0, 3, POINTS)])
    x = rng.permutation(np.concatenate([size, -size])).astype(dtype)
    arguments = [x, rng.permutation(x)][: reference.nin]
    with np.errstate(all="ignore"):
        values = reference(*arguments)
        finite = np.isfinite(values) & (np.abs(values) < np.sqrt(np.finfo(dtype).max))
    return [np.resize(a[finite], POINTS) for a in arguments], np.resize(values[finite], POINTS)


def disagreeing(options: Mapping[str, str]) -> list[str]:
    """Names of the functions whose values, compiled with these options of XLA, differ from NumPy's, in either precision."""
    results: list[list[str]] = []
    # In a new thread, which no context manager of JAX around this call affects (`enable_x64`, `default_device`).
    thread = threading.Thread(target=lambda: results.append(_disagreeing(options)))
    thread.start()
    thread.join()
    if not results:
        raise RuntimeError("the comparison of JAX with NumPy ended with an error (above)")
    return results[0]


def _disagreeing(options: Mapping[str, str]) -> list[str]:
    wrong = set[str]()
    for dtype in (np.float64, np.float32):
        letter = np.dtype(dtype).char
        offered = {n: pair for n, pair in functions().items() if any(t.startswith(letter) for t in pair[1].types)}
        cases = {name: _points(theirs, dtype) for name, (_, theirs) in offered.items()}

        def program(arguments: Mapping[str, Any], offered: Mapping[str, Any] = offered) -> Mapping[str, Any]:
            return {name: offered[name][0](*each) for name, each in arguments.items()}

        arguments = {name: [jnp.asarray(a) for a in arguments] for name, (arguments, _) in cases.items()}
        computed = jax.jit(program, compiler_options=dict(options))(arguments)
        for name, (_, values) in cases.items():
            error = np.abs(np.asarray(computed[name], float) - values) / np.maximum(1, np.abs(values))
            if not np.all(error <= ULPS * np.finfo(dtype).eps):  # also where it is NaN
                wrong.add(name)
    return sorted(wrong)


def known_disagreeing(options: Mapping[str, str]) -> list[str]:
    """The result of `disagreeing`, from the user's cache if versions, machine and options were tried before."""
    path = user_cache_path("sdescent") / "canary" / f"{_digest(options)}.json"
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(names, list) and all(isinstance(name, str) for name in names):
            return names
    except (OSError, ValueError):
        pass  # not tried yet, or an incomplete file: try now
    names = disagreeing(options)
    part = path.with_name(f".{secrets.token_hex(6)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(names), encoding="utf-8")
        os.replace(part, path)
    except OSError:
        pass  # the result cannot be stored: the next process tries again
    return names


def _digest(options: Mapping[str, str]) -> str:
    """The key of a comparison: the versions, the processor, the options, and the code of the comparison."""
    facts = {
        "versions": [version(name) for name in ("jax", "jaxlib", "numpy", "scipy")],
        "machine": [platform.machine(), *instruction_sets(), jax.default_backend(), jax.devices()[0].device_kind],
        "options": [sorted(options.items()), os.environ.get("XLA_FLAGS", "")],
        "comparison": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]


#: options under which no bit depends on the number of paths, processors or devices. By default on a CPU, XLA hands large reductions
#: to a library that adds in another order, and cuts loops into as many pieces as there are threads, which are compiled to other
#: instructions. Chunks keep all threads busy anyway
_REPRODUCIBLE = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
#: by default XLA uses one half of wide vector registers, which costs up to a third of the speed. The width may change the order in
#: which a sum over coordinates is added, so like the kind of processor it can change the last bit
_WIDE = {"xla_cpu_prefer_vector_width": "512"}


@cache
def options() -> dict[str, str]:
    """On a CPU, the options for chunks of paths, if this jax knows them and computes correctly. Raises as `check_plain`."""
    if jax.default_backend() != "cpu":
        check_plain()
        return {}
    wide = _supported(_REPRODUCIBLE | _WIDE)
    if not known_disagreeing(wide):
        return wide
    narrow = {name: value for name, value in wide.items() if name not in _WIDE}
    _require(narrow)
    return narrow


def narrowed() -> bool:
    """Whether this jax could use wide vector registers but leaves them unused because it computes a function wrongly in them."""
    unused = _WIDE.items() - options().items() if jax.default_backend() == "cpu" else ()
    return bool(_supported(dict(unused)))


@cache
def check_plain() -> None:
    """Raise WrongArithmetic if programs compiled without options compute an elementary function wrongly."""
    _require({})


def jit(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """The function compiled by `jax.jit` with these settings and no compiler options; `check_plain` must pass when it is called."""
    compiled = jax.jit(function, **settings)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check_plain()
        return compiled(*args, **kwargs)

    return checked


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays for use inside programs: it is traced and lowered once for each shape, however often it is called.

    Programs that draw random numbers compile in three quarters of the time. XLA inlines the function under the caller's options.
    """
    return jax.jit(function)


def _require(chosen: Mapping[str, str]) -> None:
    if wrong := known_disagreeing(chosen):
        raise WrongArithmetic(f"jax {jax.__version__}", wrong)


def _supported(chosen: Mapping[str, str]) -> dict[str, str]:
    """The options that this jax knows: they are tried together, and one by one if jax refuses some."""
    if _compiles(chosen):
        return dict(chosen)
    return {name: value for name, value in chosen.items() if _compiles({name: value})}


def _compiles(chosen: Mapping[str, str]) -> bool:
    try:
        jax.jit(lambda x: x + 1, compiler_options=dict(chosen)).lower(1.0).compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


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
    listed = (value if isinstance(value, (tuple, list)) else (value,) for value in equation.params.values())
    return [v for values in listed for v in values if hasattr(v, "eqns") or hasattr(v, "jaxpr")]


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
