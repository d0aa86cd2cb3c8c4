"""A separate process for z3: a line of JSON on standard input is a question, a line on standard output its answer.

The process is separate because z3 (5.4) sometimes crashes after its time limit, and may notice the limit seconds late.
"""

from collections.abc import Sequence
from typing import Any

import z3

from sdescent.derive.proof.language.killable_process import serve
from sdescent.derive.proof.language.terms import Relation, Term, from_json


class Foreign(Exception):
    """A term outside z3's arithmetic: exp, log, atan, erf, tanh, psi, pi, norms, operators."""


class Encoder:
    """Terms as z3 expressions; `side` collects the conditions of their domains and the definitions of roots and quotients."""

    def __init__(self, names: Sequence[str]) -> None:
        self.variables = {name: z3.Real(f"v_{name}") for name in names}
        self.side: list[Any] = []
        self._cache: dict[Term, Any] = {}

    def relation(self, r: Relation) -> Any:
        """The relation as a formula. Raises Foreign if z3 does not know a term."""
        left, right = self.term(r.left), self.term(r.right)
        return {"<=": left <= right, "<": left < right, "==": left == right, "!=": left != right}[r.op]

    def term(self, t: Term) -> Any:
        """The term as an expression."""
        if t not in self._cache:
            self._cache[t] = self._term(t)
        return self._cache[t]

    def _term(self, t: Term) -> Any:
        head = t[0]
        if head == "q":
            return z3.RealVal(t[1])
        if head == "x":
            return self.variables[t[1]]
        if head == "+":
            return z3.Sum([self.term(a) for a in t[1:]])
        if head == "*":
            return z3.Product([self.term(a) for a in t[1:]])
        if head == "^":
            return z3.Product([self.term(t[1])] * t[2]) if t[2] else z3.RealVal(1)
        if head == "/":
            below = self.term(t[2])
            self.side.append(below != 0)
            if t[2][0] == "q":
                return self.term(t[1]) / below
            # with a name for the quotient, z3 stays in polynomial arithmetic
            quotient = z3.Real(f"q_{len(self.side)}")
            self.side.append(quotient * below == self.term(t[1]))
            return quotient
        if head == "f" and t[1] == "abs":
            inner = self.term(t[2])
            return z3.If(inner >= 0, inner, -inner)
        if head == "f" and t[1] == "sqrt":
            root = z3.Real(f"s_{len(self.side)}")
            self.side += [root >= 0, root * root == self.term(t[2])]
            return root
        raise Foreign


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Answer a question {"names", "assume", "claim"}, whether assume and not claim can hold together, with {"answer", "model"}.

    The answer is "sat", "unsat", "unknown" or "foreign". Values of a model are [numerator, denominator] as strings, or {"root":
    coefficients with the constant first, "index": counted from 1}.
    """
    encoder = Encoder(question["names"])
    try:
        facts = [encoder.relation(from_json(r, relation=True)) for r in question["assume"]]
        goal = encoder.relation(from_json(question["claim"], relation=True))
    except Foreign:
        return {"answer": "foreign", "model": {}}
    solver = z3.Solver()
    solver.add(*facts, *encoder.side, z3.Not(goal))
    result = str(solver.check())
    values: dict[str, Any] = {}
    if result == "sat":
        model = solver.model()
        for name, v in encoder.variables.items():
            value: Any = model.eval(v, model_completion=True)
            if z3.is_algebraic_value(value):
                values[name] = {"root": [str(c) for c in value.poly()], "index": int(value.index())}
            else:
                values[name] = [str(value.numerator()), str(value.denominator())]
    return {"answer": result, "model": values}


if __name__ == "__main__":
    serve(answer)
