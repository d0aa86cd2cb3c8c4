"""Fixtures for pieces that are not the package's own."""

import pytest

from sdescent.derive.methods.checking import required


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every class is new to `sde`."""
    monkeypatch.setattr(required, "_SOUND", set())


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """`sde` takes every class: it would refuse most wrong ones by itself, and here draws must find them."""
    monkeypatch.setattr("sdescent.derive.derivation.require_sound", lambda method: None)
