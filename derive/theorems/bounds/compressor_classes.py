"""The method of a theorem file, of whose compressor the file may say only its class.

With `compressor = "any"` it assumes "unbiased: omega" or "contraction: delta":

| in `assume` | meaning for every vector v that C is applied to |
|---|---|
| unbiased: omega | E C(v) = v and E||C(v) - v||^2 <= omega ||v||^2 |
| contraction: delta | E||C(v) - v||^2 <= (1 - delta) ||v||^2; C may be biased |
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import sympy as sp

from sdescent.derive.expressions.gradient_form import GradientForm
from sdescent.derive.methods.compressors.base import Biased, Omega, Unbiased
from sdescent.derive.methods.distributed import Method
from sdescent.derive.reading.problems import problem
from sdescent.derive.vocabulary.errors import BadInput, Refusal

#: the ratio omega before the file's own term takes its place
RATIO = sp.Symbol("omega_q", nonnegative=True)


@final
@dataclass(frozen=True)
class AnyUnbiased(Unbiased):
    """Any unbiased compressor. It has no covariance of its own, so it has neither an SDE nor a simulation."""

    @property
    def growth(self) -> int:
        return 1

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        raise Refusal("no-moments", _NO_MOMENTS)

    def omega(self, dim: sp.Expr) -> Omega:
        return Omega(RATIO, False)

    def check_dimension(self, dim: int) -> None:
        """Some compressor of the class exists in every dimension: the identity."""

    def latex(self) -> str:
        return r"\mathcal{C}"


@final
@dataclass(frozen=True)
class AnyContraction(Biased):
    """Any contraction. It has no moments of its own, so it has neither an SDE nor a simulation."""

    @property
    def growth(self) -> int:
        return 1

    def conditional_moments(self, dim: sp.Expr) -> GradientForm:
        raise Refusal("no-moments", _NO_MOMENTS)

    def check_dimension(self, dim: int) -> None:
        """Some compressor of the class exists in every dimension: the identity."""

    def latex(self) -> str:
        return r"\mathcal{C}"


_NO_MOMENTS = "a class of compressors has no covariance: name a compressor, such as rand-k:k=2"
CLASSES = {"unbiased": AnyUnbiased, "contraction": AnyContraction}


def with_class(method: Method, lines: Any) -> Method:
    """The method with any compressor of the class that a line of `assume` names, in place of the identity.

    Raises:
        BadInput: no line names a class.
    """
    for line in lines if isinstance(lines, list | tuple) else ():
        name = str(line).partition(":")[0].strip()
        if name in CLASSES:
            return replace(method, compressor=CLASSES[name]())
    raise BadInput("compressor", "any", 'a class in assume: "unbiased: omega" or "contraction: delta"')


def method_of(table: Mapping[str, Any]) -> Method:
    """The method of a theorem file, with symbols for constants that have no number.

    Raises:
        BadInput: the file names no method, or a field of it is wrong.
    """
    keys = ("method", "noise", "compressor", "clients", "schedule", "regime", "params")
    fields = {key: table[key] for key in keys if table.get(key, "any") != "any"}
    if table.get("compressor") == "any":
        method = method_of({**table, "compressor": "identity"})
        return with_class(method, table.get("assume", ()))
    if "method" not in fields:
        raise BadInput("method", "nothing", 'a method such as "dsgd"')
    # a named method that supports the regime "fixed" is read in that regime, so that a method with memory keeps its constants
    if isinstance(fields["method"], str) and "regime" not in fields:
        try:
            return problem({**fields, "regime": "fixed"}).method
        except BadInput as error:
            if error.field != "regime":
                raise
    return problem(fields).method
