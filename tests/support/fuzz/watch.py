"""What a case may not do: crash, go on, take memory, or say what a terminal should not be given."""

import contextlib
import re
import resource
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from sdescent.derive.proof.language.clock import now
from sdescent.derive.vocabulary.errors import BadInput, NoClosedForm, Refusal

MOST_LATE, MOST_MEMORY = 1.0, 2 << 30
#: characters of a message: a list of all methods, or of all keys, is among the longest
LONGEST = 4000
#: characters that are shown of a case that failed
SHOWN = 6000


class Fault(AssertionError):
    """What no input may cause; the message says what was seen."""


#: (what draws everything of the case) -> its outcome in a word
Case = Callable[[Random], str]


def cases(kind: str, case: Case, seed: int, first: int, count: int) -> tuple[Counter[str], list[tuple[int, str]]]:
    """The outcomes of so many cases of a kind, from the number `first` on, and those that failed, by number."""
    outcomes, faults = Counter[str](), list[tuple[int, str]]()
    for number in range(first, first + count):
        try:
            outcomes[case(Random(f"{kind} {seed} {number}"))] += 1
        except Exception:
            faults.append((number, traceback.format_exc()[-SHOWN:]))
    return outcomes, faults


def answered(ask: Callable[[], str], seconds: float, shown: str) -> str:
    """What `ask` returns, or "refused" where it says that the input does not fit, or that what is asked for does not exist.

    Args:
        seconds: the limit of processor time.
        shown: the input, for the message of a fault.

    Raises:
        Fault: see above.
    """
    begun = now()
    try:
        outcome = ask()
    except (BadInput, Refusal, NoClosedForm) as error:
        one_line(getattr(error, "message", str(error)), shown)
        outcome = "refused"
    except (Fault, AssertionError):
        raise
    except Exception as error:
        raise Fault(f"{traceback.format_exc()[-3000:]}\n{shown}") from error
    within(begun + seconds, shown)
    return outcome


def within(end: float, shown: str) -> None:
    """That it is not later than a second past the end, and that this process never took too much memory.

    Raises:
        Fault: it is, or it did.
    """
    if (late := now() - end) > MOST_LATE:
        raise Fault(f"{late:.2f} s past its limit\n{shown}")
    if (most := _most_memory()) > MOST_MEMORY:
        raise Fault(f"{most / 2**30:.2f} GiB of memory, here or before\n{shown}")


def one_line(message: str, shown: str) -> None:
    """That a message may be printed in a terminal as one line.

    Raises:
        Fault: it may not.
    """
    if not message.isprintable() or not 0 < len(message) <= LONGEST:
        raise Fault(f"the message {message[:500]!r} of {len(message)} characters\n{shown}")


def _most_memory() -> int:
    """The most bytes that this process had; where there is /proc, without those of its parent, which getrusage counts."""
    with contextlib.suppress(OSError):
        if most := re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text()):
            return int(most[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
