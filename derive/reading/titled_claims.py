"""A user's claims inside the specification of a report: tables [[claims]], each with the fields of a claim file and a title."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from sdescent.derive.reading.claims import Claim, claim_from
from sdescent.derive.vocabulary.errors import BadInput

MAX_CLAIMS, MAX_TITLE = 50, 200


@final
@dataclass(frozen=True)
class TitledClaim:
    """An inequality with a title; `fields` are those of its table as they were written, which identify it."""

    title: str
    claim: Claim
    fields: tuple[tuple[str, str], ...]

    def to_dict(self) -> dict[str, str]:
        """As JSON."""
        return {"title": self.title, **dict(self.fields)}


def titled_claims(listed: object, key: str) -> tuple[TitledClaim, ...]:
    """The claims of a list of tables, counted from 1 in errors.

    Args:
        listed: the value in the file.
        key: its name there.

    Raises:
        BadInput: it is not such a list, or a field does not fit.
    """
    accepted = f"1 to {MAX_CLAIMS} tables [[{key}]] with title, variables, assume, claim, hints"
    if not isinstance(listed, list):
        raise BadInput(key, listed, accepted)
    if not 1 <= len(listed) <= MAX_CLAIMS:
        raise BadInput(key, f"{len(listed)} of them", accepted)
    return tuple(_titled(table, n, f"{key}[{n}]", accepted) for n, table in enumerate(listed, 1))


def _titled(table: object, n: int, place: str, accepted: str) -> TitledClaim:
    if not isinstance(table, dict):
        raise BadInput(place, table, accepted)
    fields = dict(table)
    title = fields.pop("title", f"Claim {n}")
    if not isinstance(title, str) or not 1 <= len(title) <= MAX_TITLE:
        raise BadInput(f"{place} title", title, f"a text of 1 to {MAX_TITLE} characters")
    try:
        claim = claim_from(fields, place)
    except BadInput as error:
        field = error.field if error.field == place else f"{place} {error.field}"
        raise BadInput(field, error.value, error.accepted, error.column) from None
    return TitledClaim(title, claim, tuple(sorted((k, repr(v)) for k, v in fields.items())))
