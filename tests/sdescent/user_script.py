"""What a user may write: every part of the public face, with pieces of their own. Held against pyright's strict mode, and run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sympy as sp  # pyright: ignore[reportMissingTypeStubs]

import sdescent as sd
from sdescent.derive.expressions.coordinates import v


@dataclass(frozen=True)
class Participation(sd.compressors.Unbiased):
    """C(v) = v B/p with one coin B for all coordinates, p = 1/4."""

    @property
    def growth(self) -> int:
        return 1

    def conditional_moments(self, dim: sp.Expr) -> sd.plugins.GradientForm:
        return sd.plugins.GradientForm(v, sp.Integer(0), (v,), sp.Matrix([[3]]))

    def omega(self, dim: sp.Expr) -> sd.compressors.Omega:
        return sd.compressors.Omega(sp.Integer(3), exact=True)

    def latex(self) -> str:
        return r"\mathrm{Part}"


class Valley(sd.losses.Loss):
    """f = (x1 - x2)^2 + x1^2, in two dimensions."""

    def value(self, x: Sequence[sp.Expr]) -> sp.Expr:
        if len(x) != 2:
            raise sd.BadInput("dim", len(x), "2")
        return (x[0] - x[1]) ** 2 + x[0] ** 2

    def smoothness(self, dim: int) -> sd.losses.Smoothness:
        return sd.losses.Smoothness(sp.Integer(6), sp.Integer(0))


def models(method: sd.Method, loss: sd.losses.Loss) -> dict[sd.Model, str]:
    """LaTeX of the models that exist."""
    names: tuple[sd.Model, ...] = ("first-order", "corrected")
    return {name: sd.sde(method, name, loss, dim=2).latex() for name in names}


def compared(method: sd.Method, loss: sd.losses.Loss) -> tuple[float, float]:
    """The mean loss at the end, of the method itself and of its equation."""
    equation: sd.SDE = sd.sde(method, "first-order", loss=loss, dim=2)
    real: sd.Ensemble = sd.run(method, [2.0, -1.0], T=1.0, paths=200, key=1, params={"eta": 0.1}, loss=loss, save=3)
    solved = equation.solve([2.0, -1.0], T=1.0, paths=200, key=2, params={"eta": 0.1}, save=3, scheme="euler")
    again: sd.Ensemble = sd.solve(
        equation, [2.0, -1.0], T=1.0, paths=200, key=2, params={"eta": 0.1}, save=3, scheme="euler"
    )
    assert solved.blow_ups[-1] == 0 and (solved.final == again.final).all()
    return float(real.values["loss"][-1].mean()), float(solved.values["loss"][-1].mean())


def main(folder: Path) -> None:
    """Use everything."""
    method = sd.DSignSGD(sd.noise.Scaled(sd.noise.Cauchy(), 1), clients=4, schedule=sd.schedules.Power("1/2"))
    for name, latex in models(method, Valley()).items():
        print(name, len(latex) > 0)
    real, solved = compared(method, sd.losses.Quadratic((1, 4)))
    print("close:", abs(real - solved) < 1)
    own = sd.sde(sd.DCSGD(Participation(), sd.noise.StudentT("nu")), "corrected")
    print("conditions:", [str(condition) for condition in own.conditions], "drift:", own.drift)
    try:
        sd.sde(sd.DSGD(sd.noise.Cauchy()))
    except sd.Refusal as refusal:
        print("refused:", refusal.kind)
    verdict: sd.Judged = sd.claim("2*a*b <= a^2 + b^2", assume=["a >= 0"])
    checked: sd.Checked = sd.check("6.7-first-order")
    print("claims:", verdict.status, checked.status, [found.verdict.value for found in sd.verify("6.7-first-order")])
    (spec := folder / "problem.toml").write_text(
        'method = "dsgd"\nnoise = "cauchy:sigma=1"\nloss = "quadratic:h=1"\ndim = 1\n'
    )
    made: sd.Report = sd.report(spec, out=folder / "report", quick=True, only="problem")
    print("report:", made.tex.name, dict(made.statuses))


if __name__ == "__main__":
    main(Path("."))
