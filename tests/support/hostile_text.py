"""Text that nobody means, and a watch that sees whether reading it evaluates or writes anything.

An audit hook of the interpreter sees every string that is compiled or executed, every process that is started and every file that
is opened for writing.
"""

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TOKENS = [
    *":,=|./+-*^()[]{}\\$_%#&~'\"`;!? \t\n\r\0\x1b", "**", "__", "e9", "inf", "nan", "oo", "\u0661", "\u00b2", "\uff0f",
    "\u200b", "\u202e", "\ud800", "\U0001f600", "lambda", "import os", "\\write18", "9" * 50, "0", "1", "-1", "sigma",
    "eta",
]  # fmt: skip

_watching: list[list[str]] = []
_STARTS = {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "subprocess.Popen", "socket.connect"}
_FILES = {"os.mkdir", "os.rename", "os.remove", "os.link", "os.symlink", "os.truncate"}


def _hook(event: str, arguments: tuple) -> None:
    if not _watching:
        return
    evaluated = (event == "compile" and arguments[1] in ("<string>", "<unknown>", None)) or (
        event == "exec" and getattr(arguments[0], "co_filename", "") == "<string>"
    )
    written = event == "open" and isinstance(arguments[1], str) and bool(set(arguments[1]) & set("wax+"))
    # Typer lets the standard library evaluate the annotations of our own functions, which are text in the source.
    if written or event in _STARTS | _FILES or (evaluated and not _inside("/typing.py", "/inspect.py")):
        _watching[-1].append(f"{event} {arguments}")


def _inside(*files: str) -> bool:
    frame = sys._getframe(1)
    while frame is not None and not frame.f_code.co_filename.endswith(files):
        frame = frame.f_back
    return frame is not None


sys.addaudithook(_hook)


@contextmanager
def nothing_is_evaluated_or_written() -> Iterator[None]:
    """Fails where anything inside was evaluated, started or written."""
    _watching.append([])
    try:
        yield
    finally:
        seen = _watching.pop()
    assert seen == []


def noise_text(chance: random.Random) -> str:
    """Up to 39 characters of one of four alphabets."""
    alphabet = chance.choice([range(0x20, 0x7F), range(0x100), range(0x3000), range(0x110000)])
    return "".join(chr(chance.choice(alphabet)) for _ in range(chance.randrange(40)))
