"""Compile programs, with compiler options that are used only if the compiled functions agree with NumPy.

Every program of `numerics` is compiled through this file, by `jit` or with `options()`; a test looks for violations.
"""

from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from sdescent.derive.vocabulary.errors import WrongArithmetic
from sdescent.numerics.backend.canary import known_disagreeing
from sdescent.numerics.backend.double import jax

#: options under which no bit depends on the number of paths, processors or devices. By default on a CPU, XLA hands large reductions
#: to a library that adds in another order, and cuts loops into as many pieces as there are threads, which are compiled to other
#: instructions. Chunks keep all threads busy anyway
_REPRODUCIBLE = {"xla_cpu_experimental_ynn_fusion_type": "", "xla_disable_hlo_passes": "cpu-parallel-task-assigner"}
#: by default XLA uses one half of wide vector registers, which costs up to a third of the speed. The width may change the order in
#: which a sum over coordinates is added, so like the kind of processor it can change the last bit
_WIDE = {"xla_cpu_prefer_vector_width": "512"}


@cache
def options() -> dict[str, str]:
    """The options for chunks of paths: `_REPRODUCIBLE` and `_WIDE`, as far as this jax knows them and computes correctly.

    Raises:
        WrongArithmetic: a function is computed wrongly even without `_WIDE`.
    """
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
    """Check that programs compiled without options compute the elementary functions correctly.

    Raises:
        WrongArithmetic: a function is computed wrongly.
    """
    _require({})


def jit(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """The function compiled by `jax.jit` without compiler options; it runs only if `check_plain` passes, checked when it is called.

    Args:
        function: the function to compile.
        settings: further arguments of `jax.jit` (static_argnums, ..).
    """
    compiled = jax.jit(function, **settings)

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check_plain()
        return compiled(*args, **kwargs)

    return checked


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of arrays for use inside programs: it is traced and lowered once for each shape, however often it is called.

    Programs that draw compile in three quarters of the time. XLA inlines the function under the options of the calling program.
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
