"""Measurements along runs of the user's own models: the noise, the curvature, theorems, forecasts, and the figures."""

from pathlib import Path
from typing import Any, final

from sdescent.reports.sections.base import Inputs, Section
from sdescent.reports.sections.measured_figures import CAPTIONS, draw
from sdescent.reports.sections.measured_lines import forecast_notes, forecast_rows, lines, theorem_rows


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
