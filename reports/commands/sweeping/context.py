"""Everything that the numbers of a study depend on besides its points."""

from __future__ import annotations

import platform
from functools import cache

from sdescent.derive.vocabulary.plugin_loading import installed, named
from sdescent.reports.store.cache import canonical_json, provenance


def context() -> str:
    """Versions, the digest of the source, plugins, the kind of machine and of device, as canonical JSON."""
    installed()
    return _with(canonical_json(named()))


@cache
def _with(plugins: str) -> str:
    """The same, computed once for the plugins that are loaded, since the source is read for it."""
    from sdescent.numerics.backend.double import jax

    return canonical_json({"context": provenance(), "machine": platform.machine(), "backend": jax.default_backend()})
