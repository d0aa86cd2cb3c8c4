"""Measurements along a run, which `sdescent measure` makes, read from a TOML file; the model is in a Python file of the user.

The keys of the method are read as for `sdescent solve` (`sdescent.derive.reading.problems`), this module reads the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, final

from sdescent.derive.reading.problems import Problem, problem
from sdescent.derive.reading.toml_file import TheoremFile, as_written, number, read_keys, theorem_files, whole
from sdescent.derive.vocabulary.errors import BadInput, unknown_name

#: the keys of the method, the numbers of the measurement with their defaults and limits, and the other keys
METHOD_KEYS = ("method", "compressor", "clients", "schedule", "eta", "seed")
NUMBERS: Mapping[str, tuple[int | None, int, int]] = {
    "batch": (None, 1, 10**6),
    "steps": (None, 1, 10**8),
    "points": (64, 2, 10_000),
    "examples": (5000, 16, 10**7),
    "curvature_examples": (512, 16, 10**7),
    "draws": (1000, 200, 10**6),
    "runs": (16, 2, 10_000),
    "horizon": (40, 1, 10**6),
    "forecasts": (4, 0, 1000),
}
KEYS = (*METHOD_KEYS, *NUMBERS, "sampling", "optimum", "constants", "theorems")
#: the numbers of a quick measurement, where the file has larger ones
QUICK = {"points": 8, "curvature_examples": 256, "draws": 400, "runs": 6, "horizon": 10, "forecasts": 1}
SAMPLINGS = WITH_REPLACEMENT, SHUFFLED = ("with-replacement", "shuffled")


@final
@dataclass(frozen=True)
class Measurement:
    """A measurement along a run of K steps."""

    problem: Problem  # the method
    clients: int  # clients, seed: N, and the seed of all draws
    seed: int
    eta: Fraction | None  # the step size, or None if the model file has its own update
    batch: int  # batch, steps: B and K
    steps: int
    points: int  # about how many points are measured
    examples: int  # examples, curvature_examples: the most examples for the noise and for the curvature
    curvature_examples: int
    draws: int  # draws of a mini-batch gradient at a point
    #: runs, horizon, forecasts: of forecasts: the number of runs, the steps ahead, the number of points from which
    runs: int
    horizon: int
    forecasts: int
    sampling: str  # how examples are drawn
    optimum: Fraction | None  # f*, or None
    constants: tuple[tuple[str, Fraction], ...]  # numbers for the letters of theorems
    theorems: tuple[TheoremFile, ...]  # files with the user's own theorems

    def to_dict(self) -> dict[str, Any]:
        """Everything that the results depend on, besides the model, as JSON."""
        return {
            "method": {kind: spec.text for kind, spec in self.problem.specs.items()},
            **{name: getattr(self, name) for name in ("clients", "seed", *NUMBERS, "sampling")},
            **{name: None if v is None else str(v) for name, v in (("eta", self.eta), ("optimum", self.optimum))},
            "constants": {name: str(v) for name, v in self.constants},
            "theorems": [file.to_dict() for file in self.theorems],
        }


def read_measurement(path: str | Path, quick: bool = False) -> Measurement:
    """Read a measurement; if `quick`, the numbers of `QUICK` replace larger ones.

    Raises BadInput if a key is unknown or missing, or a value is not accepted; OSError if the file cannot be read.
    """
    table = read_keys(path, KEYS)
    with as_written():
        return measurement(table, Path(path).parent, quick)


def measurement(table: Mapping[str, Any], folder: Path, quick: bool = False) -> Measurement:
    """A measurement from its fields by name; names of files are relative to `folder`. Raises BadInput as for `read_measurement`."""
    question = problem({key: table[key] for key in METHOD_KEYS if key in table})
    if not question.method.plain:
        accepted = "dsgd, dcsgd or dsignsgd; another update is the optimizer of the model file, beside one of these"
        raise BadInput("method", table.get("method"), accepted)
    if not question.method.clients.is_number:
        raise BadInput("clients", "nothing", "the number of clients")
    for lack in question.lacking:
        if lack.kind in ("number", "vector", "schedule"):
            raise BadInput(lack.name, "a symbol", "numbers, which a run needs")
    numbers: dict[str, Any] = {}
    for name, (default, low, high) in NUMBERS.items():
        value = whole(table.get(name, default), name, low, high)
        if value is None:
            raise BadInput(name, "nothing", f"a whole number from {low} to {high}")
        numbers[name] = min(value, QUICK.get(name, value)) if quick else value
    sampling, constants, optimum = table.get("sampling", "nothing"), table.get("constants", {}), table.get("optimum")
    if sampling not in SAMPLINGS:
        accepted = f'"{SAMPLINGS[0]}" or "{SAMPLINGS[1]}": how your training draws its mini-batches'
        raise unknown_name("sampling", sampling, SAMPLINGS, accepted)
    if not isinstance(constants, Mapping):
        raise BadInput("constants", constants, "a table such as {L0 = 10, L1 = 2}")
    return Measurement(
        problem=question,
        clients=int(question.method.clients),
        seed=question.seed or 0,
        eta=question.eta,
        **numbers,
        sampling=sampling,
        optimum=None if optimum is None else number(optimum, "optimum", "an exact number, the least loss"),
        constants=tuple((name, number(v, f"constants.{name}", "an exact number")) for name, v in constants.items()),
        theorems=theorem_files(table["theorems"], folder, "theorems") if "theorems" in table else (),
    )
