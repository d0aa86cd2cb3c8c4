"""The best decay and floor of a given V in one step, in symbols, by interpolation.

At many values of the constants the least rate r with E V(x_(n+1)) <= r V + c s (or the largest a with <= V - a M + c s for a measure M such
as G^2) is the optimum of a semidefinite program, and then the least c. Both are fitted by rational functions of the constants. A proof in
symbols then says for which constants they hold: those for which its multipliers are nonnegative.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from sdescent.derive.proof.claims.branch import Branch
from sdescent.derive.proof.gram.fits import fit_floats
from sdescent.derive.proof.gram.forms import Form, exact
from sdescent.derive.proof.gram.identities import Identity, Search
from sdescent.derive.proof.gram.in_symbols import SymbolicProof, identity_at, symbolic_proof
from sdescent.derive.proof.gram.linear_relations import at_point
from sdescent.derive.proof.gram.prove import Problem, problem_of
from sdescent.derive.proof.language.clock import now
from sdescent.derive.proof.language.context import ProofError
from sdescent.derive.proof.language.terms import Term, num
from sdescent.derive.theorems.bounds.kernel_context import Setting
from sdescent.derive.theorems.bounds.language import names as nm
from sdescent.derive.theorems.bounds.language.formulas import symbolic, written
from sdescent.derive.theorems.bounds.language.vocabulary import replaced
from sdescent.derive.theorems.bounds.proving import Bound
from sdescent.derive.theorems.bounds.stated import Stated
from sdescent.derive.theorems.entry.theorem import Derivation


@dataclass(frozen=True)
class Rate:
    """E V+ <= (1 - decay) V + floor, or E V+ <= V - decay * measure + floor, under conditions.

    Args:
        decay, floor: the expressions.
        conditions: relations between constants, as text.
    """

    decay: sp.Expr
    floor: sp.Expr
    conditions: tuple[str, ...]


def rates_of(stated: Stated, seconds: float) -> dict[str, Rate]:
    """The best rates for a V by interpolation: as a factor of V ("V"), or else as a decrease by "f - f*" and by "G^2".

    Args:
        stated: a theorem with this V that interpolates; its claim does not matter.
        seconds: when to give up.

    Raises:
        OutOfTime: the time is over.
        ProofError: the change of V is not linear in inner products, or has a quotient.
    """
    if stated.about != "method" or not stated.setting.interpolates or stated.setting.mean != nm.GRADIENT:
        return {}
    step = OneStep(stated, seconds)
    shrinks = {"strongly convex", "pl"} & set(stated.hypotheses.classes)
    measures = {"V": None} if shrinks else {"f - f*": nm.f - nm.fstar, "G^2": nm.G**2}
    rates = {name: step.rate(measure) for name, measure in measures.items()}
    return {name: rate for name, rate in rates.items() if rate is not None and rate.decay != 0}


class OneStep:
    """The change of V in one step, as forms over the constants.

    Args:
        stated: a theorem with this V; its claim does not matter.
        small: further conditions for the values of constants that are tried, such as eta*L <= 1/2.
        seconds: when to give up.
    """

    def __init__(self, stated: Stated, seconds: float) -> None:
        self.stated, self.deadline = stated, now() + seconds
        self.setting: Setting = stated.setting
        w = Derivation(stated.entry(with_point=False), seconds)
        self.bound = Bound(w, self.setting, seconds=seconds)
        self.branch: Branch = self.bound.branch

    def form(self, t: Term) -> Form:
        """A term as a form, without symbols that definitions explain."""
        form = self.problem.linear.form(self.explained(t))
        if form is None:
            raise ProofError("a part of V or its change is not linear in inner products, or has a quotient")
        return self.problem.reduced(form)

    def explained(self, t: Term) -> Term:
        meant = {r.left: r.right for r in self.setting.definitions.values() if r.left[0] == "x"}
        for _ in range(3):
            t = replaced(t, meant)
        return t

    @cached_property
    def problem(self) -> Problem:
        terms = [self.explained(t) for t in (*self._terms(), nm.G**2, nm.f - nm.fstar)]
        problem = problem_of(self.branch, num(0).le(0), terms)
        assert problem is not None
        return problem

    def _terms(self) -> list[Term]:
        """The terms that will be read as forms, beside G^2 and f - f*."""
        v = self.stated.weighted
        return [v.value + v.constant, v.change]

    def rate(self, measure: Term | None) -> Rate | None:
        """The best rate, or with a measure the best decrease; None if none is found."""
        v = self.stated.weighted
        value, change = self.form(v.value + v.constant), self.form(v.change)
        lost = value if measure is None else self.form(measure)
        facts = {name: self.problem.reduced(form) for name, (_, form) in self.problem.premises.facts.items()}
        zeros = [self.problem.reduced(form) for _, form in self.problem.premises.zeros]
        noise = self._noise()
        unknown = {"decay": -lost, **({"floor": noise} if noise else {})}
        one = Identity(-change, facts, unknown, zeros)
        points = self._points()
        decays = self._optima(one, points, {"decay": -1.0}, {})
        decay = self._fitted(points, decays, one.goal, lost)
        if decay is None:
            return None
        floor = self.problem.linear.field.zero
        if noise:
            with_decay = Identity(one.goal - lost * decay, facts, {"floor": noise}, zeros)
            floors = self._optima(with_decay, points, {"floor": 1.0}, {})
            floor = self._fitted(points, floors, one.goal, noise)
            if floor is None:
                return None
        goal = one.goal - lost * decay + noise * floor
        proof = symbolic_proof(Identity(goal, facts, {}, zeros), self.problem.chosen, points, {}, self.deadline)
        if proof is None:
            return None
        level = symbolic(self.setting.hypotheses.classes["variance"][0]) if noise else sp.S.Zero
        conditions = tuple(self._conditions(proof, points[0]))
        return Rate(self._expression(decay), sp.factor(self._expression(floor) * level), conditions)

    def _noise(self) -> Form:
        """The mean square of the noise, which the floor multiplies: the assumed bound, or else E||Z||^2."""
        bound = self.setting.hypotheses.classes.get("variance")
        if bound is None:
            return Form()
        form = self.problem.linear.form(bound[0])
        return self.problem.reduced(form) if form is not None else Form()

    def _points(self) -> list[list[Any]]:
        """Values of the constants with small steps, eta L (1 + c).. <= 1/2 for all other constants c, where one formula holds."""
        linear, field = self.problem.linear, self.problem.linear.field
        smooth = self.setting.hypotheses.smoothness
        if (
            "eta" not in linear.generators
            or smooth is None
            or smooth[0][0] != "x"
            or smooth[0][1] not in linear.generators
        ):
            return self.problem.points()
        generator = dict(zip(linear.generators, field.gens, strict=False))
        size = generator["eta"] * generator[smooth[0][1]] * 2
        for name in self.setting.hypotheses.classes.get("unbiased", ()):
            size = size * (1 + generator[name[1]]) if name[0] == "x" and name[1] in generator else size
        return self.problem.points([("<=", 1 - size)])

    def _optima(
        self, one: Identity, points: Sequence[Sequence[Any]], cost: Mapping[Any, float], signs: Mapping[Any, str]
    ) -> list[Any]:
        """The optimal value of the only priced unknown at each point, or None."""
        (name,) = cost
        values: list[Any] = []
        for point in points:
            search = Search([identity_at(one, point)], {"floor": "0", **signs})
            x = search.least(cost)
            value = None if x is None else float(x[search.unknown[name]])
            values.append(value)
        return values

    def _fitted(self, points: Sequence[Sequence[Any]], values: Sequence[Any], goal: Form, form: Form) -> Any | None:
        """The values as an element of the field of constants that multiplies a form."""
        chosen = self.problem.chosen
        kept = [(p, v) for p, v in zip(points, values, strict=True) if v is not None]
        if len(kept) * 4 < len(points) * 3 or not kept:
            return None
        small = sp.QQ.frac_field(*(chosen.names or ("unused_q",)))
        places = [n for n, name in enumerate(chosen.linear.generators) if name in chosen.names]
        function = fit_floats(small, [[p[n] for n in places] or [exact(0)] for p, _ in kept], [v for _, v in kept])
        if function is None:
            return None
        weights = [a - b for a, b in zip(chosen.of_form(goal), chosen.of_form(form), strict=True)]
        return chosen.restored(function, weights) if function != 0 else chosen.linear.field.zero

    def _expression(self, c: Any) -> sp.Expr:
        return sp.factor(
            sp.sympify(str(c.as_expr()), {name: sp.Symbol(name) for name in self.problem.linear.generators})
        )

    def _conditions(self, proof: SymbolicProof, point: Sequence[Any]) -> Iterator[str]:
        """The signs of multipliers, squares and denominators that do not follow from the assumptions."""
        constants = Branch(self.bound.k, self.branch.deadline, self.branch.about_constants())
        coefficients = [*proof.proof.multipliers.values(), *(d for d, _ in proof.proof.squares)]
        asked: dict[tuple[str, str], None] = {}
        for c in coefficients:
            for strict, poly in ((False, c.numer), (True, c.denom)):
                for factor, n in poly.factor_list()[1]:
                    element = self.problem.linear.field.one * factor
                    value = at_point(Form({("term", "1"): element}), point).get(("term", "1"), 0)
                    if n % 2 == 0 and not strict:
                        continue
                    positive = element if value > 0 else -element
                    relation = (
                        num(0).lt(self.problem.linear.constant(positive))
                        if strict
                        else num(0).le(self.problem.linear.constant(positive))
                    )
                    if constants.show(relation, 0.3) is None:
                        asked[written(self._expression(positive)), ">" if strict else ">="] = None
        for text, op in asked:
            if op == ">" or (text, ">") not in asked:
                yield f"{text} {op} 0"
