"""Results on disk, under keys that cover everything on which they depend.

A report is a pure function of its results. Each result is a pure function of a specification, of this package's source, of the
versions of the numerical libraries, and of the plugins. The key is the SHA-256 digest of the canonical JSON of exactly these. A
result is a JSON file `<label>-<key>.json`; its arrays are in a NumPy archive beside it. The JSON file names the archive with its
digest and is written last, so that a result exists if and only if its JSON file does. The JSON is strict: an infinity or nan is
{"__float__": "inf"}, with "-inf" or "nan" for the others.
"""

import hashlib
import importlib.metadata
import importlib.util
import io
import json
import math
import platform
import re
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.plugin_loading import installed, named, tree_digest
from sdescent.reports.store.files import sweep_temporaries, write_atomic

_ARRAY = "__array__"
_FLOAT = "__float__"
_LIBRARIES = ("sympy", "numpy", "scipy", "jax", "jaxlib", "diffrax", "scikit-learn")


class _Damaged(Exception):
    """Raised for a file of the cache that differs from the one that was written."""


def damaged_note(names: Iterable[str]) -> str:
    """A line for the user about damaged results."""
    return f"damaged on disk, and computed again: {', '.join(names)}"


def canonical_json(value: Any) -> str:
    """`value` as canonical JSON, the same for equal values: sorted keys, no spaces, ASCII. TypeError, ValueError for nan."""
    _refuse_other_keys(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def source_digest(packages: Iterable[str] = ("sdescent.derive", "sdescent.numerics", "sdescent.reports")) -> str:
    """The SHA-256 digest (hex) of the names and contents of all Python and TOML files of the packages, which are not imported."""
    roots = {}
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise ValueError(f"{package} is not an installed package")
        roots[package] = Path(next(iter(spec.submodule_search_locations)))
    return tree_digest(roots)


def provenance() -> dict[str, Any]:
    """Everything besides its specification on which a result depends: versions, the source of this package, plugins."""
    installed()  # loaded now, so that all caches of a command have the same context
    versions = {}
    for name in ("sdescent", *_LIBRARIES):
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return {"versions": versions, "source": source_digest(), **named()}


def surroundings(context: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """All on which a command's numbers depend besides the request: provenance (`context`, if read already), machine, device."""
    from sdescent.numerics.backend.double import jax

    return {"context": context or provenance(), "machine": platform.machine(), "backend": jax.default_backend()}


@final
class ResultsCache:
    """A cache of results in a folder, with labels reused, computed, damaged; `context` (`provenance()`) is in every key."""

    def __init__(self, folder: str | Path, context: Mapping[str, Any] | None = None) -> None:
        self.folder = Path(folder)
        self.context = provenance() if context is None else dict(context)
        self.reused, self.computed, self.damaged = list[str](), list[str](), list[str]()
        sweep_temporaries(self.folder)

    def path(self, label: str, spec: Any) -> Path:
        """The path of the JSON file for the result of `spec`; its name begins with `label` ([a-z0-9-]{1,60}), for readers."""
        if not re.fullmatch(r"[a-z0-9-]{1,60}", label):
            raise ValueError(f"a result's label is made of a-z, 0-9 and '-', not {label!r}")
        identity = canonical_json({"label": label, "spec": spec, "context": self.context})
        return self.folder / f"{label}-{hashlib.sha256(identity.encode()).hexdigest()[:24]}.json"

    def load_or_compute(self, label: str, spec: Any, compute: Callable[[], Any]) -> Any:
        """The result of `spec`, loaded from disk if its files exist undamaged, else computed by `compute()` and stored.

        A result consists of dictionaries with string keys, lists, strings, numbers, booleans, None, and numeric arrays of NumPy or
        JAX (else TypeError). Tuples come back as lists and NumPy scalars as Python numbers. The first run returns exactly what
        later runs read. OSError for a folder or file out of reach.
        """
        path = self.path(label, spec)
        try:
            value = self._load(path)
        except FileNotFoundError:
            pass
        except _Damaged:
            self.damaged.append(label)
        else:
            self.reused.append(label)
            return value
        value = compute()
        self._store(path, spec, value)
        self.computed.append(label)
        return self._load(path)

    def _store(self, path: Path, spec: Any, value: Any) -> None:
        arrays: dict[str, np.ndarray] = {}
        result = _encode(value, arrays)
        body: dict[str, Any] = {"spec": spec, "context": self.context, "result": result, "arrays": None}
        if arrays:
            buffer = io.BytesIO()
            np.savez(buffer, **arrays)  # pyright: ignore[reportArgumentType]
            digest = hashlib.sha256(buffer.getvalue()).hexdigest()
            # named by its content, so that two runs that store the same result at the same time cannot mix their files
            name = f"{path.stem}.{digest[:12]}.npz"
            write_atomic(path.with_name(name), buffer.getvalue())
            body["arrays"] = {"file": name, "sha256": digest}
        write_atomic(path, json.dumps({**body, "sha256": _digest(body)}, indent=1, allow_nan=False) + "\n")

    def _load(self, path: Path) -> Any:
        text = read_regular(path)
        try:
            body = json.loads(text)
            if body.pop("sha256") != _digest(body):
                raise _Damaged(path)
            arrays: dict[str, np.ndarray] = {}
            if body["arrays"] is not None:
                content = read_regular(path.with_name(body["arrays"]["file"]))
                if hashlib.sha256(content).hexdigest() != body["arrays"]["sha256"]:
                    raise _Damaged(path)
                with np.load(io.BytesIO(content), allow_pickle=False) as archive:
                    arrays = {name: archive[name] for name in archive.files}
            return _decode(body["result"], arrays)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, zipfile.BadZipFile) as error:
            raise _Damaged(path) from error


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


def _refuse_other_keys(value: Any) -> None:
    # json.dumps turns the keys 1, True and None into "1", "true" and "null", so that different specs could share a key
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"keys are strings, not {type(key).__name__}")
            _refuse_other_keys(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_other_keys(item)


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    elif hasattr(value, "__array__"):
        value = np.asarray(value)  # JAX arrays, too
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {_FLOAT: repr(value)}
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "biufc":
            raise TypeError(f"arrays in a result are numeric, not {value.dtype}")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) and key not in (_ARRAY, _FLOAT) for key in value):
            raise TypeError(f"keys in a result are strings other than {_ARRAY} and {_FLOAT}")
        return {key: _encode(item, arrays) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(item, arrays) for item in value]
    raise TypeError(f"a result cannot hold {type(value).__name__}")


def _decode(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {_ARRAY}:
            return arrays[value[_ARRAY]]
        if value.keys() == {_FLOAT}:
            return float(value[_FLOAT])
        return {key: _decode(item, arrays) for key, item in value.items()}
    if isinstance(value, list):
        return [_decode(item, arrays) for item in value]
    return value
