"""A measurement in words: its lines, its theorems and its forecasts, for the terminal and for the report."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdescent.numerics.measure.assumptions import Status

Answer = Mapping[str, Any]


def number(value: float | None) -> str:
    """A number for a reader."""
    return "-" if value is None else f"{value:.3g}"


def span(values: Sequence[float | None]) -> str:
    """The least and the greatest value."""
    numbers = [v for v in values if v is not None]
    return f"{number(min(numbers))}..{number(max(numbers))}" if numbers else "-"


def lines(answer: Answer) -> Iterator[tuple[str, str]]:
    """The measurements, one (name, text) each; what fails stands first in its line."""
    points, fits, population = answer["points"], answer["fits"], answer["population"]
    first, last = points[0], points[-1]
    yield "loss", f"{number(first['loss'])} -> {number(last['loss'])}, gradient {span([p['gradient'] for p in points])}"
    ends = [
        f"{number(p['trace']['value'])} [{number(p['trace']['lower'])}, {number(p['trace']['upper'])}]"
        for p in (first, last)
    ]
    rank = span([p["spectrum"]["effective_rank"] for p in points])
    biased = "" if population["all_examples"] else ", top eigenvalues of a subsample are biased up"
    of_batches = " (B times a batch's)" if population["unit"] == "batch" else ""
    yield "noise", f"trace of one example{of_batches} {ends[0]} -> {ends[1]}, effective rank {rank}{biased}"
    if (growth := fits["growth"]) is not None:
        fit, above = growth["fit"], growth["above"]
        quality = f"R2 {number(growth['r_squared'])}, exponent {number(growth['exponent'])}"
        middle = f"fit {number(fit['constant'])} + {number(fit['slope'])} |g|^2 ({quality})"
        yield "  growth", f"{middle}; above all {number(above['constant'])} + {number(above['slope'])} |g|^2"
    yield "  tails", tails(points)
    asymmetric = [p["signs"]["asymmetric"] for p in points]
    failing = sum(not p["signs"]["symmetric"] for p in points)
    yield (
        "  symmetry",
        f"{f'FAILS at {failing} points' if failing else 'not rejected'}, share of asymmetric coordinates {span(asymmetric)}",
    )
    wrong, along = ([p["signs"][key] for p in points] for key in ("wrong", "alignment"))
    yield "  signs", f"wrong mean sign at {span(wrong)} of coordinates, alignment {span(along)}"
    if first["clients"] is not None:
        yield "  clients", f"spread of gradients {span([p['clients']['relative'] for p in points])} of |g|^2"
    largest = max(points, key=lambda p: sum(layer["trace"] for layer in p["layers"]))
    shares = sorted(largest["layers"], key=lambda layer: -layer["trace"])[:3]
    total = sum(layer["trace"] for layer in largest["layers"]) or 1.0
    yield "  layers", ", ".join(f"{layer['name']} {layer['trace'] / total:.0%}" for layer in shares) + " of the trace"
    norms = [p["hessian"]["norm"] for p in points]
    smooth = fits["smooth"]
    l0, l1 = (f"{number(smooth[key])} ({span(smooth[f'{key}_spread'])})" for key in ("constant", "slope"))
    flags = ("; L0 = 0: too few flat points" if fits["no_constant"] else "") + (
        f"; only {smooth['points']} points" if smooth["few"] else ""
    )
    yield "curvature", f"||H|| {span(norms)}; L0 {l0}, L1 {l1}{flags}"
    if answer["checks"]:
        yield (
            "  check",
            f"||H|| of all examples over the subsample's: {span([c['all'] / c['subsample'] for c in answer['checks']])}",
        )
    if answer["settings"]["eta"]:
        steep = answer["stability"]
        beyond = sum(s > 2 for s in steep)
        yield "  stability", f"eta ||H|| {span(steep)}" + (f", UNSTABLE (above 2) at {beyond} points" if beyond else "")
    if errors := [p["compression"] for p in points if p["compression"] is not None]:
        stated = "none stated" if population["omega"] is None else f"stated {number(population['omega'])}"
        yield "omega", f"{span([e['value'] for e in errors])} ({stated})"
    if (grid := answer["grid"]) is not None:
        rows = ", ".join(f"{row['eta']:g}: {number(row['loss']['value'])}" for row in grid["rows"])
        yield "grid", f"loss after the run by eta: {rows}; best {number(grid['best'])}"
    if (sizes := answer["step_sizes"]) is not None:
        k0, k1 = sizes["normalised"]
        constant = (
            "" if sizes["horizon"] is None else f"; constant {number(sizes['horizon'])} for this horizon (6.2, L1 = 0)"
        )
        yield "theory", f"steps 1/({number(k0)} + {number(k1)} |g|) (6.3){constant}"
    yield "limits", limits(answer)


def tails(points: Sequence[Answer]) -> str:
    """The verdicts on tails. Data are finite: a heavy tail of theirs is no infinite variance."""
    texts = []
    for key, what in (("tail_examples", "examples"), ("tail_batches", "mini-batches")):
        listed = [p[key] for p in points if p[key] is not None]
        if not listed:
            texts.append(f"{what}: too few draws")
            continue
        heavy = sum(t["verdict"] == "heavy" for t in listed)
        open_to = max((t["not_excluded"] for t in listed if t["not_excluded"] is not None), default=None)
        said = (
            f"heavy at {heavy} of {len(listed)} points"
            if heavy
            else f"not heavy (xi up to {number(open_to)} not excluded)"
        )
        texts.append(f"{what} {said}")
    return ", ".join(texts)


def limits(answer: Answer) -> str:
    """What the numbers are not."""
    population = answer["population"]
    parts = ["one run", "the noise of these data, not of a population"]
    if not population["all_examples"] and population["unit"] == "example":
        parts.append(f"noise from {population['units']} of {population['n']} examples")
    if population["unit"] == "batch":
        parts.append(
            f"the loss of a batch is no mean over examples: noise from {population['units']} batches, at this B only"
        )
    if not population["curvature_of_all"]:
        parts.append(f"curvature from {population['curvature_units']} {population['unit']}s")
    if population["sampling"] == "shuffled":
        parts.append("shuffled epochs: draws depend on each other, and the noise of one draw does not describe the run")
    return "; ".join(parts)


def forecast_rows(forecasts: Sequence[Answer]) -> list[list[str]]:
    """For each forecast: where from and how far, and the loss by runs, Gaussian noise, the closed form and without noise."""
    rows = []
    for f in forecasts:
        for k in dict.fromkeys(p["steps"] for p in f["predictions"]):
            cells = {p["model"]: p for p in f["predictions"] if p["steps"] == k}
            models = [cells.get(model) for model in ("run", "gauss", "quadratic", "descent")]
            rows.append([f"{f['step']} + {k}", *(_cell(m) for m in models)])
    return rows


def forecast_notes(forecasts: Sequence[Answer]) -> list[str]:
    """The reasons for missing forecasts, and the two gaps with intervals."""
    notes = []
    for f in forecasts:
        notes += [f"step {f['step']}: no {p['model']} ({p['why']})" for p in f["predictions"] if p["value"] is None]
        for name, what in (("law", "run - gauss"), ("model", "gauss - quadratic")):
            if (gap := f[name]) is not None:
                ends = f"[{number(gap['lower'])}, {number(gap['upper'])}]"
                notes.append(f"step {f['step']}: {what} {number(gap['value'])} {ends}")
    return list(dict.fromkeys(notes))


def theorem_rows(assumptions: Sequence[Answer]) -> list[list[str]]:
    """For each theorem: its id, the largest step size, and the assumptions that do not simply hold."""
    rows = []
    for judged in assumptions:
        cells = []
        for status, word in ((Status.FAILS, "FAIL"), (Status.UNTESTED, "untested"), (Status.FITTED, "fitted")):
            texts = [_word(a) for a in judged["assumptions"] if a["status"] == status]
            cells += [f"{word}: {', '.join(texts)}"] if texts else []
        rows.append([judged["id"], number(judged["largest_eta"]), "; ".join(cells)])
    return rows


def _cell(prediction: Answer | None) -> str:
    if prediction is None or prediction["value"] is None:
        return "no forecast" if prediction is not None else "-"
    value = prediction["value"]
    if value["value"] is None:
        return f"{value['blown']} blew up"
    half = None if value["upper"] is None or value["lower"] is None else (value["upper"] - value["lower"]) / 2
    return f"{value['value']:.4g}" + (f" +- {half:.2g}" if half else "")


def _word(assumption: Answer) -> str:
    """The name of an assumption, with the first step at which it fails and the largest relative excess."""
    if assumption["first_step"] is None:
        return assumption["name"]
    return f"{assumption['name']} (step {assumption['first_step']}, by {assumption['excess']:.0%} at {assumption['worst_step']})"
