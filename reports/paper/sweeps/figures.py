"""Heat maps of the sweeps, from light (shrinks) to dark (grows), with thresholds as lines, and their descriptions in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdescent.reports.claims.following import METHODS
from sdescent.reports.document.figures import NAMED, SHADES, STYLES, WIDTH, figure, in_words, legend_of_all, rim
from sdescent.reports.document.tex import listed, number

TITLES = {
    "method": "gradient descent without noise",
    "dcsgd": "DCSGD",
    "dsignsgd": "DSignSGD",
    "normalised": "normalised DCSGD",
}
DESCENT = "gradient descent"
AXES = {
    "omega": r"compression ratio $\omega$",
    "sigma1": r"noise growth $\sigma_1$",
    "d": r"dimension $d$",
    "N": r"clients $N$",
}


def draw(result: Mapping[str, Any], folder: Path) -> None:
    """Draw all figures of the section."""
    _compression(result["compression"], folder)
    _clients(result["clients"], folder)
    _signs(result["signs"], folder)
    _tails(result["tails"], folder)
    _floors(result["floors"], folder)
    _quartic(result["quartic"], folder)
    _schedules(result["schedules"], folder)
    _strength(result["strength"], folder)


def heat(axis: Any, x: Any, y: Any, values: Any, low: float, high: float) -> Any:
    """Draw `values` (len(y), len(x)) as cells around equally spaced points, light at `low` and dark at `high`."""
    (x0, dx), (y0, dy) = ((float(a[0]), float(a[1] - a[0])) for a in (x, y))
    ends = (x0 - dx / 2, x0 + (len(x) - 0.5) * dx, y0 - dy / 2, y0 + (len(y) - 0.5) * dy)
    # one image with a pixel per cell: thousands of rectangles would make a page slow
    place = {"extent": ends, "origin": "lower", "aspect": "auto", "interpolation": "none"}
    return axis.imshow(_within(values, low, high), cmap=SHADES, vmin=low, vmax=high, **place)


def levels(axis: Any, x: Any, y: Any, values: Any, low: float, high: float) -> Any:
    """Draw the values of a smooth function in steps of a tenth of the range, light at `low` and dark at `high`."""
    steps = np.linspace(low, high, 11)
    areas = axis.contourf(x, y, _within(values, low, high), steps, cmap=SHADES, vmin=low, vmax=high)
    areas.set_edgecolor("face")  # viewers show seams unless edges have the colour of their area
    return areas


def _within(values: Any, low: float, high: float) -> np.ndarray:
    return np.clip(np.nan_to_num(np.asarray(values, float), posinf=high, neginf=low), low, high)


def line(axis: Any, x: Any, y: Any, name: str, words: str = "") -> None:
    """Draw the threshold of the method or of a model in its style; the legend shows `words` instead of the name if given."""
    y = np.where(np.isfinite(np.asarray(y, float)), y, np.nan)
    axis.plot(x, y, linewidth=1.5, path_effects=rim(), label=words or in_words(name), **NAMED[name])


def bar(axes: Sequence[Any], mesh: Any, label: str, ticks: Mapping[float, str] | None = None) -> None:
    """Draw the scale of colours next to a row of axes."""
    colours = axes[0].figure.colorbar(mesh, ax=list(axes), shrink=0.9, aspect=18, pad=0.01)
    colours.set_label(label)
    if ticks:
        colours.set_ticks(list(ticks), labels=list(ticks.values()))


def _named(axes: Sequence[Any], axis: Any, x: str, y: str, title: str = "") -> None:
    """Name the quantities of one of the axes in a row; the first one alone has ticks and a name for the shared y."""
    axis.set(title=title, xlabel=x)
    axis.set_yticklabels([]) if axis is not axes[0] else axis.set_ylabel(y)


def _over(estimates: Mapping[str, Any], unit: Any) -> dict[str, Any]:
    """Estimates as gaps to a unit with their intervals, in per cent."""
    return {
        "value": 100 * (estimates["value"] / unit - 1),
        **{k: 100 * estimates[k] / unit for k in ("below", "above")},
    }


def _compression(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-compression", columns=4, size=(WIDTH / 4, 2.3)) as axes:
        for axis, (name, growth) in zip(axes, result["growth"].items(), strict=True):
            mesh = levels(axis, result["omega"], result["eta"], growth, -1, 1)
            for subject in dict.fromkeys(("method", name)):
                if np.isfinite(result["thresholds"][subject]).any():
                    line(axis, result["omega"], result["thresholds"][subject], subject)
            axis.set_ylim(result["eta"][0], result["eta"][-1])
            _named(axes, axis, AXES["omega"], r"step size $\eta$", in_words(name))
        bar(axes, mesh, "growth in a step (log)", {-1: r"$\leq-1$", 0: "0", 1: r"$\geq1$"})
        legend_of_all(axes, columnspacing=1.2, title="thresholds")


def _clients(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-clients", columns=4, size=(WIDTH / 4, 2.1)) as axes:
        eta = result["eta"]
        for axis, (name, growth) in zip(axes, result["growth"].items(), strict=True):
            mesh = levels(axis, result["N"], result["sigma1"], growth, -1, 1)
            for subject in dict.fromkeys(("method", name)):
                # the contour on which the threshold equals the step size of the figure
                level = np.minimum(result["thresholds"][subject], 1e3)
                style = {"colors": NAMED[subject]["color"], "linestyles": [NAMED[subject]["linestyle"]]}
                axis.contour(result["N"], result["sigma1"], level, [eta], **style).set_path_effects(rim())
            axis.set_xscale("log", base=2)
            _named(axes, axis, AXES["N"], AXES["sigma1"], in_words(name))
        bar(axes, mesh, "growth in a step (log)", {-1: r"$\leq-1$", 0: "0", 1: r"$\geq1$"})


def _signs(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-signs", columns=3, size=(WIDTH / 3, 2.2)) as axes:
        places = np.arange(len(result["nu"]))
        eta, ratio = result["eta"][::-1], result["ratio"][::-1]
        mesh = heat(axes[0], places, np.log2(eta), 100 * (ratio - 1), 0, 60)
        axes[0].set_xticks(places, [f"{v:g}" for v in result["nu"]])
        axes[0].set_yticks(np.log2(eta), [rf"$2^{{{k:g}}}$" for k in np.log2(eta)])
        axes[0].set(xlabel=r"degrees of freedom $\nu$", ylabel=r"step size $\eta$")
        axes[0].figure.colorbar(mesh, ax=axes[0], label="above the formula (%)")
        for n, ((nu, one), style) in enumerate(zip(result["stall"].items(), STYLES, strict=False)):
            axes[1].plot(result["eta"], one["line"], linewidth=1.0, **style)
            errors(axes[1], result["eta"], one, n, label=rf"$\nu={float(nu):g}$")
            axes[2].plot(result["eta"], 100 * (one["exact"] / one["line"] - 1), linewidth=1.0, **style)
            errors(axes[2], result["eta"], _over(one, one["line"]), n)
        for axis in axes[1:]:
            axis.set_xscale("log", base=2)
            axis.set_xlabel(r"step size $\eta$")
        axes[1].set(yscale="log", ylabel="stationary mean of $x^2$")
        axes[1].legend(frameon=False)
        axes[2].set_yscale("symlog", linthresh=2, linscale=0.6)
        axes[2].set_yticks([0, 2, 5, 10, 20, 50], ["0", "2", "5", "10", "20", "50"])
        axes[2].axhline(0, linewidth=0.6, color="0.5")
        axes[2].set_ylabel("gap to the line (%)")


def errors(axis: Any, x: Any, estimates: Mapping[str, Any], place: int, label: str | None = None) -> None:
    """Draw estimates with their intervals, as marks that differ in shape and filling."""
    color = STYLES[place]["color"]
    ends = [estimates["below"], estimates["above"]]
    mark = {"fmt": "osD^"[place], "markersize": 3.2, "markerfacecolor": "white" if place % 2 else color}
    look = {"color": color, "linewidth": 0.8, "capsize": 1.5, "zorder": 3}
    axis.errorbar(x, estimates["value"], yerr=ends, label=label, **mark, **look)


def _tails(result: Mapping[str, Any], folder: Path) -> None:
    named = {"q50": (0, "DSGD, median"), "q90": (1, "DSGD, 90 % quantile"), "signs": (3, "DSignSGD, mean")}
    with figure(folder, "sweep-tails", columns=2, size=(WIDTH / 2, 2.0)) as axes:
        for key, (n, name) in named.items():
            axes[0].plot(result["alpha"], result["exact"][key], linewidth=1.0, **STYLES[n])
            errors(axes[0], result["alpha"], result["points"][key], n, label=name)
        axes[0].set(xlabel=r"index $\alpha$ of the noise", ylabel=r"last loss $f(x_n)$")
        for n, (alpha, one) in enumerate(result["capped"].items()):
            axes[1].plot(result["caps"], one["exact"], linewidth=1.0, **STYLES[n])
            errors(axes[1], one["at"], one, n, label=rf"DSGD, $\alpha={float(alpha):g}$")
        errors(axes[1], result["caps"], result["capped_signs"], 3, label=r"DSignSGD, $\alpha=1$")
        axes[1].set(xscale="log", xlabel=r"cap $f_{\max}$", ylabel=r"mean of $\min(f(x_n),f_{\max})$")
        for axis in axes:
            axis.set_yscale("log")
            axis.legend(frameon=False)
        axes[1].set_ylim(top=1e3 * axes[1].get_ylim()[1])  # room for the legend


def _floors(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-floors", columns=2, size=(WIDTH / 2, 2.0)) as axes:
        count, every = result["N"], result["every"]
        for n, (kind, name) in enumerate(METHODS.items()):
            floor = result["floors"][kind]
            # the line of slope -1 through the last exact floor, so that deviations show at few clients
            axes[0].plot(every, floor["exact"][-1] * every[-1] / every, linewidth=0.8, color="0.6")
            axes[0].plot(every, floor["exact"], linewidth=1.0, **STYLES[n])
            errors(axes[0], count, floor, n, label=f"{name}: slope ${result['slopes'][kind]}$")
            unit = floor["exact"][-1] * every[-1]
            axes[1].plot(every, 100 * (floor["exact"] * every / unit - 1), linewidth=1.0, **STYLES[n])
            errors(axes[1], count, _over(floor, unit / count), n, label=name)
        axes[0].set(yscale="log", ylabel="stationary mean of the loss")
        axes[1].set_ylabel("gap to slope $-1$ (%)")
        for axis in axes:
            axis.set_xscale("log", base=2)
            axis.set_xlabel(AXES["N"])
        axes[0].set_ylim(bottom=result["floors"]["dsgd"]["exact"][-1] / 8)  # room for the legend
        axes[0].legend(frameon=False, fontsize=7, loc="lower left")
        axes[1].legend(frameon=False)


def _quartic(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-quartic", columns=4, size=(WIDTH / 4, 2.3)) as axes:
        for axis, (name, size) in zip(axes, result["size"].items(), strict=True):
            with np.errstate(divide="ignore"):
                mesh = heat(axis, result["q"], result["steps"], np.log10(size), -1, 1)
            ends = result["steps"][[0, -1]]
            line(axis, np.full(2, result["thresholds"]["method"]), ends, "method", DESCENT)
            if name != "method" and np.isfinite(result["thresholds"][name]):
                line(axis, np.full(2, result["thresholds"][name]), ends, name)
            title = DESCENT if name == "method" else in_words(name)
            _named(axes, axis, r"step size $\times$ start$^2$", "steps", title)
        bar(axes, mesh, r"$|x|$ over its first value", {-1: r"$\leq0.1$", 0: "1", 1: r"$\geq10$"})
        legend_of_all(axes, columnspacing=1.2, title="thresholds")


def _schedules(result: Mapping[str, Any], folder: Path) -> None:
    blown = {name: share for name, share in result["blown"].items() if name == "method" or np.any(share)}
    with figure(folder, "sweep-schedules", columns=len(blown), size=(min(WIDTH / len(blown), 2.6), 2.1)) as axes:
        for axis, (name, share) in zip(axes, blown.items(), strict=True):
            mesh = heat(axis, result["q"], result["p"], share, 0, 1)
            line(axis, result["thresholds"], result["p"], "method", DESCENT)
            title = DESCENT if name == "method" else TITLES[name]
            _named(axes, axis, r"first step size $\times$ start$^2$", "exponent of the schedule", title)
        bar(axes, mesh, "share of paths that blow up")
        legend_of_all(axes, columnspacing=1.2, title="threshold")


def _strength(result: Mapping[str, Any], folder: Path) -> None:
    with figure(folder, "sweep-strength", columns=4, size=(WIDTH / 4, 1.9)) as axes:
        for axis, (name, series) in zip(axes, result["series"].items(), strict=True):
            axis.plot(series["values"], series["formula"], linewidth=1.2, label="step size of the formula", **STYLES[1])
            axis.plot(series["values"], series["measured"], "ko", markersize=3.5, label="largest stable step size")
            axis.set_ylim(0, 2.1)
            if name == "N":
                axis.set_xscale("log", base=2)
            _named(axes, axis, AXES[name], r"step size $\eta$")
        legend_of_all(axes, columnspacing=1.2)


METHOD = "method"
#: relative distance within which a line coincides with the method's
_SAME = 1e-9


def lines(thresholds: Mapping[str, Any]) -> str:
    """The position of each model's threshold relative to the method's, over all settings of a figure."""
    method = np.asarray(thresholds[METHOD], float)
    places: dict[str, list[str]] = {
        "the method's": [],
        "nowhere below the method's": [],
        "in parts below the method's": [],
    }
    equal, above, below = places.values()
    for name, values in thresholds.items():
        if name != METHOD:
            other = np.asarray(values, float)
            same = np.isclose(other, method, rtol=_SAME, atol=0)
            (equal if same.all() else above if np.all(same | (other > method)) else below).append(name)
    return "; ".join(
        f"the threshold of the {listed(names)} model{'s' if len(names) > 1 else ''} is {where}"
        for where, names in places.items()
        if names
    )


def growth(intervals: Mapping[str, Sequence[str]]) -> str:
    r"""The q from which each panel is dark: between two neighbouring cells, or nowhere if the second is \infty."""
    sentences, never = [], []
    for name, (low, high) in intervals.items():
        words = DESCENT if name == METHOD else f"the {name} model"
        if high == number(float("inf")):
            never.append(words)
        else:
            sentences.append(rf"{words} from a $q$ between ${low}$ and ${high}$ on")
    return "dark is " + ", ".join([*sentences, *([f"{listed(never)} nowhere"] if never else [])])


def blow_ups(schedules: Mapping[str, Any]) -> str:
    """The starts from which gradient descent blows up, above and below its threshold, and the blow-ups of the other methods."""
    above = np.asarray(schedules["q"])[None, :] >= np.asarray(schedules["thresholds"])[:, None]
    method = np.asarray(schedules["blown"][METHOD]) > 0
    sentences = [
        f"{DESCENT} blows up from {np.sum(method & above)} of {np.sum(above)} starts on or above the line and from "
        f"{np.sum(method & ~above)} of {np.sum(~above)} below it"
    ]
    rest = {TITLES[name]: np.asarray(share) for name, share in schedules["blown"].items() if name != METHOD}
    sentences += [
        rf"of {name} there are blow-ups in {np.sum(share > 0)} of {share.size} cells, {np.sum((share > 0) & ~above)} of them below"
        for name, share in rest.items()
        if share.any()
    ]
    never = [name for name, share in rest.items() if not share.any()]
    return "; ".join([*sentences, *([f"there are none of {listed(never)}"] if never else [])])
