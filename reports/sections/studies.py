"""The user's sweeps: settings, exceeded bounds, blow-ups and refusals, and the figures."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.sweeps.values import spoken
from sdescent.derive.reading.toml_file import StudyFolder
from sdescent.derive.vocabulary.files import read_regular
from sdescent.numerics.studies.records import LEVEL
from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.store.cache import canonical_json
from sdescent.reports.store.files import write_atomic

#: largest number of values of an axis that are listed one by one
MOST_VALUES = 8


@final
class Studies(Section):
    """Each sweep, as the manifest of its folder describes it."""

    name, title = "studies", "Your sweeps"

    def compute(self, context: Inputs) -> dict[str, Any]:
        every = enumerate(context.announced(context.problem.studies, lambda study: study.name), 1)
        entries = [_entry(f"study-{n}", study) for n, study in every]
        return {"entries": entries, "level": LEVEL, "chance": round(2 / (1 - LEVEL)), "statuses": {}}

    def figures(self, result: dict[str, Any], folder: Path) -> None:
        """Write the sweeps' figures beside those of the report."""
        for entry in result["entries"]:
            for figure in entry["figures"]:
                for suffix, content in figure["contents"].items():
                    write_atomic(folder / f"{figure['id']}.{suffix}", base64.b64decode(content))


def _entry(id: str, study: StudyFolder) -> dict[str, Any]:
    """The fields of a sweep for the template. Raises BadInput if the manifest or a figure was changed since."""
    manifest = study.manifest
    rest = {name: value for name, value in manifest.items() if name != "sha256"}
    if hashlib.sha256(canonical_json(rest).encode()).hexdigest() != manifest["sha256"]:
        raise study.damaged("the manifest")
    sweep = manifest["sweep"]
    figures = [figure for figure in manifest["figures"] if figure["files"]]
    return {
        "id": id,
        "name": study.name,
        "points": manifest["points"],
        "axes": [{"name": axis, "values": _values(sweep["blocks"], axis)} for axis in manifest["axes"]],
        "settings": [
            {"name": name, "value": spoken(v)} for name, v in sweep["base"].items() if name not in manifest["axes"]
        ],
        "bounds": [_bound(b) for b in manifest["bounds"]],
        "formulas": list({b["bound"]: _bound(b) for b in manifest["bounds"]}.values()),
        "thresholds": [{"name": name, "relation": relation} for name, relation in sweep.get("thresholds", {}).items()],
        **{name: manifest[name] for name in ("runs", "refused", "no_figures")},
        "versions": ", ".join(f"{name} {version}" for name, version in manifest["context"]["versions"].items()),
        "figures": [_figure(f"{id}-{figure['name']}", figure, study) for figure in figures],
    }


def _bound(counted: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of a bound under names that a template accepts; the folder of an earlier version may lack some of them."""
    return {
        "where": [],
        "theorem": None,
        **counted,
        "none": counted["no value"],
        "unclaimed": counted.get("not claimed", 0),
    }


def _figure(id: str, figure: Mapping[str, Any], study: StudyFolder) -> dict[str, Any]:
    contents = {}
    for name in figure["files"]:
        try:
            content = read_regular(study.path / name)
        except OSError:
            content = b""
        if hashlib.sha256(content).hexdigest() != study.manifest["digests"][name]:
            raise study.damaged(name)
        contents[name.rpartition(".")[2]] = base64.b64encode(content).decode()
    return {"id": id, "caption": figure["caption"], "contents": contents}


def _values(blocks: list[Mapping[str, Any]], axis: str) -> list[str]:
    """The values of an axis, as one line of text for each block."""
    texts = []
    for block in blocks:
        listed = block["grid"].get(axis) or next((group[axis] for group in block["zip"] if axis in group), None)
        if axis in block["random"]:
            draw = ", ".join(f"{name} = {spoken(value)}" for name, value in block["random"][axis].items())
            texts.append(f"{block['count']} drawn: {draw}")
        elif axis in block["fixed"]:
            texts.append(spoken(block["fixed"][axis]))
        elif listed is not None:
            few = [*listed[: MOST_VALUES - 1], "..", listed[-1]] if len(listed) > MOST_VALUES else listed
            count = f" ({len(listed)} values)" if len(listed) > MOST_VALUES else ""
            texts.append(", ".join(map(spoken, few)) + count)
        elif axis == "seed" and block["seeds"] is not None:
            seeds = block["seeds"]
            texts.append(", ".join(map(str, seeds)) if isinstance(seeds, list) else f"{seeds} repeats")
    return list(dict.fromkeys(texts))
