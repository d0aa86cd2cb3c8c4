"""Facts, and the one place where they are made. Trusted; no search, no solver, no float.

A fact H |- C says: in every model of its context (all names interpreted by real numbers, vectors, matrices, random
processes as declared) where all hypotheses H hold for every outcome, time, coordinate and client, the claim C holds too,
given the axioms of the fact.
More precisely, each hypothesis is needed only at the point (outcome, time, coordinate, client) at which C is read,
except for sealed hypotheses: an operator used them at several points at once, and they are needed at all of these.

The rules are grouped by subject, in the modules `logic_and_algebra`, `functions`, `linear_algebra` and
`ito_gronwall_descent`. Each group is a subclass of `RuleGroup` without instances of its own; `Kernel` in `rules` joins
the groups and is the only class with instances.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar
from weakref import WeakKeyDictionary

from sdescent.derive.proof.language.context import Context, ProofError, exact
from sdescent.derive.proof.language.normal import Normal, Polynomial
from sdescent.derive.proof.language.terms import Relation
from sdescent.derive.proof.language.text import Printer

#: analytic facts that algebra cannot give; every fact lists the ones on which it rests
AXIOMS: Mapping[str, str] = {
    "weak-existence": "a weak solution exists up to explosion (Ikeda and Watanabe 1989, IV.2.3: continuous coefficients; where the "
    "drift is discontinuous, a solution in Filippov's sense)",
    "localisation": "the stopped stochastic integral is a martingale; bounds pass to the limit (Karatzas and Shreve 1991, 3.3)",
    "fatou": "for V bounded below, E lim inf V at the stopping times is at most lim inf E V (Fatou's lemma)",
    "integrability": "every expectation and integral that is written exists and is finite, so that it is linear",
}
_RECORDS: WeakKeyDictionary[Fact, tuple[Any, ...]] = WeakKeyDictionary()
_FIELDS = ("context", "claim", "hypotheses", "sealed", "axioms", "rule", "premises", "data")
#: holds the one kernel class, once `the_kernel` has closed the list of rules
_KERNEL: list[type] = []

K = TypeVar("K", bound=type)


class Fact:
    """A fact H |- C, with its rule and premises. Only the rules of a `Kernel` make one; it is never changed, copied or pickled."""

    __slots__ = ("__weakref__", *_FIELDS)
    context: Context
    claim: Relation
    #: `Normal.key` of a hypothesis -> the hypothesis
    hypotheses: Mapping[Any, Relation]
    #: keys of the hypotheses that were used at several outcomes, times, coordinates or clients at once
    sealed: frozenset[Any]
    axioms: frozenset[str]
    rule: str
    premises: tuple[Fact, ...]
    data: Mapping[str, Any]

    def __init__(self) -> None:
        raise ProofError(
            "a fact is made only by a kernel rule: call a rule of `Kernel`, for instance assume or certify"
        )

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise ProofError("a fact cannot be changed: make another one by a rule")

    def __delattr__(self, name: str) -> NoReturn:
        raise ProofError("a fact cannot be changed: make another one by a rule")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise ProofError("a fact cannot be copied or pickled: write its certificate, which `replay` and `rebuild` read")


def genuine(fact: Any) -> Fact:
    """The fact itself, after a check that a rule made it and that nothing in it has changed since.

    Raises ProofError: no rule made it, or it was changed.
    """
    record, hypotheses = _RECORDS.get(fact, (None, None)) if type(fact) is Fact else (None, None)
    changed = record is None or any(getattr(fact, name, Fact) is not v for name, v in zip(_FIELDS, record, strict=True))
    # a read-only view does not protect the dict behind it from whoever gets hold of that dict
    if changed or tuple(fact.hypotheses.items()) != hypotheses:
        raise ProofError("not produced by a kernel rule, or changed since: pass on facts as the rules return them")
    return fact


def the_kernel(cls: K) -> K:
    """Class decorator: makes `cls` the kernel class and closes the list of rules.

    Raises ProofError if a kernel class was already declared.
    """
    if _KERNEL:
        raise ProofError("there is already a class of kernels")
    _KERNEL.append(cls)
    return cls


class RuleGroup:
    """The shared equipment of all rules: the context, normal forms, the check of premises, and the one maker of facts.

    It keeps a copy of the context. One kernel does not accept another's facts, because the keys of hypotheses refer to the
    kernel's own numbering of atoms.
    """

    def __init__(self, context: Context) -> None:
        _only_kernels(self)
        if type(context) is not Context:
            raise ProofError(f"a kernel works in a Context, and was given a {type(context).__name__}")
        try:
            self.context = replace(context)
        except (AttributeError, TypeError) as error:
            raise ProofError("the context lacks fields or was changed: make a new Context") from error
        self.normal = Normal(self.context)
        self._description = self.context.described()

    def __init_subclass__(cls) -> None:
        if _KERNEL:
            raise ProofError(
                "a class with other rules is not a kernel: the rules are those of derive.proof.kernel.rules"
            )

    def __setattr__(self, name: str, value: Any) -> None:
        if hasattr(self, "_description"):
            raise ProofError("a kernel cannot be changed: make another one, Kernel(context)")
        object.__setattr__(self, name, value)

    # --- the one maker of facts -----------------------------------------------------------------------------------

    def _fact(
        self, rule: str, claim: Relation, premises: Sequence[Fact] = (), data: Mapping[str, Any] | None = None,
        hypotheses: Mapping[Any, Relation] | None = None, sealed: Iterable[Any] | None = None, axioms: Iterable[str] =
        (),
    ) -> Fact:  # fmt: skip
        """The fact that a rule concludes.

        Unless given, hypotheses and seals are the unions over the premises. The given axioms are added to those of the
        premises.
        """
        _only_kernels(self)
        self.context.check_relation(claim)
        self.normal.key(claim)  # raises if the claim has no normal form
        if hypotheses is None:
            hypotheses = {key: h for p in premises for key, h in p.hypotheses.items()}
        seals = frozenset(sealed if sealed is not None else (key for p in premises for key in p.sealed))
        used = frozenset(axioms).union(*[p.axioms for p in premises])
        fact = object.__new__(Fact)
        if self.context.described() != self._description or self.normal.context is not self.context:
            raise ProofError("the kernel's context was changed after the kernel was made: make another Kernel")
        assumed = MappingProxyType(dict(hypotheses))
        exact_data = MappingProxyType({k: exact(v) for k, v in (data or {}).items()})
        record = (self.context, claim, assumed, seals, used, rule, tuple(premises), exact_data)
        for name, value in zip(_FIELDS, record, strict=True):
            object.__setattr__(fact, name, value)
        _RECORDS[fact] = record, tuple(assumed.items())
        return fact

    # --- what rules check -----------------------------------------------------------------------------------------

    def _premises(self, facts: Sequence[Fact], count: int | None = None) -> tuple[Fact, ...]:
        """The premises, after a check that each is a fact of this kernel and that there are `count` of them."""
        premises = tuple(genuine(f) for f in facts)
        if any(f.context is not self.context for f in premises):
            raise ProofError("a premise is from another context or from another kernel: make it by this kernel")
        if count is not None and len(premises) != count:
            raise ProofError(f"{len(premises)} premises where the rule has {count}")
        return premises

    def _poly(self, t: Any) -> Polynomial:
        """The normal form of a term from outside."""
        self.context.check(t)
        return self.normal.polynomial(t)

    def _says(self, fact: Fact, relation: Relation) -> None:
        """Raises unless the fact claims this relation; < will do for <=."""
        self.context.check_relation(relation)
        ops = ("<=", "<") if relation.op == "<=" else (relation.op,)
        if self.normal.key(fact.claim) not in [self.normal.key(Relation((op, *relation[1:]))) for op in ops]:
            text = Printer(self.context).relation
            raise ProofError(f"a premise says {text(fact.claim)}, and the rule needs {text(relation)}")


def _only_kernels(group: RuleGroup) -> None:
    if type(group) not in _KERNEL:
        raise ProofError(f"a {type(group).__name__} is not a kernel and makes no facts: use proof.kernel.rules.Kernel")
