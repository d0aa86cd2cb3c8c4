"""Measurements along runs of the user's own models: words for the report and the terminal, figures, and the section on them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.numerics.measure.assumptions import Status
from sdescent.reports.document.figures import BOUND, STYLES, figure, legend_of_all, logarithmic
from sdescent.reports.sections.base import Inputs, Section

Answer = Mapping[str, Any]
#: the names of the figures, with their captions
CAPTIONS = {
    "loss": "The loss along the run, and forecasts from some of its points with 95 per cent intervals: by the method with "
    "Gaussian noise of the same covariance, and by the quadratic model where its gates hold.",
    "growth": "Left, the trace of one example's gradient noise against the squared norm of the full gradient, with the affine "
    "fit and the lowest affine line above all points. Right, the norm of the Hessian against the gradient norm, with the lowest "
    "lines above all points and above 95 per cent of them.",
}
_MODELS = {
    "run": ("mean of runs", "o", STYLES[0]),
    "gauss": ("Gaussian noise", "s", STYLES[1]),
    "quadratic": ("quadratic model", "^", STYLES[2]),
}


@final
class Measured(Section):
    """Each measurement, as its folder has it."""

    name, title = "measured", "Your measured runs"

    def compute(self, context: Inputs) -> dict[str, Any]:
        entries = []
        for n, measured in enumerate(context.problem.measured, 1):
            context.tick(measured.name)
            answer = measured.answer
            whole = answer["fits"] is not None
            settings = {**answer["settings"], **answer["settings"]["method"]}
            entries.append({
                "id": f"measured-{n}",
                "name": measured.name,
                "answer": dict(answer),
                "settings": [
                    {"name": name, "value": str(v)} for name, v in settings.items() if isinstance(v, (str, int))
                ],
                "blown": answer["blown_up_by"],
                "lines": [{"name": name.strip(), "text": text} for name, text in lines(answer)] if whole else [],
                "forecasts": forecast_rows(answer["forecast"]),
                "notes": forecast_notes(answer["forecast"]),
                "theorems": theorem_rows(answer["assumptions"]),
                "figures": [{"id": f"measured-{n}-{name}", "caption": text} for name, text in CAPTIONS.items()] if whole else [],
            })  # fmt: skip
        return {"entries": entries, "statuses": {}}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        """Draw the figures again from the numbers."""
        for entry in result["entries"]:
            if entry["figures"]:
                draw(entry["answer"], folder, f"{entry['id']}-", ("pdf", "svg"))


def number(value: float | None) -> str:
    """A number for a reader."""
    return "-" if value is None else f"{value:.3g}"


def span(values: Sequence[float | None]) -> str:
    """The least and the greatest value."""
    numbers = [v for v in values if v is not None]
    return f"{number(min(numbers))}..{number(max(numbers))}" if numbers else "-"


def interval(estimate: Answer) -> str:
    """The value of an estimate with the ends of its interval."""
    return f"{number(estimate['value'])} [{number(estimate['lower'])}, {number(estimate['upper'])}]"


def lines(answer: Answer) -> Iterator[tuple[str, str]]:
    """The measurements, one (name, text) each; what fails stands first in its line."""
    points, fits, population = answer["points"], answer["fits"], answer["population"]
    first, last = points[0], points[-1]

    def over(key: str, part: str = "") -> str:
        return span([(p[part] if part else p)[key] for p in points])

    yield "loss", f"{number(first['loss'])} -> {number(last['loss'])}, gradient {over('gradient')}"
    biased = "" if population["all_examples"] else ", top eigenvalues of a subsample are biased up"
    traces = " -> ".join(interval(p["trace"]) for p in (first, last))
    yield "noise", f"trace of one example {traces}, effective rank {over('effective_rank')}{biased}"
    if (growth := fits["growth"]) is not None:
        fit, above = (
            f"{number(line['constant'])} + {number(line['slope'])} |g|^2" for line in (growth["fit"], growth["above"])
        )
        quality = f"R2 {number(growth['r_squared'])}, exponent {number(growth['exponent'])}"
        yield "  growth", f"fit {fit} ({quality}); above all {above}"
    yield "  tails", tails(points)
    failing = sum(not p["signs"]["symmetric"] for p in points)
    verdict = f"FAILS at {failing} points" if failing else "not rejected"
    yield "  symmetry", f"{verdict}, share of asymmetric coordinates {over('asymmetric', 'signs')}"
    yield (
        "  signs",
        f"wrong mean sign at {over('wrong', 'signs')} of coordinates, alignment {over('alignment', 'signs')}",
    )
    if first["client_traces"]:
        traces = span([v for p in points for v in p["client_traces"]])
        yield "  clients", f"spread of gradients {over('client_spread')} of |g|^2, traces {traces}"
    largest = max(points, key=lambda p: sum(layer["trace"] for layer in p["layers"]))
    shares = sorted(largest["layers"], key=lambda layer: -layer["trace"])[:3]
    total = sum(layer["trace"] for layer in largest["layers"]) or 1.0
    yield "  layers", ", ".join(f"{layer['name']} {layer['trace'] / total:.0%}" for layer in shares) + " of the trace"
    few = f"; only {len(points)} points" if fits["few"] else f"; above 95 % of the points {_line(fits['smooth_95'])}"
    yield "curvature", f"||H|| {over('hessian')}; {_line(fits['smooth'])}{few}"
    if errors := [p["compression"] for p in points if p["compression"] is not None]:
        stated = "none stated" if population["omega"] is None else f"stated {number(population['omega'])}"
        yield "omega", f"{span([e['value'] for e in errors])} ({stated})"
    if (grid := answer["grid"]) is not None:
        rows = ", ".join(f"{row['eta']:g}: {number(row['loss']['value'])}" for row in grid["rows"])
        edge = ", at the edge of the grid" if grid["best"] in (grid["rows"][0]["eta"], grid["rows"][-1]["eta"]) else ""
        yield "grid", f"loss after the run by eta: {rows}; best {number(grid['best'])}{edge}"
    yield "limits", limits(answer)


def _line(line: Answer) -> str:
    """The line L0 + L1 G with the spread of both."""
    texts = (f"{number(line[key])} ({span(line[f'{key}_spread'])})" for key in ("constant", "slope"))
    flag = "; L0 = 0: too few flat points" if line["constant"] == 0 else ""
    return "L0 {}, L1 {}".format(*texts) + flag


def tails(points: Sequence[Answer]) -> str:
    """The verdicts on tails. Data are finite: a heavy tail of theirs is no infinite variance."""
    texts = []
    for key, what in (("tail_examples", "examples"), ("tail_batches", "mini-batches")):
        listed = [p[key] for p in points if p[key] is not None]
        if not listed:
            texts.append(f"{what}: too few draws")
            continue
        heavy = sum(t["heavy"] for t in listed)
        open_to = max((t["not_excluded"] for t in listed if t["not_excluded"] is not None), default=None)
        none = f"not heavy (xi up to {number(open_to)} not excluded)"
        texts.append(f"{what} {f'heavy at {heavy} of {len(listed)} points' if heavy else none}")
    return ", ".join(texts)


def limits(answer: Answer) -> str:
    """What the numbers are not."""
    population = answer["population"]
    parts = ["one run", "the noise of these data, not of a population"]
    if not population["all_examples"]:
        parts.append(f"noise from {population['units']} of {population['n']} examples")
    if not population["curvature_of_all"]:
        parts.append(f"curvature from {population['curvature_units']} examples")
    if answer["settings"]["sampling"] == "shuffled":
        parts.append("shuffled epochs: draws depend on each other, and the noise of one draw does not describe the run")
    return "; ".join(parts)


def forecast_rows(forecasts: Sequence[Answer]) -> list[list[str]]:
    """For each forecast: where from and how far, and the loss by runs, Gaussian noise and the closed form."""
    rows = []
    for f in forecasts:
        for k in dict.fromkeys(p["steps"] for p in f["predictions"]):
            cells = {p["model"]: p for p in f["predictions"] if p["steps"] == k}
            models = [cells.get(model) for model in ("run", "gauss", "quadratic")]
            rows.append([f"{f['step']} + {k}", *(_cell(m) for m in models)])
    return rows


def forecast_notes(forecasts: Sequence[Answer]) -> list[str]:
    """The reasons for missing and for invalid forecasts, and the two gaps with intervals."""
    notes = []
    for f in forecasts:
        for p in (p for p in f["predictions"] if p["why"]):
            notes.append(
                f"step {f['step']}: no {p['model']} ({p['why']})"
                if p["value"] is None
                else f"step {f['step']} + {p['steps']}: {p['model']} INVALID ({p['why']})"
            )
        for name, what in (("law", "run - gauss"), ("model", "gauss - quadratic")):
            if f[name] is not None:
                notes.append(f"step {f['step']}: {what} {interval(f[name])}")
    return list(dict.fromkeys(notes))


def theorem_rows(assumptions: Sequence[Answer]) -> list[list[str]]:
    """For each theorem: its id, the largest eta with the steps that follow if they vary, and what does not simply hold."""
    rows = []
    for judged in assumptions:
        cells = []
        for status, word in ((Status.FAILS, "FAIL"), (Status.UNTESTED, "untested"), (Status.FITTED, "fitted")):
            texts = [_word(a) for a in judged["assumptions"] if a["status"] == status]
            cells += [f"{word}: {', '.join(texts)}"] if texts else []
        eta, steps = judged["largest_eta"], [s for s in judged["steps"] if s is not None]
        varied = f", steps {span(steps)}" if steps and max(steps) > 1.001 * min(steps) else ""
        rows.append([judged["id"], f"{number(eta)}{varied}", "; ".join(cells)])
    return rows


def _cell(prediction: Answer | None) -> str:
    if prediction is None:
        return "-"
    if (value := prediction["value"]) is None:
        return "no forecast"
    if value["value"] is None:
        return f"{value['blown']} blew up"
    half = "" if value["lower"] is None else f" +- {value['upper'] - value['value']:.2g}"
    return f"{value['value']:.4g}{half}{' INVALID' if prediction['why'] else ''}"


def _word(assumption: Answer) -> str:
    """The name of an assumption, with the first step at which it fails and the largest relative excess."""
    if assumption["first_step"] is None:
        return assumption["name"]
    return f"{assumption['name']} (step {assumption['first_step']}, by {assumption['excess']:.0%} at {assumption['worst_step']})"


def draw(answer: Answer, folder: Path, prefix: str = "", suffixes: Sequence[str] = ("pdf", "svg", "png")) -> list[str]:
    """Draw the figures into a folder, and return their files' names, which begin with `prefix`. Raises OSError."""
    points, fits = answer["points"], answer["fits"]
    steps, losses, gradients = (np.array([p[key] for p in points]) for key in ("step", "loss", "gradient"))
    with figure(folder, f"{prefix}loss", size=(4.6, 2.5), suffixes=suffixes) as axes:
        axes[0].plot(steps, losses, linewidth=1.0, label="measured run", **STYLES[3])
        for n, (model, (label, mark, style)) in enumerate(_MODELS.items()):
            # not invalid ones, nor those whose runs blew up
            listed = [
                (f["step"] + p["steps"] + 0.004 * n * steps[-1], p["value"]["value"], p["value"]["lower"], p["value"]["upper"])
                for f in answer["forecast"] for p in f["predictions"]
                if p["model"] == model and not p["why"] and p["value"]["lower"] is not None
            ]  # fmt: skip
            if listed:
                at, values, lower, upper = np.array(listed).T
                ends, look = [values - lower, upper - values], {"fmt": mark, "markersize": 3, "linewidth": 0.8}
                axes[0].errorbar(at, values, ends, color=style["color"], label=label, **look)
        axes[0].set(xlabel="step", ylabel="loss $f(x)$")
        legend_of_all(axes, columns=2)
    with figure(folder, f"{prefix}growth", columns=2, suffixes=suffixes) as axes:
        left, right = axes
        traces, norms = np.array([(p["trace"]["value"], p["hessian"]) for p in points]).T
        lines = (("line above all", fits["smooth"], BOUND), ("above 95 %", fits["smooth_95"], STYLES[2]))
        _points_and_lines(right, gradients, norms, np.linspace(0, np.max(gradients), 60), lines)
        grid = np.geomspace(max(np.min(gradients**2), 1e-12), np.max(gradients**2), 60)
        growth = fits["growth"] or {}
        lines = (("affine fit", growth.get("fit"), STYLES[1]), ("line above all", growth.get("above"), BOUND))
        _points_and_lines(left, gradients**2, traces, grid, [line for line in lines if line[1]])
        if growth:
            logarithmic(left, "x")
            logarithmic(left)
        left.set(xlabel=r"$\|\nabla f\|^2$", ylabel="trace of the noise")
        right.set(xlabel=r"$\|\nabla f\|$", ylabel=r"$\|\nabla^2 f\|$")
        legend_of_all(axes)
    return [f"{prefix}{name}.{suffix}" for name in CAPTIONS for suffix in suffixes]


def _points_and_lines(axis: Any, x: np.ndarray, y: np.ndarray, grid: np.ndarray, lines: Sequence[Any]) -> None:
    axis.plot(x, y, "o", markersize=2.5, color=STYLES[0]["color"])
    for label, line, style in lines:
        axis.plot(grid, line["constant"] + line["slope"] * grid, linewidth=1.2, label=label, **style)
