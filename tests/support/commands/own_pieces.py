"""Plugins of tests: what one registers is forgotten afterwards, so that another test starts with what is built in."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sdescent.derive.vocabulary import plugin_loading, registry


@contextmanager
def forgotten() -> Iterator[None]:
    """Pieces that are registered inside the block, and modules that plugins made, are gone after it."""
    for kind in registry.KINDS:
        registry.entries(kind)  # what is built in, or installed beside the tests, stays
    tables = (registry._ENTRIES, registry._NAMESPACES, plugin_loading._PLUGINS, plugin_loading._INSTALLED)
    kept = [dict(table) for table in tables]
    loaded = set(sys.modules)
    try:
        yield
    finally:
        for table, before in zip(tables, kept, strict=True):
            table.clear()
            table.update(before)  # pyright: ignore[reportArgumentType, reportCallIssue]
        for name in set(sys.modules) - loaded:
            if name.startswith(plugin_loading._PREFIX):
                del sys.modules[name]
