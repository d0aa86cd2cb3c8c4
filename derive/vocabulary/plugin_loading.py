"""Plugins: Python files and installed packages that register a user's pieces (`sdescent.derive.vocabulary.registry`).

A file is executed only if its user names it, with `--load` or the key `plugins` of a TOML file; a package only if it is
installed with an entry point of `GROUP`. Their names and SHA-256 digests are recorded, so that a result can state which
code made it.
"""

import hashlib
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import FrameType, ModuleType, TracebackType
from typing import Any, final

from sdescent.derive.vocabulary.errors import BadInput, one_line
from sdescent.derive.vocabulary.files import read_regular

#: the group of entry points, each of which names a module whose import registers pieces
GROUP = "sdescent.plugins"
_PREFIX = "sdescent_plugin_"
_LONGEST = 300  # characters of a cause
MAX_PLUGIN = 2**24  # bytes of a file


@final
class BrokenPlugin(BadInput):
    """An error for a plugin that cannot be used (exit status 2).

    Args:
        plugin: the name of the plugin, as the user wrote it.
        cause: the error and its line.
        remedy: advice for the user.
    """

    def __init__(self, plugin: str, cause: str, remedy: str) -> None:
        self.cause, self.remedy = " ".join(cause.split()), remedy
        super().__init__(plugin, self.cause, remedy)

    @property
    def message(self) -> str:
        """The message on one line: the plugin, the cause, the remedy."""
        cause = self.cause if len(self.cause) <= _LONGEST else self.cause[: _LONGEST - 3] + "..."
        return one_line(f"{self.field}: {cause}; remedy: {self.remedy}", 10_000)


@final
@dataclass(frozen=True)
class Plugin:
    """A user's code that has been executed."""

    name: str  # the name of the file, or of the entry point with its distribution
    #: the digest of the file, or of all Python and TOML files of the package; None for pieces typed into a session
    sha256: str | None
    root: Path | None  # the file or the folder of the package; None for pieces typed into a session
    installed: bool = False  # whether an entry point names it
    #: for pieces without a file, the time of the first registration in seconds, which tells sessions apart
    since: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """The name and the digest as JSON values, without the path, so that results are the same on every machine."""
        return {"name": self.name, "sha256": self.sha256, **({} if self.since is None else {"since": self.since})}


#: plugins by the first part of their module's name
_PLUGINS: dict[str, Plugin] = {}
#: entry points that are loaded; "" stands for all of them, from the beginning of the loading
_INSTALLED: dict[str, bool] = {}


def load(path: str | Path) -> Plugin:
    """Execute a Python file that registers pieces, unless it has been loaded or imported before.

    A plugin is a single file: its folder is not added to the import path, so that all its imports must be installed.
    Its standard output goes to standard error. Raises BrokenPlugin if the file cannot be read, its execution fails, or
    the import of an installed plugin fails.
    """
    installed()
    quoted, file = str(path), Path(path)
    try:
        source, root = read_regular(file, MAX_PLUGIN, "a Python file"), file.resolve()
    except BadInput as error:
        raise BrokenPlugin(quoted, f"cannot be read: it has {error.value}", error.accepted) from None
    except (OSError, ValueError) as error:  # ValueError: a null character
        cause = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        remedy = "give the path of a Python file with your pieces"
        raise BrokenPlugin(quoted, f"cannot be read: {cause}", remedy) from None
    digest = hashlib.sha256(source).hexdigest()
    for module, plugin in _PLUGINS.items():
        if plugin.sha256 == digest and module in sys.modules:
            return plugin
    name = _PREFIX + file.stem
    if Path(getattr(sys.modules.get(name), "__file__", None) or root) != root:
        name += "_" + hashlib.sha256(str(root).encode()).hexdigest()[:8]
    module = ModuleType(name)
    module.__file__ = str(root)
    plugin = _PLUGINS[name] = Plugin(file.name, digest, root)
    # dataclasses look for the module there, and so does pickle in a process that has loaded it too
    sys.modules[name] = module
    with _blamed(quoted, name, "correct the file; running it alone with python shows where it fails"):
        exec(compile(source, str(root), "exec", dont_inherit=True), module.__dict__)
    return plugin


def installed() -> None:
    """Import the modules of the entry points of `GROUP`, unless done. Raises BrokenPlugin if one of them fails."""
    if "" in _INSTALLED:
        return
    _INSTALLED[""] = True  # set first, since plugins look up names while they are being loaded
    from importlib.metadata import entry_points  # imported late: commands that look up no name do not need it

    try:
        for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
            key = f"{point.name}={point.value}"
            if key in _INSTALLED:
                continue
            top = point.module.partition(".")[0]
            label = point.name if point.dist is None else f"{point.name} ({point.dist.name} {point.dist.version})"
            with _blamed(label, top, "correct or uninstall the package that brings it"):
                root = _root_of(top)
                _PLUGINS[top] = Plugin(label, None if root is None else _digest_of(root), root, installed=True)
                import_module(point.module)
            _INSTALLED[key] = True
    except BaseException:
        del _INSTALLED[""]  # so that the next command reports the error again
        raise


def owner(namespace: Mapping[str, Any]) -> str | None:
    """The file or module whose code has these globals, recorded as a plugin from now on; None for this toolkit."""
    name = str(namespace.get("__name__", "__main__"))
    top = name.partition(".")[0]
    if top == "sdescent":
        return None
    file = namespace.get("__file__")
    if top not in _PLUGINS:
        root = None if file is None else _root_of(top) or Path(file)
        label = top if root is None or root.is_dir() else root.name
        digest, since = (None, time.time()) if root is None else (_digest_of(root), None)
        _PLUGINS[top] = Plugin(label, digest, root, since=since)
    return name if file is None else str(file)


def in_force(namespace: Mapping[str, Any]) -> bool:
    """Whether code with these globals is still in force: its file has not failed, nor been executed again after a change."""
    name = str(namespace.get("__name__", ""))
    return not name.startswith(_PREFIX) or getattr(sys.modules.get(name), "__dict__", None) is namespace


def named() -> dict[str, list[dict[str, Any]]]:
    """{"plugins": [name and SHA-256 digest of each]} for the provenance of a result; {} if there are no plugins."""
    by_name = {(p.name, p.sha256 or ""): p.to_dict() for p in _PLUGINS.values()}
    return {"plugins": [by_name[key] for key in sorted(by_name)]} if by_name else {}


def modules() -> list[ModuleType]:
    """The modules of the plugins, in the order of execution."""
    return [sys.modules[name] for name in _PLUGINS if name in sys.modules]


def elsewhere() -> list[str] | None:
    """The files and modules that another process must load (`load_elsewhere`) to have the same pieces; None if it cannot have them.

    Pieces defined in a script or a session exist only in its process.
    """
    listed = []
    for name, plugin in _PLUGINS.items():
        if plugin.root is None or name == "__main__":
            return None
        if not plugin.installed:
            listed.append(f"import {name}" if plugin.root.is_dir() else str(plugin.root))
    return listed


def load_elsewhere(listed: list[str]) -> None:
    """Load the items that `elsewhere` returned in the parent process."""
    for item in listed:
        module = item.removeprefix("import ")
        if module != item:
            import_module(module)
        else:
            load(item)


def broken_by(error: BaseException) -> BrokenPlugin | None:
    """The error of a plugin if its code raised `error` or called the code that did; None if no plugin is involved."""
    where = _place(error.__traceback__)
    if where is None:
        return None
    plugin, line = where
    remedy = "correct the piece there; if nothing is wrong with it, please report this line"
    return BrokenPlugin(plugin.name, f"line {line}: {type(error).__name__}: {_text_of(error)}", remedy)


def tree_digest(roots: Mapping[str, Path]) -> str:
    """The SHA-256 digest (hex) of the names and contents of all Python and TOML files of the packages {name: folder}."""
    digest = hashlib.sha256()
    for package, root in sorted(roots.items()):
        for file in sorted(file for kind in ("*.py", "*.toml") for file in root.rglob(kind)):
            name = f"{package}/{file.relative_to(root).as_posix()}".encode()
            content = file.read_bytes()
            digest.update(b"%d:%s%d:%s" % (len(name), name, len(content), content))
    return digest.hexdigest()


def _root_of(top: str) -> Path | None:
    """The file of a module or the folder of a package; None if it has neither."""
    try:
        spec = find_spec(top)
    except ValueError:  # a module outside the import system, such as __main__
        return None
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or ())
    return Path(folders[0]) if folders else Path(spec.origin) if spec.has_location and spec.origin else None


def _digest_of(root: Path) -> str | None:
    if root.is_dir():
        return tree_digest({root.name: root})
    return hashlib.sha256(root.read_bytes()).hexdigest() if root.is_file() else None


@contextmanager
def _blamed(name: str, module: str, remedy: str) -> Iterator[None]:
    """A context for the execution of a plugin, which is forgotten if it fails (BrokenPlugin); interrupts of the user
    pass through.
    """
    with _interrupts() as interrupts:
        try:
            with redirect_stdout(sys.stderr):  # standard output is reserved for the answer of the command
                yield
        except BaseException as error:
            where = _place(error.__traceback__)
            plugin = _PLUGINS.pop(module, None)
            if plugin is not None and not plugin.installed:
                sys.modules.pop(module, None)
            if interrupts:
                raise KeyboardInterrupt from None
            line = error.lineno if isinstance(error, SyntaxError) else where[1] if where else None
            cause = f"{type(error).__name__}: {_text_of(error) or 'no message'}"
            raise BrokenPlugin(name, cause if line is None else f"line {line}: {cause}", remedy) from None
        if interrupts:  # the plugin caught the interrupt and went on
            raise KeyboardInterrupt


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A context that lists the signals of keyboard interrupts in its block; they take effect as usual.

    Without it, an interrupt could not be told from a KeyboardInterrupt that a plugin raises itself.
    """
    heard: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield heard
        return

    def hear(number: int, frame: FrameType | None) -> Any:
        heard.append(number)
        return before(number, frame)

    signal.signal(signal.SIGINT, hear)
    try:
        yield heard
    finally:
        if signal.getsignal(signal.SIGINT) is hear:
            signal.signal(signal.SIGINT, before)


def _text_of(error: BaseException) -> str:
    """The text of an error; "" if its class fails to produce it."""
    try:
        return (error.msg or "") if isinstance(error, SyntaxError) else str(error)
    except Exception:
        return ""


def _place(traceback: TracebackType | None) -> tuple[Plugin, int] | None:
    """The innermost plugin in a traceback and its line; None if there is no plugin in it."""
    place = None
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        for plugin in _PLUGINS.values():
            if plugin.root is not None and (file == str(plugin.root) or Path(file).is_relative_to(plugin.root)):
                place = plugin, traceback.tb_lineno
        traceback = traceback.tb_next
    return place
