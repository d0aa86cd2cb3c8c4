"""The function `sde`, which derives the SDE of a method, and its results, which print, expand and solve themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cached_property
from typing import Any, final

import sympy as sp

from sdescent.derive.audit.equation_in_coordinates import StateSDE, stated
from sdescent.derive.equations.in_coordinates import CoordinateSDE, expand, expand_rule, required, state_symbols
from sdescent.derive.equations.rule_drift_and_covariance import derived_rule
from sdescent.derive.equations.rule_equation import RuleEquation
from sdescent.derive.equations.sde import Equation, check_asked, derived, dimension
from sdescent.derive.equations.step.covariance import Condition, Moments
from sdescent.derive.expressions.coordinates import symbols_of
from sdescent.derive.methods.checking.required import require_sound
from sdescent.derive.methods.compressors import Identity
from sdescent.derive.methods.distributed import Method
from sdescent.derive.methods.losses import Loss
from sdescent.derive.methods.schedules import Constant
from sdescent.derive.printing.coordinate_latex import rule_latex, stated_latex, written_latex
from sdescent.derive.printing.latex import accepted
from sdescent.derive.printing.layout import Layout, terminal, title_of
from sdescent.derive.printing.sde_latex import sde_latex
from sdescent.derive.printing.serialise import rule_dict, to_dict
from sdescent.derive.solvable import Simulated as Simulated
from sdescent.derive.solvable import Solvable
from sdescent.derive.vocabulary.errors import NoClosedForm
from sdescent.derive.vocabulary.names import Model
from sdescent.derive.vocabulary.registry import spec_of


class SDE(Equation, Solvable):
    """An Ito equation dX = drift dt + L dW with L L' = rate S, in the dimension-free gradient form.

    `sde` returns it. `_repr_latex_` shows it in a notebook, `latex()` typesets it for a paper, `coordinates()` expands it, and
    `solve(...)` simulates it.

    Args:
        method, model, loss, dim: the arguments from which the equation was derived.
        moments: the mean and covariance of the step.
        drift: the drift at the generic coordinate, or None if only moments given the message are known.
    """

    @cached_property
    def expanded(self) -> CoordinateSDE:
        """The equation in named coordinates, in the dimension for which it was derived.

        Raises:
            BadInput: the equation was derived without a dimension (use `coordinates(dim)`).
            NoClosedForm: only moments given the message are known.
        """
        return expand(self)

    def coordinates(self, dim: int | None = None) -> CoordinateSDE:
        """The equation in named coordinates of R^dim, by default in the dimension for which it was derived."""
        dim = dimension(dim)
        if dim is None or dim == self.dim:
            return self.expanded
        return _derive(self.method, self.model, self.loss, dim).expanded

    #: makes an SDE in named coordinates from formulas of your own
    from_coordinates = staticmethod(stated)

    @cached_property
    def symbols(self) -> dict[str, sp.Symbol]:
        """The symbols by name: the parameters and, if the equation has a dimension, its state x1, .. and the loss's parameters.

        A SymPy symbol with the same name but other assumptions is a different symbol, which does not occur in the equation.
        """
        value = [] if self.loss is None or self.dim is None else symbols_of([self.loss.value(state_symbols(self.dim))])
        return {s.name: s for s in (*self._state, *self.parameters, *sorted(value, key=str))}

    @property
    def explicit(self) -> bool:
        """Whether the drift and the covariance have formulas, at least given a client's message."""
        return self.form is not None or self.conditional is not None

    @property
    def _state(self) -> list[sp.Symbol]:
        return [] if self.dim is None else state_symbols(self.dim)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the command `derive`."""
        return to_dict(self, lambda: self.expanded)

    def __str__(self) -> str:
        """The text that `sdescent derive` prints, as wide as the terminal, in ASCII if standard output is not Unicode."""
        method = self.method
        parts = {"compressor": method.compressor, "noise": method.noise, "loss": self.loss, "schedule": method.schedule}
        about = [
            f"{kind} {spec_of(kind, part)}"
            for kind, part in parts.items()
            if part not in (None, Identity(), Constant())
        ]
        return "\n".join([title_of(self), *(written for written, _ in self.laid_out(about, *terminal()))])

    def laid_out(self, about: Sequence[str], width: int, unicode: bool) -> list[tuple[str, str]]:
        """The equation in lines of a given width; `derive/printing/layout.py` describes the arguments and the result."""
        return Layout(lambda: self.expanded, width, unicode).equation(self, self.to_dict(), about)

    def latex(self, macros: Mapping[str, str] | None = None, written_out: bool = False) -> str:
        r"""LaTeX of the equation: drift, covariance, conditions.

        Args:
            macros: your own commands by the name of a symbol ("eta": r"\stepsize"), of a vector ("g"), of a letter of the
                memory, or of one of the letters X, W, B, L, S, b, H, v, C, J, Lambda, U, Gamma, F, R, Z, zeta, m, V, Sigma,
                meansign, meansize, meansquare.
            written_out: whether to write everything in full: in named coordinates if the equation has a dimension, with the
                gradient of its loss substituted. Otherwise letters replace formulas longer than a line. The argument has no
                effect if only moments given the message are known.

        Raises:
            BadInput: a macro for a name that no equation uses.
            NoClosedForm: a moment of an update rule has no closed form.
        """
        return self.typeset(accepted(self, macros), written_out)

    def typeset(self, commands: Mapping[str, str], written_out: bool = False) -> str:
        """The result of `latex` for a table of commands that may contain names that the equation lacks, as for a whole document."""
        full = written_latex(self, lambda: self.expanded, commands) if written_out else None
        return sde_latex(self, commands) if full is None else full

    def _repr_latex_(self) -> str:
        return "$\\displaystyle " + self.latex() + "$"


@final
class RuleSDE(SDE):
    """The Ito equation dZ = drift dt + L dW over Z = (x, memory) of an update rule in its regime; `sde` returns it.

    `drifts` contains the drift of each letter at the generic coordinate, `drift` is the drift of x. `rule` is the whole
    equation, or None if a moment has no closed form (`missing` names this moment).
    """

    @cached_property
    def _equation_or_reason(self) -> RuleEquation | str:
        try:
            return derived_rule(self.method, self.model, self.loss, self.dim)
        except NoClosedForm as error:
            return str(error)

    @property
    def rule(self) -> RuleEquation | None:
        """The equation in generic coordinates; None if a moment has no known closed form."""
        return None if isinstance(self._equation_or_reason, str) else self._equation_or_reason

    def required(self) -> RuleEquation:
        """The equation `rule`; raises NoClosedForm if there is none."""
        if isinstance(self._equation_or_reason, str):
            raise NoClosedForm(self._equation_or_reason)
        return self._equation_or_reason

    @property
    def missing(self) -> str | None:
        """The moment that has no closed form, in words; None if all have one."""
        return self._equation_or_reason if isinstance(self._equation_or_reason, str) else None

    @property
    def explicit(self) -> bool:
        return self.rule is not None

    @property
    def drifts(self) -> dict[str, sp.Expr]:
        """The drift of each letter at the generic coordinate."""
        return {} if self.rule is None else self.rule.drift

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions that depend on the value of a symbol, and the unmet conditions that do not prevent the derivation."""
        return () if self.rule is None else self.rule.conditions

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """All drifts and covariances, and the moments given the message that they contain; used to collect symbols."""
        of_message = () if self.conditional is None else self.conditional.expressions
        return () if self.rule is None else (*self.rule.expressions, *of_message)

    @property
    def _state(self) -> list[sp.Symbol]:
        letters = self.method.rule.letters if self.rule is None else self.rule.letters
        return [sp.Symbol(f"{a}{m + 1}", real=True) for a in letters for m in range(self.dim or 0)]

    @cached_property
    def expanded(self) -> StateSDE:
        """The equation in named coordinates. Raises BadInput without a dimension (`coordinates(dim)`), NoClosedForm
        without a closed moment.
        """
        dim = required(self.dim)
        named: dict[str, Any] = dict(vars(expand_rule(self.required().closed(), dim)))
        if self.loss is not None:
            named["gradient"] = []
        return StateSDE(**named, conditions=self.conditions)

    def to_dict(self) -> dict[str, Any]:
        """The JSON of the command `derive`."""
        return rule_dict(self, self._equation_or_reason)

    def laid_out(self, about: Sequence[str], width: int, unicode: bool) -> list[tuple[str, str]]:
        return Layout(lambda: self.expanded, width, unicode).rule(self, self._equation_or_reason, self.to_dict(), about)

    def typeset(self, commands: Mapping[str, str], written_out: bool = False) -> str:
        rule = self.required()
        if written_out and self.dim is not None:
            return stated_latex(self.expanded, self.conditions, commands)
        return rule_latex(rule, commands)


def _derive(method: Method, model: Model, loss: Loss | None, dim: int | None) -> SDE:
    if method.plain:
        equation = derived(method, model, loss, dim)
        return SDE(**{f.name: getattr(equation, f.name) for f in fields(equation)})
    rule = RuleSDE(method, model, loss, dim, Moments(None, None, None, (), None), None)
    # derived now, so that a refusal is raised here, as it is for plain methods
    object.__setattr__(rule, "drift", rule.drifts.get("x"))
    if rule.rule is not None and rule.rule.message is not None:
        object.__setattr__(rule, "moments", rule.rule.message.moments)
    return rule


def sde(method: Method, model: Model = "first-order", loss: Loss | None = None, dim: int | None = None) -> SDE:
    """The SDE of a distributed method (theory 2): dX = drift dt + sqrt(eta/N) h B dW, B B' = S.

    A compressor or law of a class that is not part of the package is first tested as by `sd.check`, without sampling, unless an
    instance of the class has already passed. If the method is not `plain`, the result is a `RuleSDE`.

    Args:
        method: the compressor, noise, clients, schedule and update rule.
        model: "first-order", "second-order" or "corrected".
        loss: the loss whose gradient is substituted when the equation is expanded.
        dim: a dimension, or None for any dimension.

    Raises:
        Refusal: the drift or the covariance does not exist (the message gives the reason); or "unsound-piece": the compressor
            or the law contradicts itself.
        BadInput: an argument of the wrong kind; an unknown model; a compressor or loss that does not exist in this dimension.

    Example:
        >>> import sdescent as sd
        >>> method = sd.DCSGD(sd.compressors.RandK(2), sd.noise.StudentT(5), clients=4)
        >>> sd.sde(method, "first-order").drift
        -g_j
        >>> equation = sd.sde(method, "corrected", loss=sd.losses.Quadratic(1), dim=3)
        >>> equation.coordinates().drift[0]
        eta*x1/2 - x1
    """
    dim = check_asked(method, model, loss, dim)
    require_sound(method)
    return _derive(method, model, loss, dim)
