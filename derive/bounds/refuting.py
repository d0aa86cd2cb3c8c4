"""Refutations of a claim about one step: exact numbers at which it fails, on a loss of `derive.bounds.instances`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derive.bounds.instances import Instance, instances
from derive.bounds.proving import BELOW_ONE
from derive.bounds.setting import Setting
from derive.bounds.vocabulary import symbols_of
from derive.proof.language.context import parts
from derive.proof.language.terms import OPERATORS, Relation
from derive.proof.refute.counterexample import refute


@dataclass(frozen=True)
class Refuted:
    """A claim fails at this point.

    Args:
        loss: the loss, in words.
        point: exact values of its numbers and the theorem's.
        claim: the claim in these numbers.
    """

    loss: str
    point: Mapping[str, Any]
    claim: Relation


def refuted(given: Setting, claim: Relation, seconds: float = 2.0) -> Refuted | None:
    """Where a claim about one step fails although all assumptions hold; None says nothing.

    Args:
        claim: in the terms of the setting, without operators.
        seconds: about how long to look, for each family of losses.
    """
    for one in instances(given):
        found = _in_family(given, claim, one, seconds)
        if found is not None:
            return found
    return None


def _in_family(given: Setting, claim: Relation, one: Instance, seconds: float) -> Refuted | None:
    stated = {**given.assumptions, **given.definitions}
    used = [one.meant(r) for name, r in stated.items() if name != BELOW_ONE and not _at_the_end(r, given)]
    relations = [r for r in (*one.conditions, *used) if r.left != r.right]
    meant = one.meant(claim)
    everything = [*relations, meant]
    if any(p[0] in ("norm", "dot", "tr", "opnorm", "quad", "trprod", "F") for r in everything for side in r[1:] for p in parts(side)):
        return None
    names = sorted(set().union(*[symbols_of(r) for r in everything]))
    point = refute(names, relations, meant, seconds)
    return None if point is None else Refuted(one.loss, point, meant)


def _at_the_end(r: Relation, given: Setting) -> bool:
    """Whether a relation is about the horizon."""
    ends = {p.end[1] for p in given.potentials.values()} | {p.start[1] for p in given.potentials.values()}
    return bool(symbols_of(r) & ends) or any(p[0] in OPERATORS for side in r[1:] for p in parts(side))
