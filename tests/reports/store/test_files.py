import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdescent.reports.store.files import (
    atomic_path,
    make_folder,
    one_line,
    one_line_os_error,
    sweep_temporaries,
    write_atomic,
)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_write_replaces_and_makes_folders(tmp_path):
    target = tmp_path / "a" / "b.txt"
    write_atomic(target, "first")
    write_atomic(target, "zweite Fassung σ")
    assert target.read_text(encoding="utf-8") == "zweite Fassung σ"
    assert names(target.parent) == ["b.txt"]


def test_umask_decides_the_mode(tmp_path):
    old = os.umask(0o027)
    try:
        write_atomic(tmp_path / "x", b"1")
    finally:
        os.umask(old)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


def test_failing_block_leaves_the_old_file(tmp_path):
    target = tmp_path / "figure.pdf"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        assert temporary.suffix == ".pdf" and temporary.parent == tmp_path
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old" and names(tmp_path) == ["figure.pdf"]


def test_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_path(tmp_path / "never"):
        pass
    assert caught.value.filename == str(tmp_path / "never") and names(tmp_path) == []


def test_kernel_refuses_more_bytes(tmp_path):
    """A real limit on the file size, in a process of its own: the write fails in the kernel after some bytes."""
    code = """
import resource, sys
from sdescent.reports.store.files import one_line_os_error, write_atomic
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_atomic(sys.argv[1], b"x" * 10_000)
except OSError as error:
    print(one_line_os_error(error))
"""
    target = tmp_path / "big"
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == f"cannot use {target}: the file is larger than this system allows\n"
    assert names(tmp_path) == []


def test_killed_while_writing(tmp_path):
    """SIGKILL between the bytes and the rename: the old file stays, and the left-over is swept once it is old."""
    target = tmp_path / "result.json"
    target.write_text("old")
    code = """
import sys, time
from sdescent.reports.store.files import atomic_path
with atomic_path(sys.argv[1]) as temporary:
    temporary.write_text("half")
    print("written", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code, target], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "written\n"
        child.send_signal(signal.SIGKILL)
    assert target.read_text() == "old"
    (rest,) = set(names(tmp_path)) - {"result.json"}
    assert sweep_temporaries(tmp_path) == 0  # perhaps another machine is writing it
    old = time.time() - 2 * 3600
    os.utime(tmp_path / rest, (old, old))
    os.utime(target, (old, old))
    assert sweep_temporaries(tmp_path) == 1 and names(tmp_path) == ["result.json"]


def test_real_refusals_name_path_and_cause(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for target, cause in [
        (tmp_path / "file" / "x", "a part of this path is a file, not a folder"), (tmp_path / ("n" * 300), "the name is too long"),
        (tmp_path / "folder", "this is a folder, not a file"),
    ]:  # fmt: skip
        with pytest.raises(OSError) as caught:
            write_atomic(target, "x")
        line = one_line_os_error(caught.value)
        assert line.endswith(f": {cause}") and str(target)[-100:] in line and "\n" not in line
    assert names(tmp_path) == ["file", "folder"] and names(tmp_path / "folder") == []


def test_line_per_error_number():
    for number, cause in ((errno.ENOSPC, "the disk is full"), (errno.EBUSY, os.strerror(errno.EBUSY))):
        assert one_line_os_error(OSError(number, os.strerror(number), "/data/r")) == f"cannot use /data/r: {cause}"


def test_error_without_path_or_number():
    assert one_line_os_error(OSError(errno.ENOSPC, "x")) == "cannot read or write a file: the disk is full"
    assert one_line_os_error(OSError("strange\nthing")) == r"cannot read or write a file: strange\nthing"


def test_hostile_path_stays_on_one_line():
    line = one_line_os_error(OSError(errno.EACCES, "x", "/tmp/a\n\x1b[31mred\udcff" + "y" * 5000 + "end"))
    assert line.isprintable() and len(line) < 300 and line.endswith("end: permission denied")
    assert one_line("a\n\x1b[31mred") == r"a\n\x1b[31mred"
    assert one_line("é" * 400).endswith("…") and len(one_line("é" * 400)) == 300
    assert re.fullmatch(r"[ -~]+", one_line("a\udcffb"))


def test_links_to_nothing_and_in_circles_are_called_what_they_are(tmp_path):
    link, circle = tmp_path / "link", tmp_path / "circle"
    link.symlink_to("nowhere")
    circle.symlink_to("circle")
    for folder, cause in [
        (link, "this is a symbolic link whose target does not exist"),
        (link / "x", f"{link} is a symbolic link whose target does not exist"),
        (circle, "too many symbolic links"),
        (circle / "x", "too many symbolic links"),
    ]:
        with pytest.raises(OSError) as caught:
            make_folder(folder)
        caught.value.filename = str(folder)
        assert one_line_os_error(caught.value) == f"cannot use {folder}: {cause}"
        with pytest.raises(OSError) as caught:
            write_atomic(folder / "report.tex", "x")
        assert one_line_os_error(caught.value).endswith(cause.replace("this", str(link)))
    assert names(tmp_path) == ["circle", "link"]
