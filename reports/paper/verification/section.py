"""The catalogue compared with numbers, bounds as curves over time, and weak orders of the models (theory 2, 6, 7)."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, final

import numpy as np

from sdescent.derive.proof.language.text import TermWriter
from sdescent.derive.theorems.catalogue import entries
from sdescent.derive.theorems.entry.theorem import Refutation, Theorem
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.evidence.paths.curves import polyak, random_time
from sdescent.numerics.evidence.paths.random_time import instances
from sdescent.numerics.evidence.verify import verify
from sdescent.reports.claims.evidence import METHOD, evidence
from sdescent.reports.claims.verdict_of_claim import Results
from sdescent.reports.document.tex import by_key, escape, listed, number
from sdescent.reports.document.verdict_filter import slug
from sdescent.reports.paper.verification import weak_orders
from sdescent.reports.sections.base import NONE, Excerpt, Inputs, Section, reduced

#: number of paths behind a curve over the horizon, for the SDE and the method each
PATHS = {"quick": 1536, "full": 8192}
#: the entries whose curves are in the figure, in order; the PL bound comes last
IN_FIGURE = ("6.2-scheduled", "6.3-low-scheduled", "6.4-global-scheduled")
#: verdicts from the worst to the best, to combine several routes
_ORDER = (Verdict.VIOLATED, Verdict.INCONCLUSIVE, Verdict.CONFIRMED)
#: largest relative difference between two computations of one number
_ROUNDING = 1e-12
#: id of a fact about a noise law; many are similar: 8-cauchy-1, 8-cauchy-2, ..
_LAW = re.compile(r"(8-.+)-(\d+)")
#: plain text in the notes of checks -> LaTeX
_MATHS = {
    "E x^2": r"\mathbb{E}\,x^2", "E G": r"\mathbb{E}\,G", "|f'|": "|f'|", "f''": "f''", "D_0": "D_0", "eta": r"\eta",
    "eps": r"\varepsilon", "kappa": r"\kappa", "omega": r"\omega", "(1+t)^(-1/2)": "(1+t)^{-1/2}",
}  # fmt: skip
_IN_NOTES = re.compile("(" + "|".join(rf"(?<!\w){re.escape(plain)}(?!\w)" for plain in _MATHS) + ")")
TITLES = {
    "4": "compression ratios", "6.1": "D(C)SGD, first-order model", "6.2": "D(C)SGD, corrected model", "6.3": "normalised D(C)SGD",
    "6.4": "DSignSGD", "6.5": "the PL case", "6.6": "schedules", "6.7": "stationary laws", "6.8": "scaling rules",
    "6.9": "growth on the quartic", "8": "facts about noise laws and losses",
}  # fmt: skip


@final
class Verification(Section):
    """The catalogue checked by `sdescent.numerics.evidence.verify`, with curves and weak orders."""

    name, title = "verification", "Bounds against numbers"

    def compute(self, context: Inputs) -> dict[str, Any]:
        size = context.size
        curves = {}
        for id in context.announced(scheduled(), "the bound of {} over time".format):
            label, spec = f"verification-curve-{id.replace('.', '-')}", {"id": id, "paths": PATHS[size]}
            curves[id] = context.cache.load_or_compute(label, spec, partial(curve, **spec))
        context.tick("the PL bound over time")
        compute = partial(polyak_curve, PATHS[size])
        pl = context.cache.load_or_compute("verification-pl-curve", {"paths": PATHS[size]}, compute)
        results = [one for group, ids in grouped().items() for one in _group(context, group, ids, curves)]
        orders = [
            weak_orders.stored(context, case, model, weak_orders.HALVINGS[size])
            for case in weak_orders.cases()
            for model in weak_orders.MODELS
        ]
        pieces = theorem_evidence(results)
        pieces |= {f"weak-order-{o['case']}-{o['model']}": weak_orders.evidence_of(o) for o in orders}
        drawn = [*(curves[id] for id in IN_FIGURE), pl]
        return {
            "groups": [{"name": g, "title": TITLES[g], "rows": rows(results, ids)} for g, ids in grouped().items()],
            "counts": {v: sum(e["verdict"] == v and k.startswith("verify") for k, e in pieces.items()) for v in _ORDER},
            "curves": {series["id"]: series for series in drawn},
            "settings": [_settings(curves[id]) for id in IN_FIGURE],
            "pl": _settings(pl),
            "below": all(map(_below, drawn)),
            "apart": [number(_apart(series), 2) for series in drawn],
            "tightness": tightness(results),
            "orders": [o | {"shown": weak_orders.row(o)} for o in orders],
            "cases": {name: case["words"] for name, case in weak_orders.cases().items()},
            "widest": number(weak_orders.WIDEST),
            "paths": PATHS[size],
            "quick": context.quick,
            "left_out": _left_out() if context.quick else [],
            "evidence": pieces,
        }

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        weak_orders.draw(result, folder)

    def beside(self, result: Mapping[str, Any], results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        ledger_results, pieces = Results.of(results), result["evidence"]
        drawn = weak_orders.drawn(result)
        in_figure = {key: piece for key, piece in pieces.items() if piece["about"] in drawn}
        left = violations(drawn, in_figure, ledger_results)
        titles = {id: rf"\emph{{{escape(entry.title)}}}" for id, entry in entries().items()}
        return {
            "covering": covering(pieces, ledger_results),
            "left": left | {key: listed([titles[id] for id in left[key]]) for key in ("proved", "refuted")},
            "tight": {"count": len(result["tightness"]) - len(drawn), "factor": number(weak_orders.LOOSE)},
        }  # fmt: skip


def _left_out() -> list[tuple[str, str]]:
    """The reductions of a quick report; the last one, which `_group` makes, is not derived from settings."""
    quick, full = ({"paths": PATHS[size], "halvings": weak_orders.HALVINGS[size]} for size in ("quick", "full"))
    words = {"paths": "paths", "halvings": "step sizes of weak orders"}
    return [*reduced(quick, full, words), (NONE, "simulations outside the conditions")]


@final
class Comparisons(Excerpt):
    """The tables of `Verification`: every entry, subject and route."""

    name, title = "comparisons", "The catalogue against numbers, entry by entry"
    source, keys = "verification", ("groups",)


# --- the catalogue ------------------------------------------------------------------------------------------------------


def scheduled() -> list[str]:
    """The ids of the entries about a random time, which are checked by simulation."""
    return [id for id in entries() if id.endswith("scheduled")]


def grouped() -> dict[str, list[str]]:
    """The ids by section of the theory, in the order of `TITLES`."""
    return {name: [id for id in entries() if id.partition("-")[0] == name] for name in TITLES}


def _group(context: Inputs, group: str, ids: Sequence[str], curves: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The results of a group. Simulations are separate pieces; in a quick report they come from the curves."""
    apart = [id for id in ids if id in curves]
    rest = [id for id in ids if id not in apart]
    results: list[dict[str, Any]] = []
    for id in apart:
        context.tick(f"simulations of {id}")
        if context.quick:
            results += curves[id]["verified"]
        else:
            label = f"verification-{id.replace('.', '-')}"
            results += context.cache.load_or_compute(label, {"ids": [id]}, partial(verified, [id]))
    context.tick(f"numbers for {TITLES[group]}")
    label = f"verification-group-{group.replace('.', '-')}"
    return results + context.cache.load_or_compute(label, {"ids": rest}, partial(verified, rest))


def verified(ids: Sequence[str]) -> list[dict[str, Any]]:
    """The results of `sdescent.numerics.evidence.verify`, as JSON values."""
    return [one.to_dict() for one in verify(ids, seconds=3600)] if ids else []


def curve(id: str, paths: int) -> dict[str, Any]:
    """The curve of an entry, and its verdicts at the last horizon in the form of `verified`."""
    (instance,) = [i for i in instances() if i.id == id]
    simulated = random_time(instance, paths)
    judged = [
        {
            "id": id, "subject": subject, "route": "Monte Carlo", "verdict": d.verdict, "tightness": d.tightness, "count": d.paths,
            "failing": 0, "outside": {}, "decision": d.to_dict(),
        }
        for subject, d in simulated.decisions.items()
    ]  # fmt: skip
    about = {"model": instance.model, "method": instance.method.name, "verified": judged, "stopped": simulated.stopped}
    return _series_of(simulated) | about


def polyak_curve(paths: int) -> dict[str, Any]:
    """The PL bound with the exact E f, and its simulated mean and band."""
    simulated, exact = polyak(paths)
    about = {"model": "corrected", "method": "DCSGD", "exact": {s: e.tolist() for s, e in exact.items()}}
    return _series_of(simulated) | about


def _series_of(simulated: Any) -> dict[str, Any]:
    edges = ("mean", "low", "high")
    series = {s: {edge: getattr(v, edge).tolist() for edge in edges} for s, v in simulated.series.items()}
    head = {"id": simulated.id, "times": simulated.horizons.tolist(), "bound": simulated.bound.tolist()}
    return {**head, "series": series, "settings": simulated.settings}


def _apart(curve: Mapping[str, Any]) -> float:
    """The largest relative distance between the method's mean and the SDE's over time, in per cent of the SDE's."""
    sde, method = (np.array(curve["series"][subject]["mean"]) for subject in ("SDE", "method"))
    return float(100 * np.max(np.abs(method / sde - 1)))


def _below(curve: Mapping[str, Any]) -> bool:
    """Whether neither mean ever exceeds the bound."""
    bound = np.array(curve["bound"])
    return all(np.all(np.array(series["mean"]) <= bound * (1 + _ROUNDING)) for series in curve["series"].values())


def _settings(curve: Mapping[str, Any]) -> dict[str, str]:
    curve = {n: v for n, v in curve["settings"].items() if isinstance(v, int | float)}
    return {n: str(v) if isinstance(v, int) else number(v) for n, v in curve.items()}


def worst(verdicts: Iterable[str]) -> str:
    """The worst verdict: VIOLATED if one is, CONFIRMED if there are some and all are, else INCONCLUSIVE."""
    present = set(verdicts)
    return next((v for v in _ORDER if v in present), Verdict.INCONCLUSIVE)


def theorem_evidence(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The evidence verify-<entry>-<subject>: verdict, comparisons and failures; every point counts, a simulation once."""
    pieces = {}
    for (id, subject), parts in by_key(((one["id"], one["subject"]), one) for one in results).items():
        sizes = [
            (1, int(p["verdict"] == Verdict.VIOLATED)) if p["decision"] else (p["count"], p["failing"]) for p in parts
        ]
        pieces[f"verify-{id}-{slug(subject)}"] = evidence(
            id, subject, worst(p["verdict"] for p in parts), "; ".join(dict.fromkeys(_says(p) for p in parts)),
            f"tab:verification-{id.partition('-')[0].replace('.', '-')}", sum(n for n, _ in sizes), sum(f for _, f in sizes),
            values=parts[0]["instance"] if _single(parts[0]) else None,
        )  # fmt: skip
    return pieces


def _single(one: Mapping[str, Any]) -> bool:
    """Whether a comparison is of one number, which its note tells."""
    return one["count"] == 1 and bool(one.get("note"))


def _says(one: Mapping[str, Any]) -> str:
    if one["decision"]:
        d, e = one["decision"], one["decision"]["estimate"]
        return (
            rf"the estimate is ${number(e['value'])}$ in $[{number(e['lower'])},{number(e['upper'])}]$, with a solver error of "
            rf"at most ${number(d['error'], 2)}$, against ${number(d['bound'])}$ ({one['count']} paths)"
        )
    if one["route"] == "witness":
        return f"the claim {'fails' if one['failing'] else 'holds'} at the numbers that should refute it"
    if _single(one):
        return rf"{one['route']}: {_in_words(one['note'])}"
    says = f"{one['route']}: holds at {one['count'] - one['failing']} of {one['count']} points"
    if one["tightness"] is not None:
        says += rf", bound over value at least ${number(one['tightness'])}$"
    apart = one.get("apart", "") if one["verdict"] == Verdict.VIOLATED else ""
    return says + (f" ({_in_words(apart)})" if apart else "")


def _in_words(note: str) -> str:
    return "".join(f"${_MATHS[part]}$" if part in _MATHS else str(escape(part)) for part in _IN_NOTES.split(note))


def rows(results: Sequence[Mapping[str, Any]], ids: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table, one for each entry, subject and route; facts about one law share a row if their verdicts agree."""
    keyed = []
    for one in (f for id in ids for f in results if f["id"] == id):
        law = _LAW.fullmatch(one["id"])
        name, verdict = (law[1], one["verdict"]) if law else (one["id"], "")
        keyed.append(((name, one["subject"], one["route"], verdict), one))
    return [_row(name, of) for (name, *_), of in by_key(keyed).items()]


def _row(name: str, results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    many, first = len({one["id"] for one in results}), results[0]
    low = min((one["tightness"] for one in results if one["tightness"] is not None), default=None)
    needed = dict.fromkeys(n for one in results for n, fails in one["outside"].items() if fails)
    return {
        "name": name + (f" ({many} facts)" if many > 1 else ""),
        "subject": first["subject"],
        "route": first["route"],
        "verdict": worst(one["verdict"] for one in results),
        "tightness": "" if low is None else number(low) if low >= 1e-3 else "0",
        "count": sum(one["count"] for one in results),
        "failing": sum(one["failing"] for one in results) or "",
        "needed": ", ".join(_mathematics(first["id"], n) for n in needed),
    }


def _mathematics(id: str, name: str) -> str:
    """An assumption in TeX: its name if that consists of words, else the formula that the name spells."""
    if not set(name) & set("<>=^_"):
        return str(escape(name))
    entry = entries()[id]
    relations = (
        {**entry.assumptions, **entry.definitions} if isinstance(entry, Theorem) else {**entry.assume, **entry.mended}
    )
    context = entry.context if isinstance(entry, Theorem) else None
    return f"${TermWriter(entry.names, context=context).relation(relations[name])}$"


def tightness(results: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The least bound/value over routes, as entry -> subject -> number in the order of the catalogue, where one is known.

    An equality has none, whether it is proved or refuted. The subject "witness" stands for the numbers that refute a claim.
    """
    ratios: dict[str, dict[str, float]] = {}
    for one in results:
        id, entry = one["id"], entries()[one["id"]]
        if one["tightness"] is None or (isinstance(entry, Refutation) and entry.claim.op == "=="):
            continue
        subject = "witness" if one["route"] == "witness" else "method" if one["subject"] == METHOD else "SDE"
        of_entry = ratios.setdefault(id, {})
        of_entry[subject] = min(of_entry.get(subject, math.inf), one["tightness"])
    return {id: ratios[id] for id in entries() if id in ratios}


def violations(
    ratios: Mapping[str, Mapping[str, float]], pieces: Mapping[str, Mapping[str, Any]], results: Results
) -> dict[str, Any]:
    """The violated rows in the figure of `ratios`: "proved" and "refuted" ids, and for "method" how many do not carry over.

    Refuted claims count if they have a ratio besides the witness's.
    """
    failing = [piece for piece in pieces.values() if piece["verdict"] == Verdict.VIOLATED]
    covered = list(dict.fromkeys(piece["about"] for piece in failing if results.covers(piece)))
    return {
        "proved": [id for id in covered if isinstance(entries()[id], Theorem)],
        "refuted": [id for id in covered if isinstance(entries()[id], Refutation) and "SDE" in ratios[id]],
        "method": sum(piece["subject"] == METHOD and not results.covers(piece) for piece in failing),
    }


#: the end of the id of a theorem about the method, if there is one about the equation too
OF_THE_METHOD = "-method"


def covering(evidence: Mapping[str, Mapping[str, Any]], results: Results) -> str:
    """The entries about the method itself, whose proofs cover their comparisons with it, in words; "" if there are none.

    A group is named as a whole if all its comparisons with the method are covered, and so are a method's entries.
    """
    covered = {
        piece["about"]: results.covers(piece)
        for piece in evidence.values()
        if piece["subject"] == METHOD and piece["about"] in entries()
    }
    groups = by_key((id.partition("-")[0], id) for id in covered)
    whole = [name for name, ids in groups.items() if all(covered[id] for id in ids)]
    single = [id for name, ids in groups.items() if name not in whole for id in ids if covered[id]]
    ending = [id for id in single if id.endswith(OF_THE_METHOD)]
    if len(ending) > 1 and all(covered[id] for id in covered if id.endswith(OF_THE_METHOD)):
        single = [f"those whose names end in {OF_THE_METHOD}", *(id for id in single if id not in ending)]
    return listed([*single, *([f"those of {listed(whole)}"] if whole else [])])
