"""What is wrong with a refused input, by the name of its field."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from sdescent.derive.vocabulary.errors import BadInput


@contextmanager
def refused(field: str) -> Iterator[None]:
    """The block raises BadInput about this field, in one line."""
    with pytest.raises(BadInput) as caught:
        yield
    assert caught.value.field == field and "\n" not in caught.value.message
