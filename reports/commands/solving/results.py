"""The output of an experiment: an archive for each run, figures, and a summary, which is written last.

If there is a summary, all files that it names exist and belong to one experiment: it is removed before another experiment writes.
"""

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from sdescent.derive.methods.losses import Loss
from sdescent.derive.reading.experiments import METHOD
from sdescent.derive.reading.specs import QUANTITIES
from sdescent.derive.vocabulary.files import read_regular
from sdescent.derive.vocabulary.registry import entries
from sdescent.numerics.statistics import digests as digest
from sdescent.numerics.statistics.estimates import proportion
from sdescent.numerics.studies.records import LEVEL, series, unseen, unseen_in
from sdescent.reports.commands.solving.runs import LISTED, MOST_KEPT, RANGE, Parts, Run, digests, packed
from sdescent.reports.document.figures import BAND, bands, figure, legend
from sdescent.reports.store.cache import canonical_json
from sdescent.reports.store.files import sweep_temporaries, write_atomic

SUMMARY, RESULTS, FIGURES = "summary.json", "results", "figures"
_SUFFIXES = ("pdf", "png")
#: the description of the folder for its readers
LAYOUT = {
    "results": "one NumPy archive for each run, eta<number of the step size>-<method or model>.npz",
    "paths": f"a run of at most {MOST_KEPT} numbers, paths x (saved times x quantities + dimension), is kept path by path: times "
    "(S,), each quantity (S, paths), nan from a path's blow-up on, blow_up (paths,), its time or inf, final (dim, paths)",
    "statistics": "for a larger run: times (S,), blow_ups (S,), how many by each time, blown_paths and blown_times, the first "
    f"{LISTED} of them by number; for each quantity Q: Q.count, Q.mean, Q.variance, Q.least, Q.greatest (S,), and the histogram "
    "Q.bin_time (number of the saved time), Q.bin_left, Q.bin_right, Q.bin_count",
    "quantiles": digest.METHOD + "; a run that is kept path by path has its order statistics themselves",
    "intervals": f"of level {LEVEL}, over the paths that did not blow up; for means by the central limit theorem (Student), for "
    "quantiles and proportions exact for every law",
    "unseen": "for each quantity, why the sample does not see its mean at the last time, whose interval is then not sound: "
    '"mean-square growth", second moments grow (with the exponent growth) faster than the square of the mean, or "one path"',
    "seeds": "runs of one step size have the seed as their key, the method its own draws and the models common ones; the key of "
    "step size n > 1 is fold_in(key(seed), n): numerics.runs.nth_key",
}
_LABELS = {"loss": "loss $f(x)$", "gradient_norm": r"gradient norm $\|\nabla f(x)\|$", "norm": r"norm $\|x\|$"}


def publish(
    run: Run, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any], folder: Path, work: Parts
) -> dict[str, Any]:
    """Write the archive (OSError) of a run with these arrays over all its paths, and return its entry in the summary."""
    times = run.grid * float(run.problem.tau or 0)
    ranges = {name.removeprefix(RANGE): float(a.max()) for name, a in arrays.items() if name.startswith(RANGE)}
    arrays = {name: a for name, a in arrays.items() if not name.startswith(RANGE)}
    problem, growth = run.problem, None
    if isinstance(problem.loss, Loss):  # the import loads the solver, which an existing run does not need
        from sdescent.numerics.without_sampling.closed_moments import mean_square_growth

        eta = float(problem.eta or 0)
        growth = mean_square_growth(problem.method, run.kind, problem.loss, problem.dim or 0, {"eta": eta})
    reasons: dict[str, Any] = {}
    estimates: dict[str, Any] = {}
    if run.whole:
        archive = {"times": times, **arrays}
        for name in run.experiment.quantities:
            reasons[name], estimates[name] = unseen_in(arrays[name][-1], growth), series(arrays[name])
        lost = np.flatnonzero(np.isfinite(arrays["blow_up"]))
        when = arrays["blow_up"][lost]
        by_time, count = blow_ups_by(when, times), len(lost)
        blown = lost[:LISTED], when[:LISTED]
    else:
        archive = {"times": times, **{n: arrays[n] for n in ("blow_ups", "blown_paths", "blown_times")}}
        for name, summed in digests(run, arrays).items():
            least, most, paths = (float(getattr(summed, field)[-1]) for field in ("least", "greatest", "count"))
            # the sum of absolute values is not stored, and is known only if all values have one sign
            total = abs(float(summed.mean[-1])) * paths if least >= 0 or most <= 0 else math.inf
            reasons[name] = unseen(max(abs(least), abs(most)), total, int(paths), growth)
            estimates[name] = summed.over_time(*BAND, LEVEL).to_dict()
            fields = ("count", "mean", "variance", "least", "greatest")
            archive |= {f"{name}.{field}": getattr(summed, field) for field in fields}
            archive |= {f"{name}.bin_{field}": array for field, array in summed.histogram().items()}
        by_time, count = arrays["blow_ups"], int(arrays["blown"])
        blown = arrays["blown_paths"], arrays["blown_times"]
    content = packed(archive)
    _make_way(folder, work.hash)
    file = f"{RESULTS}/{run.name}.npz"
    write_atomic(folder / file, content)
    settings = {**settings, "paths": run.experiment.paths, "first": 0, "seed": run.experiment.seed}
    return {
        "eta": str(problem.eta),
        "model": run.kind,
        "file": file,
        "sha256": hashlib.sha256(content).hexdigest(),
        "storage": "paths" if run.whole else "statistics",
        "settings": settings | ({"ranges": ranges} if ranges else {}),
        "times": times.tolist(),
        "quantities": estimates,
        "growth": growth,
        "unseen": reasons,
        "blow_ups": {
            "count": count,
            "share": proportion(count, run.experiment.paths, LEVEL).to_dict(),
            "by_time": [int(n) for n in by_time],
            "listed": [{"path": int(n), "time": float(t)} for n, t in zip(*blown, strict=True)],
        },
    }


def blow_ups_by(when: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The number of paths that have blown up by each saved time, shape (S,), from the times of their blow-ups."""
    return np.sum(when <= times[:, None] * (1 + 1e-12), axis=1)  # a blow-up at a saved time counts, however rounded


def sweep(folder: Path) -> None:
    """Remove files that a killed run left half-written; no other process is writing here (see `runs.alone`)."""
    for inside in (RESULTS, FIGURES):
        sweep_temporaries(folder / inside, older=-math.inf)
    for path in folder.glob(f".{Path(SUMMARY).stem}.*.part.json"):
        path.unlink(missing_ok=True)


def sha256_of(path: Path) -> str | None:
    """The digest of a file; None if it cannot be read."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(read_regular(path)).hexdigest()
    return None


def draw(entries: Iterable[Mapping[str, Any]], folder: Path, work: Parts) -> list[str]:
    """Draw means and 10-90 % bands of the runs for each quantity and step size, as PDF and PNG (OSError); return the files' names.

    A single saved time gives no figure. A figure whose files are complete and already show these numbers is not drawn again.
    """
    listed, files = list(entries), []
    for eta in dict.fromkeys(e["eta"] for e in listed):
        runs = {"method" if e["model"] == METHOD else e["model"]: e for e in listed if e["eta"] == eta}
        first, *_ = runs.values()
        number = first["file"].partition("/eta")[2].partition("-")[0]
        for name in first["quantities"] if len(first["times"]) > 1 else ():
            estimates = {run: e["quantities"][name] for run, e in runs.items()}
            curves = {run: {edge: of[edge] for edge in ("mean", "low", "high")} for run, of in estimates.items()}
            stem = f"{name}-eta{number}"
            names = [f"{FIGURES}/{stem}.{suffix}" for suffix in _SUFFIXES]
            files += names
            # everything else that a figure depends on is in the identity of the parts
            of = canonical_json([eta, first["times"], curves, _label(name), version("matplotlib")])
            there = _fingerprint(of, folder, names)
            if None not in there["files"].values() and work.get_record(stem) == there:
                continue
            work.drop(stem)
            with figure(folder / FIGURES, stem, size=(4.6, 2.3), suffixes=_SUFFIXES) as axes:
                # None becomes nan, which leaves a gap in the line
                drawn = {
                    run: {edge: np.array(c, float).tolist() for edge, c in of.items()} for run, of in curves.items()
                }
                bands(axes[0], first["times"], drawn)
                axes[0].set_ylabel(_label(name))
                axes[0].set_title(rf"step size $\eta={eta}$", loc="right")
                legend(axes)
            work.put_record(stem, _fingerprint(of, folder, names))
    return files


def _fingerprint(of: str, folder: Path, files: Iterable[str]) -> dict[str, Any]:
    """The digests of a figure's numbers and of its files."""
    return {"of": hashlib.sha256(of.encode()).hexdigest(), "files": {file: sha256_of(folder / file) for file in files}}


def _label(name: str) -> str:
    return _LABELS.get(name) or (name if name in entries("statistic") else f"$x_{{{name[1:]}}}$")


def finish(summary: Mapping[str, Any], folder: Path) -> None:
    """Write the summary (OSError if impossible), and remove archives and figures of earlier experiments that it does not name."""
    named = {*summary["figures"], *(entry["file"] for entry in summary["runs"])}
    quantities = "|".join((*QUANTITIES, *entries("statistic")))
    for inside, pattern in ((RESULTS, r"eta\d+-[a-z-]+\.npz"), (FIGURES, rf"({quantities}|x\d+)-eta\d+\.(pdf|png)")):
        for path in (folder / inside).iterdir() if (folder / inside).is_dir() else ():
            if re.fullmatch(pattern, path.name) and f"{inside}/{path.name}" not in named:
                path.unlink()
    write_atomic(folder / SUMMARY, json.dumps(summary, indent=1, allow_nan=False) + "\n")


def _make_way(folder: Path, identity: str) -> None:
    """Remove the summary unless it belongs to this experiment."""
    path = folder / SUMMARY
    with contextlib.suppress(FileNotFoundError):
        try:
            if json.loads(read_regular(path))["hash"] == identity:
                return
        except (ValueError, KeyError, TypeError):  # not a complete file of this program
            pass
        path.unlink()
