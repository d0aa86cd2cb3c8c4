"""The construction of the setting of a theorem of one's own from the method, the assumptions, V and the claim."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.methods.compressors import Identity
from sdescent.derive.methods.distributed import Method
from sdescent.derive.proof.language.context import Context
from sdescent.derive.proof.language.terms import Relation, Term, dot, num, plus, x
from sdescent.derive.theorems.bounds import kernel_context, sign_messages
from sdescent.derive.theorems.bounds.compressor_classes import CLASSES, RATIO, AnyContraction, AnyUnbiased
from sdescent.derive.theorems.bounds.draws import AT_MOST, Draws, absolute, expanded
from sdescent.derive.theorems.bounds.kernel_context import BY_PARTS, About, Potential, Product, Setting, latex_of
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import in_order, symbolic
from sdescent.derive.theorems.bounds.language.hypotheses import AT_ONE_POINT, Hypotheses
from sdescent.derive.theorems.bounds.language.letters import CLOCK, OF_LOSS, Letters, is_sign
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.theorems.bounds.message_moments import COVARIANCE, Messages, equation_of, messages
from sdescent.derive.theorems.bounds.points import Parts, Point, Points, X, between_clients, interpolation
from sdescent.derive.theorems.entry import client_vectors, from_method, linear_step
from sdescent.derive.theorems.entry.scalar_memory import after, with_next_values
from sdescent.derive.theorems.entry.step_number import counted
from sdescent.derive.theorems.signs import facts as sg
from sdescent.derive.vocabulary.errors import BadInput, Refusal
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.symbols import parameter
from sdescent.derive.vocabulary.symbols import u as free
from sdescent.derive.vocabulary.verdicts import Source

#: the symbols of a rule for values of the loss
_OF_LOSS = {parameter(name): x(name) for name in OF_LOSS}


@dataclass
class Building:
    """A setting under construction.

    Args:
        letters: the roles of the method's letters.
        about: the method itself, or one of its models.
        hypotheses: the classes that are assumed.
        any_noise: whether the noise may be any centred noise.
        dim: the dimension, or None for the symbol d.
        sums: the vectors that are sums of other vectors, by name.
        constants: the names of the constants.
        places: the points of `f(..)` and `g(..)` in the file, by the part of their names that the file fixes.
        interpolate: whether the proof may use values and gradients at the next state.
        timed: whether the number of steps occurs in the theorem; set to true if the step of the method depends on it.

    Raises:
        Refusal: the step is not linear or has no moments, or the model has no generator in this vocabulary.
        BadInput: a memory does not start at 0.
    """

    letters: Letters
    about: About
    hypotheses: Hypotheses
    any_noise: bool
    dim: int | None
    sums: Mapping[str, nm.VectorSum]
    constants: Sequence[str]
    places: Mapping[str, nm.VectorSum] = field(default_factory=dict)
    interpolate: bool = False
    timed: bool = False
    method: Method = field(init=False)
    step: linear_step.Step = field(init=False)
    messages: Messages = field(init=False)

    def __post_init__(self) -> None:
        self.method = self.letters.method
        for name, start in self.method.rule.memory:
            if start != 0:
                accepted = "0, the only initial value of a memory that bounds of one's own support"
                raise BadInput(f"memory {name}", start, accepted)
        messages_differ = self.hypotheses.differing and not isinstance(self.method.compressor, Identity)
        if messages_differ and self.method.rule.uses("G", "fresh"):
            cause = "the messages of clients with different losses are compressed one by one"
            raise Refusal(
                "different-clients", f"{cause}, so G has no moments here: write mean(C(local_raw)) in its place"
            )
        stated_class = next((name for name in CLASSES if name in self.hypotheses.classes), None)
        if stated_class is not None and not isinstance(self.method.compressor, tuple(CLASSES.values())):
            accepted = 'with compressor = "any" alone, since the constants of a named compressor are known'
            raise BadInput("assume", stated_class, accepted)
        sign_messages.require_noise_of_votes(self.method, "majority" in self.hypotheses.classes, self.any_noise)
        self.step, of_step = counted(
            linear_step.one_step(
                self.method, self.any_noise, self.hypotheses.differing, "mean smooth" in self.hypotheses.classes
            ),
            CLOCK,
        )
        if of_step and self.steps and not self.letters.counts:
            accepted = f"another letter: a rule with k needs {CLOCK} for the number of steps made so far"
            raise BadInput("method", CLOCK, accepted)
        self.step = with_next_values(self.step, self.method, self.letters.constants)
        self.timed = self.timed or of_step
        # the mean over the clients of a letter that starts at 0, and that each step makes 0
        zero = {m for m in map(client_vectors.mean_of, self.method.rule.of_clients) if not self.step.memory[m]}
        self.sums = {
            name: replace(s, parts={v: c for v, c in s.parts.items() if v not in zero}) for name, s in self.sums.items()
        }
        self.messages = messages(self.letters, self.any_noise, self.dim)
        late = "drawn preconditioner" in self.hypotheses.classes
        self.points = Points(self.step, self.mean, self.method.schedule.factor == 1, self.hypotheses.differing, late)
        for key, place in self.places.items():
            # the symbols of the rule, so that a point which the rule names too is listed once
            of_rule = {sp.Symbol(n): parameter(n) for n in ("eta", "N", *self.letters.constants)}
            self.points.add({v: symbolic(c).xreplace(of_rule) for v, c in place.parts.items()}, place.text, key)
        self.points.enter_rule()
        definition = self.messages.definitions.get(COVARIANCE)
        self.draws = Draws(
            self.points, self.method.compressor, self.hypotheses, self.clients, self.dim, self.interpolate, self._scalar,
            None if definition is None else definition.right,
        )  # fmt: skip
        if self.about != "method" and not self.method.plain:
            words = "theorems about an SDE are so far limited to the update x = x - eta*G in the classical regime"
            raise Refusal("no-generator", f'{words}: use model = "method"')

    @property
    def steps(self) -> bool:
        return self.about == "method"

    @property
    def horizon(self) -> str:
        """The letter for the number of steps, or for the end of the interval."""
        return "K" if self.steps else "T"

    @property
    def clients(self) -> Term:
        """The number of clients, or the symbol N."""
        return num(int(self.method.clients)) if self.method.clients.is_number else nm.N

    @property
    def schedule(self) -> Term:
        """1 for a constant step size, or the symbol u."""
        return num(1) if self.method.schedule.factor == 1 else nm.u

    @property
    def mean(self) -> str:
        return nm.GRADIENT if self.messages.unbiased else nm.MESSAGE

    def setting(self, followed: Sequence[Any], products: Sequence[Product], functions: Sequence[Term] = ()) -> Setting:
        """The setting, with every product that occurs, and a potential for "f", each product in `followed` and each function."""
        horizon, of_signs = self.horizon, is_sign(self.method)
        potentials = {key: self._potential(n, key) for n, key in enumerate(followed)}
        followed_points = [self._point(key) for key in followed if isinstance(key, str)]
        if self.interpolate:
            self.points.moved(X)
        for point in followed_points:
            self._moved(point)
        vectors = self._vectors(products, followed)
        symbols = {
            **dict.fromkeys(["eta", "N", "d", horizon, "fstar", *self.constants], "const"), "u": "time", "f": "random",
            **({nm.NOISE[1]: "random"} if self.messages.noisy else {}), **(sign_messages.SYMBOLS if of_signs else {}),
            **({nm.G1[1]: "random"} if self.method.rule.uses("majority") else {}),
            **({} if self.step.level is None else {"clip": "random"}), **({CLOCK: "clock"} if self.timed else {}),
            **{p.value[1]: "random" for p in self.points.listed}, **{b: "random" for b in self.step.numbers},
            **{after(b): "random" for b in self.step.numbers},
        }  # fmt: skip
        for p in potentials.values():
            symbols |= {p.value[1]: "random", p.change[1]: "random", p.start[1]: "const", p.end[1]: "rv"}
        context = Context(
            symbols, vectors, {"S": ("psd",), **({} if self.steps else {"H": ("symmetric",)})}, horizon=horizon, dimension="d",
            functions=sign_messages.SHAPE if of_signs else {}, clients="N" if of_signs else None,
            potentials={p.name: self._entry(key, p) for key, p in potentials.items()}, steps=self.steps,
        )  # fmt: skip
        assumptions: dict[str, Relation] = {}
        sources: dict[str, Source] = {}
        of_noise = self.draws.relations([v for v in vectors if v not in self.sums], "noise")
        bounds = {name: r for name, r in of_noise.items() if r.op != "=="}
        derived = {name: r for name, r in bounds.items() if name.endswith(AT_MOST)}
        of_draws = (Source.AUTHOR, bounds), (self._of_the_pieces, derived | self.draws.lengths())
        for source, relations in (*self._assumptions(potentials, vectors), *of_draws):
            assumptions |= relations
            sources |= dict.fromkeys(relations, source)
        definitions = {**self._all_definitions(potentials), **self._of_sums(products, followed)}
        definitions |= {name: r for name, r in of_noise.items() if r.op == "=="}
        sources |= dict.fromkeys(definitions, self._of_the_pieces) | {"step": self._of_the_pieces, **self._of_the_law}
        sources |= {} if self.hypotheses.radius is None else {"reach": Source.AUTHOR}
        draws = tuple(
            self._scalar(self.step.averaged(c))
            for v, c in self.step.move.items()
            if isinstance(v, tuple) and v[0].startswith("noise")
        )
        setting = Setting(
            context, self.about, potentials, assumptions, definitions, latex_of(self.sums, potentials, self.horizon), self.hypotheses,
            self.mean, vectors, self.method, draws, self.any_noise, self.sums, sources,
            points=tuple(replace(p, parts={v: self._scalar(c) for v, c in p.parts.items()}) for p in self.points.listed),
            draws_of_step=tuple(v for v in vectors if v in self.points.drawn), interpolates=self.interpolate,
            preconditioned={p: v for p, v in self.points.preconditioned.items() if p in vectors},
            directed={v: {w: self._scalar(c) for w, c in self.draws.directed(v).items()} for v in self.draws.units},
        )  # fmt: skip
        return kernel_context.with_scalar_memory(setting, self.step.numbers, functions, self._scalar)

    def _point(self, key: str) -> Point:
        """The point at which the loss is followed."""
        return X if key == "f" else next(p for p in self.points.listed if p.value == x(f"f{key}"))

    def _moved(self, point: Point) -> list[tuple[sp.Expr, Point]]:
        """The points to which a followed point moves; the descent lemma alone needs no name for the next state."""
        return [] if point is X and not self.interpolate else self.points.moved(point)

    def _assumptions(
        self, potentials: Mapping[Any, Potential], vectors: Sequence[str]
    ) -> Iterator[tuple[Source, Mapping[str, Relation]]]:
        """The assumptions in groups, each with its source."""
        yield Source.LETTER, {"eta > 0": nm.eta.gt(0), "N >= 1": nm.N.ge(1), "d >= 1": nm.d.ge(1)}
        yield Source.LETTER, {} if self.schedule == num(1) else {"u >= 0": nm.u.ge(0)}
        yield Source.LETTER, {"f >= f*": nm.fstar.le(nm.f)}
        yield (
            self._of_the_pieces,
            {
                name: replaced(r, {x(RATIO.name): self.hypotheses.classes["unbiased"][0]})
                if "unbiased" in self.hypotheses.classes
                else r
                for name, r in self.messages.assumptions.items()
            },
        )
        yield (
            Source.AUTHOR if isinstance(self.method.compressor, AnyUnbiased | AnyContraction) else self._of_the_pieces,
            self.draws.relations([v for v in vectors if v not in self.sums], "loss"),
        )
        if is_sign(self.method):
            yield Source.LETTER, sign_messages.ASSUMPTIONS
            yield Source.SAID if Source.SAID in self._of_the_law.values() else Source.PIECE, sg.SPREAD
        of_classes = self.hypotheses.relations
        if self.interpolate and self.hypotheses.minimiser:  # the inequalities between points imply those at one point
            of_classes = {name: r for name, r in of_classes.items() if name not in AT_ONE_POINT}
        yield Source.AUTHOR, of_classes
        yield Source.LETTER, self._positive()
        yield Source.METHOD, self._clipping()
        if not self.steps and self.hypotheses.smoothness is not None:
            low, high = self.hypotheses.smoothness
            yield Source.AUTHOR, {"smooth": nm.CURVATURE.le(low + high * nm.G)}
        for key, p in potentials.items():
            if isinstance(key, str):
                at = "" if key == "f" else f" at {self._point(key).text}"
                yield Source.LETTER, {f"f >= f*{at} at the {when}": nm.fstar.le(t) for when, t in p.ends}
        present = [p for p in self.points.listed if p is not X and not p.next]
        present = [p for p in present if not (self.hypotheses.differing and p.of_a_client)]
        yield Source.LETTER, {f"f >= f* at {p.text}": nm.fstar.le(p.value) for p in present}
        if self.interpolate:
            yield Source.LITERATURE, interpolation(self.points, self.hypotheses, self._scalar)
        yield Source.LITERATURE, self.draws.directions() | self.draws.majorities()
        yield Source.METHOD, self.draws.lengths_of_signs()
        yield Source.AUTHOR, self.draws.preconditioner()
        yield Source.AUTHOR, between_clients(self.points, self.hypotheses, nm.STAR in vectors, self._scalar)
        for n, p in enumerate(map(self._scalar, self.step.coins.values()), 1):
            yield Source.LETTER, {f"probability of coin {n} >= 0": p.ge(0), f"probability of coin {n} <= 1": p.le(1)}
        yield Source.LETTER, {f"{CLOCK} >= 0": x(CLOCK).ge(0)} if self.timed else {}
        yield Source.LETTER, {"horizon >= 0": x(self.horizon).ge(0)}

    @property
    def _of_the_pieces(self) -> Source:
        """The source of the moments of a message: theory 4 and 8 for this package's pieces, else the statement of the piece."""
        pieces = (self.method.compressor, self.method.noise, self.method.noise.law)
        ours = all(type(p).__module__.startswith("sdescent.derive.") for p in pieces)
        return Source.METHOD if ours else Source.SAID

    @cached_property
    def _of_the_law(self) -> Mapping[str, Source]:
        return sign_messages.sources_of_law(self.method, self.any_noise)

    def _clipping(self) -> dict[str, Relation]:
        """Assumptions that say clip = min(1, c/G): clip equals one of the two numbers and exceeds neither."""
        assumptions = {"G > 0": nm.G.gt(0)} if self.step.divides else {}
        if self.step.level is None:
            return assumptions
        level, s = self._scalar(self.step.level), nm.clip
        assumptions |= {"clip >= 0": s.ge(0), "clip <= 1": s.le(1), "clip <= c/G": (s * nm.G).le(level)}
        return assumptions | {"clip is 1 or c/G": ((1 - s) * (level - s * nm.G)).eq(0)}

    def _all_definitions(self, potentials: Mapping[Any, Potential]) -> dict[str, Relation]:
        definitions = {} if self.dim is None else {"dimension": nm.d.eq(self.dim)}
        if is_sign(self.method):
            sign_messages.require_law(self.method, self.any_noise)
            definitions |= sign_messages.definitions(self.method, self.any_noise)
            definitions |= sign_messages.OF_CURVATURE if self.about == "corrected" else {}
        definitions |= {**self.messages.definitions, **self._definitions(potentials)}
        definitions |= {f"{n} in this regime": x(n).eq(self._scalar(e)) for n, e in self.letters.tied.items()}
        for key, p in potentials.items():
            if not isinstance(key, str) and any(set(self.step.memory).issuperset(self._parts_of(v)) for v in key):
                definitions[f"{p.name} at the start"] = p.start.eq(0)
        return definitions

    def _positive(self) -> dict[str, Relation]:
        """Assumptions that the method's constants are positive, and below 1 if its rule declares them fractions."""
        fractions = {f"{name} < 1": x(name).lt(1) for name in self.method.fractions if name in self.letters.constants}
        return {f"{name} > 0": x(name).gt(0) for name in self.letters.constants} | fractions

    # --- names

    def _vectors(self, products: Sequence[Product], followed: Sequence[Any]) -> tuple[str, ...]:
        messages = [nm.GRADIENT, *([] if self.messages.unbiased else [nm.MESSAGE])]
        bent = [] if self.steps or self.about == "first-order" or self.messages.unbiased else [nm.BENT]
        used = [v for pair in [*products, *(key for key in followed if not isinstance(key, str))] for v in pair]
        parts = [part for v in used for part in self._parts_of(v)]
        for v in parts:  # the gradient in V at the next state
            if v in {part for key in followed if not isinstance(key, str) for w in key for part in self._parts_of(w)}:
                self.points.renewed(v)
        gradients = [g for p in self.points.listed for g in self.points.gradients(p)[p is X :]]
        places = [v for p in self.points.listed for v in p.parts] if len(self.points.listed) > 1 else []
        draws = self.draws.named(any(p.next for p in self.points.listed))
        return tuple(dict.fromkeys([*messages, *self.step.memory, *bent, *parts, *used, *places, *gradients, *draws]))

    def _parts_of(self, v: str) -> Mapping[str, Term]:
        """A vector as a combination of vectors that are not sums."""
        return self.sums[v].parts if v in self.sums else {v: num(1)}

    def _of_sums(self, products: Sequence[Product], followed: Sequence[Any]) -> dict[str, Relation]:
        """The definitions of products that involve sums of vectors."""
        pairs = dict.fromkeys(
            p for p in [*products, *followed] if not isinstance(p, str) and any(v in self.sums for v in p)
        )
        said = {(v, w): f"<{self._word(v)}, {self._word(w)}> {BY_PARTS}" for v, w in pairs}
        return {said[v, w]: nm.inner(v, w).eq(self._expanded(v, w)) for v, w in pairs}

    def _word(self, v: str) -> str:
        """A vector spelt as in a file."""
        return self.sums[v].text if v in self.sums else nm.VECTOR_WORDS.get(v, v)

    def _expanded(self, v: str, w: str) -> Term:
        """<v, w> in terms of vectors that are not sums."""
        one, other = self._parts_of(v), self._parts_of(w)
        pairs = [(c * e, a, b) for a, c in one.items() for b, e in other.items()]
        return plus(*[c * nm.inner(a, b) for c, a, b in pairs if not client_vectors.orthogonal(a, b)])

    def _potential(self, n: int, key: Any) -> Potential:
        if key == "f":
            return Potential(nm.f, nm.Af, nm.f0, nm.fT)
        if isinstance(key, str):
            start = nm.f0 if self._at_start(self._point(key).parts) == [nm.DISTANCE] else x(f"f0{key}")
            return Potential(x(f"f{key}"), x(f"Af{key}"), start, x(f"fT{key}"))
        whole = all(
            self._at_start(self._parts_of(v)) == [nm.DISTANCE] and self._parts_of(v)[nm.DISTANCE] == num(1) for v in key
        )
        return Potential(x(f"V{n}_q"), x(f"AV{n}_q"), nm.D0 if whole else x(f"V{n}0_q"), x(f"V{n}T_q"))

    def _at_start(self, parts: Mapping[str, Any]) -> list[str]:
        """The vectors of a combination that are not 0 at the start, as the memory is."""
        return [v for v in parts if v not in self.step.memory]

    # --- potentials

    def _entry(self, key: Any, p: Potential) -> dict[str, Any]:
        named = {"change": p.change[1], "end": p.end[1], "start": p.start[1]}
        if key != "f" or not self.steps or self.hypotheses.smoothness is None:
            return named
        move = self.points.named(self.step.move)
        drift = ((v, self.step.averaged(c)) for v, c in move.items() if v not in self.draws.centred)
        mean = tuple((self._scalar(c), ("v", v)) for v, c in drift if c != 0)
        square = self.draws.square or self.draws.inner(move, move)
        return {
            **named, "gradient": nm.GRADIENT, "smoothness": self.hypotheses.smoothness, "mean": mean, "square": square,
            "radius": self._radius(),
        }  # fmt: skip

    def _radius(self) -> Term | None:
        """A bound on a step's length: the assumed one, or one from the gradient or the messages; None if unknown or not needed."""
        if self.hypotheses.radius is not None or self.hypotheses.smoothness is None:
            return self.hypotheses.radius
        if self.hypotheses.smoothness[1] == num(0):
            return None
        if linear_step.quiet(self.method, self.any_noise) and set(self.step.move) == {linear_step.MEAN}:
            return self._scalar(absolute(-self.step.move[linear_step.MEAN])) * nm.G  # D is a multiple of the gradient
        if self.draws.size is not None or not self.method.plain:
            return self.draws.size
        try:
            return from_method.step_radius(equation_of(self.method), self.schedule)
        except ValueError:  # the messages may have any length
            return None

    def _definitions(self, potentials: Mapping[Any, Potential]) -> dict[str, Relation]:
        definitions: dict[str, Relation] = {}
        for key, p in potentials.items():
            if isinstance(key, str):
                if not self.steps:
                    loss = from_method.loss_along(*self._parts())
                    definitions["generator of f"] = p.change.eq(from_method.generator_of(loss))
                elif after := self._moved(at := self._point(key)):
                    value = plus(*[self._scalar(self.step.averaged(factor)) * q.value for factor, q in after])
                    definitions[f"change of f at {at.text}"] = p.change.eq(value - p.value)
                continue
            one, other = (self._word(v) for v in key)
            said = f"<{one}, {other}>" if key[0] != key[1] else f"||{one}||^2"
            definitions[said] = p.value.eq(nm.inner(*key))
            change = self._change(*key) if self.steps else self._generator_of_square(*key)
            definitions[f"change of {said}"] = p.change.eq(change)
        return definitions

    def _change(self, v: str, w: str) -> Term:
        """E<v', w'> - <v, w>."""
        return self.draws.inner(self._next(v), self._next(w)) - self._expanded(v, w)

    def _next(self, v: str) -> Parts:
        """A vector of the state as it is after the step."""
        if v in self.sums:
            total = linear_step.weighted_sum((symbolic(c), self._next(part)) for part, c in self.sums[v].parts.items())
            return {key: expanded(e) for key, e in total.items()}
        if v == nm.DISTANCE:
            return {nm.DISTANCE: sp.S.One, **self.points.named(self.step.move)}
        if v in self.step.memory:
            return self.points.named(self.step.memory[v])
        if (after := self.points.renewed(v)) is not None:
            return after
        raise Refusal(
            "no-generator",
            f"V may contain only f, x - xstar and the memory: the change of the vector {v} in a step is unknown",
        )

    def _scalar(self, e: sp.Expr) -> Term:
        return in_order(
            e,
            {free: self.schedule, linear_step.LENGTH: nm.G, linear_step.CLIP: nm.clip, **_OF_LOSS},
            [*self.constants, CLOCK],
        )

    # --- generators

    def _parts(self) -> tuple[list[Any], list[Any]]:
        model: Model = "corrected" if self.about == "corrected" else "first-order"
        # for signs the equation is in terms of R, for every law
        equation = sg.equation(model) if is_sign(self.method) else equation_of(self.method, model)
        spread = from_method.diffusion_terms(equation, self.schedule)
        drift = from_method.drift_terms(equation, self.schedule, {"mean": self.mean, "curvature": nm.BENT})
        return drift, [(from_method.put(c, {nm.N: self.clients}), m) for c, m in spread]

    def _generator_of_square(self, v: str, w: str) -> Term:
        if v != nm.DISTANCE or w != nm.DISTANCE:
            raise Refusal("no-generator", "in a theorem about an SDE, V may contain only f and ||x - xstar||^2")
        drift, spread = self._parts()
        return plus(*[2 * c * dot(nm.e, a) for c, a in drift], *[c * nm.Q for c, _ in spread])
