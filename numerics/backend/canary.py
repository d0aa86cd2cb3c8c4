"""Check that XLA compiles the elementary functions correctly here: each is compared with NumPy before it is trusted.

A compiler can be wrong silently. With jaxlib 0.10.2 and vector registers of 512 bits, `jnp.arctan` of 32 numbers or more mixes
up its branches (jax-ml/jax issue 39352), and only the numbers show it. So every elementary function that `jax.numpy` shares with
NumPy, and the functions of `jax.scipy.special` that noise laws need, are compiled with the options in question and compared at a
thousand points. The result is stored in the user's cache, by version and machine.
"""

import hashlib
import json
import os
import platform
import secrets
import threading
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from platformdirs import user_cache_path

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
    """The real elementary functions of one or two arguments that both offer, {name: (JAX's, NumPy's or SciPy's)}."""
    # loaded here, as SciPy's are: most processes find the result of the comparison in the cache
    from jax.scipy import special

    pairs: dict[str, tuple[Function, np.ufunc]] = {}
    for name in dir(np):
        theirs, ours = getattr(np, name), getattr(jnp, name, None)
        if ours is not None and isinstance(theirs, np.ufunc) and theirs.signature is None and _real(theirs):
            pairs[name] = ours, theirs
    return pairs | {name: (getattr(special, name), getattr(scipy.special, name)) for name in SPECIAL}


def _real(function: np.ufunc) -> bool:
    return function.nout == 1 and any(kind in function.types for kind in ("d->d", "dd->d"))


def _points(reference: np.ufunc, dtype: type[np.floating]) -> tuple[list[np.ndarray], np.ndarray]:
    """Arguments at which the function is finite, and its values there; `POINTS` of each.

    Half of the sizes are spread evenly over [0, 3], where functions turn, and half logarithmically over [1e-8, 30]; signs are
    mixed.
    """
    rng = np.random.default_rng(20260721)
    size = np.concatenate([np.geomspace(1e-8, 30, POINTS), np.linspace(0, 3, POINTS)])
    x = rng.permutation(np.concatenate([size, -size])).astype(dtype)
    arguments = [x, rng.permutation(x)][: reference.nin]
    with np.errstate(all="ignore"):
        values = reference(*arguments)
        finite = np.isfinite(values) & (np.abs(values) < np.sqrt(np.finfo(dtype).max))
    return [np.resize(a[finite], POINTS) for a in arguments], np.resize(values[finite], POINTS)


def disagreeing(options: Mapping[str, str]) -> list[str]:
    """Names of the functions whose compiled values differ from NumPy's, in double or single precision.

    Args:
        options: compiler options of XLA; none for a plain `jax.jit`.
    """
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
