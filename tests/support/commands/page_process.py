"""The processes of a page: one for its Python blocks, one for its `sdescent` commands, which a small program sends to it.

To import the packages takes a second or two, and to compile a program another: each page does both once. A command runs as it does
in a process of its own, with its own streams, folder and plugins, and sees nothing that a Python block has loaded; where a block
gives it another environment, it has a process.
"""

import contextlib
import gc
import io
import json
import multiprocessing
import os
import socket
import sys
import tempfile
import traceback
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sdescent.reports.commands.garbage import collect_rarely

#: what processes of pages have imported already after `prepare`
HEAVY = tuple(
    f"sdescent.{name}"
    for name in (
        "plugins", "reports.cli", "reports.commands.report_derive_list", "reports.commands.auditing",
        "reports.commands.prove_and_suggest", "reports.commands.check_claim_replay_export",
        "reports.commands.solving.results", "reports.commands.solving.runs", "reports.commands.sweeping.command",
        "numerics.evidence.verify", "derive.theorems.catalogue", "derive.theorems.bounds.suggest",
    )
)  # fmt: skip
#: variables that each shell sets anew
_OF_SHELLS = ("PWD", "OLDPWD", "SHLVL", "_")
_PROCESSES = multiprocessing.get_context("forkserver")
_CLIENT = """#!{python} -IS
import json, os, socket, sys
own = {{name: value for name, value in os.environ.items() if name not in {shell}}}
if own != json.loads({environment!r}):
    os.execv({command!r}, sys.argv)
with socket.socket(socket.AF_UNIX) as page:
    page.connect({address!r})
    socket.send_fds(page, [b"c"], [0, 1, 2])
    page.sendall(json.dumps([sys.argv[1:], os.getcwd()]).encode())
    page.shutdown(socket.SHUT_WR)
    sys.exit(int(page.makefile().read()))
"""


def prepare(programs: Path) -> dict[str, str]:
    """Processes of pages have the packages imported from now on, if none has begun yet.

    Returns:
        The environment in which they also share compiled programs, in this folder.
    """
    _PROCESSES.set_forkserver_preload([*HEAVY])
    # XLA logs an error for each program that it reads
    variables = {"JAX_COMPILATION_CACHE_DIR": str(programs), "TF_CPP_MIN_LOG_LEVEL": "3"}
    return variables | {"JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2"}


class PageProcess:
    """Runs code and commands in a folder.

    Args:
        folder: of the page; its `.venv` becomes the environment of the tests, with a command `sdescent` that runs here.
        environment: of the blocks.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._place = tempfile.TemporaryDirectory(prefix="page-")
        commands, blocks = (f"{self._place.name}/{name}" for name in ("c", "p"))  # short paths, as sockets need
        here = Path(sys.executable).parent
        bin = folder / ".venv/bin"
        bin.mkdir(parents=True)
        for path in (*here.parent.iterdir(), *here.iterdir()):
            link = (bin if path.parent == here else bin.parent) / path.name
            if path != here and path.name != "sdescent":
                link.symlink_to(path)
        self.environment = environment | {"PATH": f"{bin}{os.pathsep}{here}{os.pathsep}{environment['PATH']}"}
        lasting = json.dumps({name: value for name, value in self.environment.items() if name not in _OF_SHELLS})
        client = _CLIENT.format(
            python=sys.executable, shell=_OF_SHELLS, environment=lasting, address=commands, command=str(here / "sdescent"),
        )  # fmt: skip
        (bin / "sdescent").write_text(client, encoding="utf-8")
        (bin / "sdescent").chmod(0o755)
        self._processes = [self._started(str(folder), address) for address in (commands, blocks)]
        self._address = blocks

    def run(self, code: str, seconds: float) -> tuple[str, str]:
        """What a block of Python prints, and its error.

        Raises:
            EOFError: the process ended, or did not answer within these seconds.
        """
        with socket.socket(socket.AF_UNIX) as page:
            page.settimeout(seconds)
            try:
                page.connect(self._address)
                page.sendall(b"p" + json.dumps(code).encode())
                page.shutdown(socket.SHUT_WR)
                answer = page.makefile().read()
            except OSError as error:
                raise EOFError from error
        if not answer:
            raise EOFError
        printed, error = json.loads(answer)
        return printed, error

    def _started(self, folder: str, address: str) -> Any:
        ready, begun = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=_serve, args=(folder, address, self.environment, begun), daemon=False)
        process.start()
        begun.close()
        ready.recv()
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.join()
        self._place.cleanup()


def _serve(folder: str, address: str, environment: dict[str, str], begun: Any) -> None:
    gc.freeze()  # what is imported stays
    collect_rarely()  # as a command does in a process of its own
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path.insert(0, folder)
    names: dict[str, Any] = {"__name__": "__main__"}
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(address)
        server.listen()
        begun.send(True)
        while True:
            connection, _ = server.accept()
            with connection:
                kind, streams, *_ = socket.recv_fds(connection, 1, 3)
                request = json.loads(connection.makefile().read())
                answer = json.dumps(_code(request, names)) if kind == b"p" else str(_command(*request, streams))
                with contextlib.suppress(BrokenPipeError):
                    connection.sendall(answer.encode())


def _code(text: str, names: dict[str, Any]) -> tuple[str, str]:
    out, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(text, "<block>", "exec"), names)
    except BaseException:
        error = traceback.format_exc()
    return out.getvalue(), error


def _command(arguments: Sequence[str], folder: str, streams: Sequence[int]) -> int:
    """The exit status of a command, with these streams and in this folder."""
    from sdescent.reports.cli import main
    from tests.support.commands.own_pieces import forgotten

    before, here = [os.dup(n) for n in range(3)], os.getcwd()
    whole = sys.stdin, sys.stdout, sys.stderr
    try:
        os.chdir(folder)
        for n, stream in enumerate(streams):
            os.dup2(stream, n)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(n, "w" if n else "r", encoding="utf-8", closefd=False) for n in range(3)
        )
        with forgotten():
            return main(arguments)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        sys.stdin, sys.stdout, sys.stderr = whole
        for n, stream in enumerate(before):
            os.dup2(stream, n)
            os.close(stream)
        os.chdir(here)
