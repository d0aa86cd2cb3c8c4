"""Everything that the numbers of a study depend on besides its points."""

from __future__ import annotations

import platform
from functools import cache

from reports.store.cache import canonical_json, provenance


@cache
def context() -> str:
    """Versions, the digest of the source, plugins, the kind of machine and of device, as canonical JSON.

    It is computed once a process: plugins are loaded before.
    """
    from numerics.backend.double import jax

    return canonical_json({"context": provenance(), "machine": platform.machine(), "backend": jax.default_backend()})
