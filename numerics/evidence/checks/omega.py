"""Compression ratios of theory 4 by sampling: E||C(v) - v||^2 <= omega ||v||^2 for the toolkit's compressors at fixed messages.

If a message attains the ratio, sampling cannot decide the upper bound omega itself. The check then tests omega/1.05 and 1.05 omega.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from sdescent.derive.methods.compressors import Bernoulli, Compressor, Natural, RandK
from sdescent.derive.vocabulary.verdicts import Verdict
from sdescent.numerics.backend.compiler import jit
from sdescent.numerics.backend.double import jax, jnp
from sdescent.numerics.evidence.checks.formulas import Numbers, paths, symbols, theorem_of
from sdescent.numerics.evidence.checks.result import Verified
from sdescent.numerics.laws.compressors import compress
from sdescent.numerics.laws.counter import draws_from
from sdescent.numerics.statistics.verdicts import decide

#: messages with 9 coordinates: generic, one large coordinate, all coordinates equal
MESSAGES = (
    (0.3, -1.7, 2.2, 0.9, -0.4, 5.0, -0.1, 0.7, 1.3), (8.0, 0.1, -0.1, 0.2, 0.0, 0.1, -0.2, 0.1, 0.1), (1.0,) * 9,
)  # fmt: skip
DIM = 9
#: where omega is attained -> indices into MESSAGES
ATTAINED = {"everywhere": (0, 1, 2), "at equal coordinates": (2,), "nowhere": ()}


def ratio(id: str, numbers: Mapping[str, float]) -> float:
    """The ratio omega by the entry's own definition."""
    return float(Numbers(symbols(paths, **numbers, d=DIM)).value(theorem_of(id).definitions["omega"].right).item())


def farthest(compressor: Compressor, numbers: Mapping[str, float]) -> float:
    """An upper bound on ||C(v) - v||^2/||v||^2 over all outcomes of one of these unbiased compressors."""
    if isinstance(compressor, Bernoulli):
        return (1 / numbers["p"] - 1) ** 2
    if isinstance(compressor, RandK):
        return (DIM / numbers["k"] - 1) ** 2
    return 1.0 if isinstance(compressor, Natural) else float(DIM)


def drawn(
    id: str, compressor: Compressor, numbers: Mapping[str, float] = MappingProxyType({}), attained: str = "nowhere", seed: int = 3,
    scale: float = 1.0, most: int = 64_000,
) -> list[Verified]:  # fmt: skip
    """The verdicts on the ratio, one for each message.

    Args:
        compressor: may have symbols as parameters; `numbers` has their values.
        attained: the messages that attain omega, a key of `ATTAINED`.
        scale: multiplies omega, so that a wrong ratio can test the check.
        most: the largest number of draws.
    """
    omega = ratio(id, numbers) * scale
    results = []

    @partial(jit, static_argnums=2)
    def send(key: Any, whole: Any, count: int, first: Any) -> Any:
        return compress(compressor, draws_from(key, count, first), jnp.asarray(whole), numbers)

    high = farthest(compressor, numbers) + 1e-9
    for n, message in enumerate(MESSAGES):
        v = np.array(message)

        def sample(count: int, first: int, v: np.ndarray = v, n: int = n) -> np.ndarray:
            whole = np.broadcast_to(v[:, None], (DIM, count))
            key = jax.random.fold_in(jax.random.key(seed), n)
            sent = np.asarray(send(key, whole, count, first))
            return np.sum((sent - v[:, None]) ** 2, axis=0) / np.sum(v**2)

        exact = n in ATTAINED[attained]
        slack = 1.05 if exact else 1.0
        decision = decide(sample, slack * omega, 0.0, high, batch=1000, most=most)
        verdict, note = decision.verdict, "at one message"
        if exact:
            note = "at one message: within 5 per cent of omega, from either side"
            below = decide(lambda c, f, draw=sample: -draw(c, f), -omega / slack, -high, 0.0, batch=1000, most=most)
            verdict = below.verdict if verdict is Verdict.CONFIRMED else verdict
        instance = {**numbers, "d": DIM, "v": list(message)}
        more = {"count": decision.paths, "note": note, "decision": decision}
        results.append(Verified(id, "method", "Monte Carlo", verdict, decision.tightness, instance, **more))
    return results
