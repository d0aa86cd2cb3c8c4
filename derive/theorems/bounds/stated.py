"""A theorem of one's own: its statement, from a TOML file or Python, and its entry like those of the catalogue.

title = "SGD under the Polyak-Lojasiewicz inequality"
method = "dsgd"
assume = ["smooth: L", "pl: mu", "variance: s", "eta*L <= 1"]
V = "f - fstar"
claim = "change <= -eta*mu*V + eta^2*L*s/(2*N)"
conclude = "gronwall"
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.kernel.certificate import ancestry
from sdescent.derive.proof.kernel.rules import Fact
from sdescent.derive.proof.language.clock import OutOfTime
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.normal import Normal
from sdescent.derive.proof.language.terms import Relation, Term, num, under, x
from sdescent.derive.reading.toml_file import caption, read_keys, whole
from sdescent.derive.theorems.bounds.compressor_classes import method_of
from sdescent.derive.theorems.bounds.from_method import Building
from sdescent.derive.theorems.bounds.horizon import in_probability
from sdescent.derive.theorems.bounds.horizon.gronwall_and_telescoping import rate_of
from sdescent.derive.theorems.bounds.horizon.in_probability import (
    ALMOST_SURELY,
    HIGH_PROBABILITY,
    INFINITY,
    InProbability,
    Tail,
)
from sdescent.derive.theorems.bounds.kernel_context import About, Setting, moved_to
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.brackets import require_parts
from sdescent.derive.theorems.bounds.language.hypotheses import Hypotheses, consequences
from sdescent.derive.theorems.bounds.language.letters import CLOCK, Letters, at_the_end, at_the_start, is_sign
from sdescent.derive.theorems.bounds.language.shapes import CHANGE, bounds_change, monomials_of
from sdescent.derive.theorems.bounds.language.vocabulary import (
    ARITHMETIC,
    Formulas,
    parts_of,
    read_formulas,
    replaced,
    symbols_of,
)
from sdescent.derive.theorems.bounds.proving import BELOW_ONE, UNIT, StepFailed, Weighted
from sdescent.derive.theorems.bounds.refuting import satisfying
from sdescent.derive.theorems.bounds.sign_messages import LETTERS
from sdescent.derive.theorems.entry.theorem import Derivation, Theorem
from sdescent.derive.vocabulary.errors import BadInput, unknown_name
from sdescent.derive.vocabulary.verdicts import Source

#: the keys of a file
KEYS = (
    "title", "source", "method", "noise", "compressor", "clients", "dim", "schedule", "regime", "params", "model", "assume",
    "V", "step", "claim", "conclude", "exponent", "hints",
)  # fmt: skip
IN_PROBABILITY = (ALMOST_SURELY, HIGH_PROBABILITY)
CONCLUSIONS = ("none", "telescope", "integrate", "gronwall", "summable", *IN_PROBABILITY)
MODELS = ("method", "first-order", "corrected")
NO_TIME = "one for which no time was left"  # the name of a step that was not tried


@dataclass(frozen=True)
class Stated:
    """A theorem in the words of its author; `table` is the parsed file.

    Raises:
        BadInput: a field is missing or unsuitable, or a formula is outside the grammar.
        Refusal: bounds of one's own do not cover the method's step (`sdescent.derive.theorems.bounds.from_method`).
    """

    table: Mapping[str, Any]
    #: a relation, in the letters of the file, that replaces the bound on a step
    instead: Relation | None = None
    #: whether the proof may use values and gradients at the next state
    interpolate: bool = False

    def __post_init__(self) -> None:
        _ = self.title, self.source, self.conclude, self.setting, self.claim, self.step

    @property
    def title(self) -> str:
        return caption(self.table.get("title", "A theorem of one's own"), "title")

    @property
    def source(self) -> str:
        return caption(self.table.get("source", "stated by its author"), "source")

    @property
    def about(self) -> About:
        return cast(About, self._one_of("model", MODELS))

    @property
    def conclude(self) -> str:
        return self._one_of("conclude", CONCLUSIONS)

    def _one_of(self, key: str, names: Sequence[str]) -> str:
        """The value of a key, which must be one of `names` and is the first by default."""
        name = self.table.get(key, names[0])
        if name not in names:
            raise unknown_name(key, name, names)
        return name

    @property
    def any_noise(self) -> bool:
        """Whether the theorem is about any centred noise: it says so, or names no noise and bounds its mean square or its votes."""
        bounded = {"variance", "majority"} & set(self.hypotheses.classes)
        return self.table.get("noise") == "any" or ("noise" not in self.table and bool(bounded))

    @property
    def dim(self) -> int | None:
        """The dimension; None for the symbol d."""
        return whole(self.table.get("dim"), "dim", 1, 10**6)

    @cached_property
    def method(self) -> Method:
        """The method, with symbols for constants that have no number."""
        return method_of(self.table)

    # --- what is read

    @cached_property
    def letters(self) -> Letters:
        """The roles of the letters of the method."""
        return Letters(self.method, self.about == "method")

    @cached_property
    def formulas(self) -> Formulas:
        """The formulas of the file, in its own letters."""
        return read_formulas(self.table, self.letters, self.about == "method", self._numbers)

    @property
    def hypotheses(self) -> Hypotheses:
        """The classes that are assumed."""
        return self.formulas.hypotheses

    @property
    def inequalities(self) -> Mapping[str, Relation]:
        """The inequalities that are assumed."""
        return self.formulas.inequalities

    @cached_property
    def _monomials(self) -> list[tuple[Any, Term]]:
        return monomials_of(self.formulas, self.table["V"])

    @property
    def may_interpolate(self) -> bool:
        """Whether interpolation at the next state may help, which the theorem does not use yet."""
        smooth = self.hypotheses.smoothness
        inequalities = self.hypotheses.minimiser or (smooth is not None and smooth[1] == num(0))
        unused = self.about == "method" and not self.setting.interpolates and self.conclude != HIGH_PROBABILITY
        return unused and inequalities and self.setting.mean == nm.GRADIENT

    @cached_property
    def setting(self) -> Setting:
        """The setting of the theorem: the kernel's context, assumptions and the engine's definitions."""
        return self._in_mean if self.tail is None else in_probability.exponential(self._in_mean, self.tail)

    @cached_property
    def tail(self) -> Tail | None:
        """The claim with high probability, or None; BadInput if the file has no exponent, and as `tail_of` raises it."""
        if self.conclude != HIGH_PROBABILITY:
            if "bounded noise" in self.hypotheses.classes or self.formulas.exponent is not None:
                accepted = f'conclude = "{HIGH_PROBABILITY}" with it; for a bound in the mean, variance: s^2'
                raise BadInput("assume", "bounded noise or an exponent", accepted)
            return None
        exponent, step = self.formulas.exponent, self.read_step
        if (
            exponent is None
            or not self.formulas.words.constant(exponent)
            or not all(p[0] in ARITHMETIC for p in parts_of(exponent))
        ):
            raise BadInput("exponent", self.table.get("exponent", "nothing"), 'a constant such as "1/(2*eta*s^2)"')
        if step is None:
            raise BadInput("step", "nothing", "a bound change <= .. on the exponential change of f")
        meant = (self._meant(t) for t in (exponent, step, self.read_claim))
        return in_probability.tail_of(self._in_mean, *meant)

    @cached_property
    def _in_mean(self) -> Setting:
        """The setting without what a claim with high probability adds."""
        words, hypotheses = self.formulas.words, self.hypotheses
        followed = [key for key, _ in self._monomials if key is not None]
        if not followed:
            raise BadInput("V", self.table["V"], "a function of the state, such as f - fstar")
        products = [*words.products, *([(nm.GRADIENT, nm.DISTANCE)] if hypotheses.minimiser else [])]
        constants = [name for name in words.constants if x(name) != INFINITY or self.conclude != ALMOST_SURELY]
        constants += [name for name in self.letters.constants if name not in constants]
        sums, places = (
            {n: replace(s, parts={v: replaced(c, self._numbers) for v, c in s.parts.items()}) for n, s in table.items()}
            for table in (words.sums, words.places)
        )
        try:
            building = Building(
                self.letters, self.about, hypotheses, self.any_noise, self.dim, sums, constants, places, self.interpolate,
                self._timed,
            )  # fmt: skip
            functions = [key for key in followed if isinstance(key, Term)]
            setting = building.setting([key for key in followed if key not in functions], products, functions)
            # V may be about gradients or values that a step renews
            if not self.interpolate and any(point.next for point in setting.points):
                return replace(self, interpolate=True)._in_mean
        except ProofError as error:
            accepted = f"constants in smooth and bounded step, and terms of the state elsewhere ({error})"
            raise BadInput("assume", "an assumption", accepted) from None
        squares = [p for key, p in setting.potentials.items() if not isinstance(key, str) and key[0] == key[1]]
        more: dict[Source, dict[str, Relation]] = {
            Source.LITERATURE: {
                n: r for n, r in consequences(hypotheses).items() if not setting.interpolates or nm.G not in parts_of(r)
            },
            Source.METHOD: {f"{p.name} >= 0 at the {when}": t.ge(0) for p in squares for when, t in p.ends},
            Source.AUTHOR: {name: self._meant(r, setting) for name, r in self.inequalities.items()},
            Source.CONCLUSION: self._below_one(setting) if self.conclude == "gronwall" and setting.steps else {},
        }
        assumptions, sources = dict(setting.assumptions), dict(setting.sources)
        for source, relations in more.items():
            assumptions |= relations
            sources |= dict.fromkeys(relations, source)
        setting = replace(setting, assumptions=assumptions, sources=sources, formulas=frozenset(self.inequalities))
        self._check_declared(setting)
        return setting

    @property
    def _timed(self) -> bool:
        """Whether the number of steps occurs in V or a formula."""
        f = self.formulas
        written = [f.value, f.claim, *f.inequalities.values(), *([] if f.step is None else [f.step])]
        return self.letters.counts and any(CLOCK in symbols_of(t) for t in written)

    def _check_declared(self, setting: Setting) -> None:
        """Raise BadInput for a letter that has no meaning for this method."""
        for text, r in self.inequalities.items():
            if CLOCK in symbols_of(r) & set(self.letters.words) and nm.u not in parts_of(r):
                accepted = "one that holds in every step: n counts the steps, and a constant needs another letter"
                raise BadInput("assume", text, accepted)
        read: list[tuple[str, Any]] = [("claim", self.formulas.claim), ("step", self.formulas.step)]
        read += [(f"assume: {name}"[:40], r) for name, r in setting.assumptions.items()]
        meant = {"change", "LV", "EVT", "V0", "V", *(t[1] for t in self._numbers if t[0] == "x")}
        meant |= {INFINITY[1]} if self.conclude == ALMOST_SURELY else set()
        meant |= (of_parts := {t[1] for t in self._parts_in_time(setting)})
        require_parts(self.formulas.words.moments, of_parts, self.table["V"], setting.horizon[1])
        ends = {at_the_end(b) for b in setting.numbers}
        for place, r in (*read[:2], *(("assume", r) for r in self.inequalities.values())):
            means = {p: num(0) for p in (parts_of(r) if r else ()) if p[0] == "E"}
            for name in sorted(symbols_of(replaced(r, means)) & ends):
                raise BadInput(place, name, f"E({name}), its mean at the horizon, in the claim")
        for place, relation in read:
            for name in sorted(symbols_of(relation) - set(setting.context.symbols) - meant):
                horizon = f"{setting.horizon[1]}, the horizon here"
                raise BadInput(place, name, horizon if name in ("K", "T") else "a letter that this method has")

    def _below_one(self, setting: Setting) -> dict[str, Relation]:
        if self.read_step is None:
            return {}
        claim, v = self._meant(self.read_step, setting), self._weighted(setting)
        with suppress(ProofError):  # the proof will report it
            return {BELOW_ONE: rate_of(Normal(setting.context), v, claim.right - claim.left + v.change)[0].lt(1)}
        return {}

    @cached_property
    def weighted(self) -> Weighted:
        """V in the kernel's terms."""
        return self._weighted(self._in_mean)

    def _weighted(self, setting: Setting) -> Weighted:
        potentials = {**setting.potentials, **setting.functions}
        parts = [(c, potentials[key]) for key, c in self._monomials if key is not None]
        constant = next((c for key, c in self._monomials if key is None), num(0))
        if CLOCK in symbols_of(constant) & set(self.letters.words):
            parts, constant = [*parts, (constant, UNIT)], num(0)
        return Weighted(tuple(parts), constant, CLOCK if setting.timed else None, setting.horizon)

    def _meant(self, t: Any, setting: Setting | None = None) -> Any:
        """A formula with the kernel's terms in place of change, LV, V, EVT, V0 and the letters in `_numbers`."""
        setting = setting or self._in_mean
        v = self._weighted(setting)
        change = in_probability.CHANGE if self.conclude == HIGH_PROBABILITY else v.change
        values = {
            CHANGE: change, x("LV"): v.change, x("V"): v.value + v.constant, x("V0"): v.start + v.constant,
            x("EVT"): under("E", v.end) + v.constant, **self._numbers,
            **self._parts_in_time(setting),
        }  # fmt: skip
        return replaced(t, values)

    def _parts_in_time(self, setting: Setting) -> dict[Term, Term]:
        """The symbols that formulas have for parts of V at the start and at the end -> the terms of the kernel."""
        potentials = {
            **setting.potentials,
            **{k[::-1]: p for k, p in setting.potentials.items() if isinstance(k, tuple)},
        }
        moments = self.formulas.words.moments.items()
        present = [(x(n), potentials[m.key], m.end) for n, m in moments if m.key in potentials]
        parts = {t: p.end if end else p.start for t, p, end in present}
        if any(p.start == nm.D0 for p in potentials.values()):  # the memory is 0 at the start
            parts |= {x(n): nm.D0 for n, m in moments if m.key == (nm.DISTANCE, nm.DISTANCE) and not m.end}
        for t, p in setting.functions.items():
            parts |= {
                moved_to(t, setting.numbers, at): end for at, end in ((at_the_start, p.start), (at_the_end, p.end))
            }
        return parts

    @property
    def _numbers(self) -> dict[Term, Term]:
        """The schedule, number of clients and constants of the method, if they are numbers, and the terms for words on signs."""
        numbers = {nm.u: num(1)} if self.method.schedule.factor == 1 else {}
        numbers |= {x(name): t for name, t in LETTERS.items()} if is_sign(self.method) else {}
        numbers |= {x(name): num(Fraction(str(value))) for name, value in dict(self.table.get("params") or {}).items()}
        return numbers | ({nm.N: num(int(self.method.clients))} if self.method.clients.is_number else {})

    @property
    def read_claim(self) -> Relation:
        """The claim in the letters of the file, such as change and V, with the kernel's terms for parts of V at the ends."""
        claim = self.formulas.claim if self.instead is None or self.integrated else self.instead
        return replaced(claim, self._parts_in_time(self._in_mean))

    @property
    def read_step(self) -> Relation | None:
        """The bound on a step in the letters of the file; None if the claim is about the horizon and the file gives no step."""
        if self.instead is not None:
            return self.instead
        return self.formulas.step if self.integrated else self.formulas.claim

    @property
    def integrated(self) -> bool:
        """Whether the claim is about the horizon and not about a step."""
        claim = self.formulas.claim
        heads = {p[0] for p in parts_of(claim)}
        return bool(symbols_of(claim) & {"EVT", "V0", *self.formulas.words.moments} or heads & {"E", "I", "EI"})

    @cached_property
    def claim(self) -> Relation:
        """The claim in the kernel's terms.

        Raises:
            BadInput: the claim is neither a bound on the change of V nor a bound at the horizon.
        """
        claim = self.read_claim
        if claim.op not in ("<=", "<") or not (self.integrated or symbols_of(claim) & {"change", "LV"}):
            accepted = "a bound change <= .. on the change of V in a step (LV for an SDE), or one with EVT or V0 at the horizon"
            raise BadInput("claim", self.table["claim"], accepted)
        if self.integrated and (symbols_of(claim) & {"change", "LV"} or self.conclude == "none"):
            accepted = 'a bound at the horizon, without the change of a step, and with a conclusion such as "telescope"'
            raise BadInput("claim", self.table["claim"], accepted)
        if (claim.right == INFINITY and claim.left[0] == "I") != (self.conclude == ALMOST_SURELY):
            raise BadInput("claim", self.table["claim"], f'sum(..) < oo, with conclude = "{ALMOST_SURELY}"')
        return self._meant(claim) if self.tail is None else self.tail.conclusion

    @cached_property
    def step(self) -> Relation | None:
        """The bound on a step in the kernel's terms, or None.

        Raises:
            BadInput: the relation does not bound the change of V, or contains LV in a theorem about a method.
        """
        if (step := self.read_step) is None:
            return None
        used = symbols_of(step)
        kinds = dict.fromkeys([*used, "change", "LV"], "const") | {"f": "random"}
        kinds |= {f"f{key}": "random" for key in self.formulas.words.places}
        if step.op not in ("<=", "<") or not bounds_change(step, kinds, self._in_mean.vectors):
            text = self.table.get("step", self.table["claim"])
            raise BadInput("claim", text, "a bound change <= .. on the change of V (LV for an SDE)")
        if "LV" in used and self.about == "method":
            raise BadInput("claim", "LV", "change, the change of V in a step of the method (LV is of an SDE)")
        return self._meant(step)

    # --- as an entry

    def prove(self, w: Derivation, seconds: float = 20.0) -> Fact:
        """Prove the theorem. The last fact is the claim, or its consequence at the horizon.

        Raises:
            StepFailed: the search finds no proof of a step.
            ProofError: a rule does not apply.
        """
        if self.step is None:
            raise ProofError(
                'the claim is about the horizon: state the bound on a step from which it follows, step = "change <= .."'
            )
        try:
            conclusion = self._concluded(w, self.step, seconds)
            used = {id(fact) for fact in ancestry(conclusion)}
            w.lines[:] = [line for line in w.lines if id(line.fact) in used]
            return conclusion
        except OutOfTime:
            raise StepFailed(NO_TIME, self.claim) from None

    def _concluded(self, w: Derivation, step: Relation, seconds: float) -> Fact:
        bound = InProbability(w, self.setting, self.formulas.hints, seconds)
        if self.tail is not None:
            return bound.with_high_probability(self.tail, step)
        drift = bound.drift(self.weighted, step)
        if self.conclude == ALMOST_SURELY:
            return bound.almost_surely(self.weighted, drift, self.claim.left[1])
        if self.conclude == "none":
            return drift
        if self.conclude == "gronwall":
            concluded = bound.gronwall(self.weighted, drift, self.integrated)
        else:
            concluded = (bound.summable if self.conclude == "summable" else bound.telescope)(self.weighted, drift)
        return bound.at_the_horizon(self.claim, concluded) if self.integrated else concluded

    def entry(self, id: str = "own", with_point: bool = True) -> Theorem:
        """The theorem as an entry for `sdescent.derive.theorems.entry.checking.check`.

        Args:
            with_point: whether to search for values that satisfy the assumptions, which takes about a second; no proof needs them.
        """
        setting = self.setting
        point = satisfying(self._in_mean) if with_point else None
        if point and self.tail is not None:
            point = in_probability.with_tail(point, self.tail, setting)
        in_file = self.integrated and self.conclude != ALMOST_SURELY
        return Theorem(
            id=id, title=self.title, source=self.source, context=setting.context, assumptions=setting.assumptions,
            claim=self.claim if in_file else self.step if self.conclude == "none" else None,
            definitions=setting.definitions, prove=self.prove, names=dict(setting.names), sources=setting.sources,
            read=lambda: Stated(self.table, interpolate=self.interpolate).setting.definitions, point=point or {},
        )  # fmt: skip


def read_stated(path: str | Path) -> Stated:
    """The theorem of a TOML file.

    Raises:
        BadInput, Refusal: as `Stated` raises them.
        OSError: the file cannot be read.
    """
    return Stated(read_keys(path, KEYS))
