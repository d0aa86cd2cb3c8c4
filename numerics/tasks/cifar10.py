"""CIFAR-10 from the files of its binary version, which the user downloads; nothing is unpickled.

Source: A. Krizhevsky (2009), Learning multiple layers of features from tiny images.
"""

import hashlib
from pathlib import Path

import numpy as np

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.derive.vocabulary.files import read_regular
from sdescent.numerics.tasks.data import require_integer

#: height, width and channels of an image
SHAPE = (32, 32, 3)
#: bytes of a record: the label, then 1024 red, 1024 green and 1024 blue values, each in reading order
RECORD = 1 + 32 * 32 * 3
CLASSES = 10
#: the largest number of records that a file of the published data set has
MOST = 10_000
#: names of the five files with images for training; the folder holds at least the first
FILES = tuple(f"data_batch_{n}.bin" for n in range(1, 6))


def load_cifar10(folder: Path, samples: int | None = None) -> tuple[np.ndarray, np.ndarray, str]:
    """The training images in a folder (n, 32, 32, 3) as bytes, the labels 0 to 9 (n,), and a digest of both.

    Files are read in order, from data_batch_1.bin on; those that are absent at the end are left out. Only the first `samples`
    images are kept, or all. OSError if a file cannot be read; BadInput if one is missing between others, is not 1 to 10000
    records of 3073 bytes, has a label above 9, a class has no image, or there are fewer than `samples`.
    """
    present = [name for name in FILES if (folder / name).exists()]
    if not present or present != list(FILES[: len(present)]):
        lacking = next(name for name in FILES if name not in present)
        words = "only the version for Python, which is not read" if (folder / "data_batch_1").exists() else "none"
        raise BadInput(lacking, words, f"the binary version of CIFAR-10, {FILES[0]}, {FILES[1]}, .., in the folder")
    records = np.concatenate([_records(folder / name) for name in present])
    if samples is not None:
        require_integer("samples", samples, 1, len(records))
    records = records[:samples]
    if missing := sorted({*range(CLASSES)} - {*records[:, 0].tolist()}):
        raise BadInput("cifar10", f"{len(records)} images, none of class {missing[0]}", "an image of each class")
    height, width, channels = SHAPE
    images = records[:, 1:].reshape(-1, channels, height, width).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, 0], hashlib.sha256(records.tobytes()).hexdigest()


def _records(path: Path) -> np.ndarray:
    """The records of a file, (n, 3073)."""
    content = read_regular(path, MOST * RECORD, "a file of CIFAR-10")
    if not content or len(content) % RECORD:
        raise BadInput(path.name, f"{len(content)} bytes", f"records of {RECORD} bytes each, from 1 to {MOST}")
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    if (wrong := np.flatnonzero(records[:, 0] >= CLASSES)).size:
        words = f"the label {records[wrong[0], 0]} in record {wrong[0] + 1}"
        raise BadInput(path.name, words, f"labels from 0 to {CLASSES - 1}")
    return records
