"""The appendix: certificates, versions, seeds and timings, all read from the results."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from typing import Any

from sdescent.reports.claims.verdict_of_claim import ENTRIES
from sdescent.reports.sections.base import Inputs, Section, reduced_sections

#: number of characters of a digest that are shown
DIGITS = 12


class Appendix(Section):
    """The data that a referee needs to check and rerun everything."""

    name, title = "appendix", "Certificates, versions, seeds, timings"

    def compute(self, context: Inputs) -> dict[str, Any]:
        results = context.results
        proofs = [e for name in ENTRIES for e in results.get(name, {}).get("entries", ()) if e["certificate"]]
        versions = {"Python": platform.python_version(), **context.cache.context.get("versions", {})}
        return {
            "certificates": [_certificate(e) for e in proofs],
            "versions": [{"name": n, "version": v} for n, v in versions.items() if v is not None],
            "machine": f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores",
            "source": str(context.cache.context.get("source", ""))[:DIGITS],
            "plugins": context.cache.context.get("plugins", []),
            "seeds": [{"section": name, "seed": r["seed"]} for name, r in results.items() if "seed" in r],
            "timings": [{"section": name, "seconds": r["seconds"]} for name, r in results.items() if "seconds" in r],
            "left_out": reduced_sections(results),
            "references": [],
        }


def _certificate(entry: Mapping[str, Any]) -> dict[str, Any]:
    text = entry["certificate"]
    return {
        "id": entry["id"],
        "steps": len(json.loads(text)["steps"]),
        "bytes": len(text.encode()),
        "digest": hashlib.sha256(text.encode()).hexdigest()[:DIGITS],
    }
