"""The loader of CIFAR-10, on files of its format: every value in its place, and bad files refused with the reason."""

from pathlib import Path

import numpy as np
import pytest

from sdescent.derive.vocabulary.errors import BadInput
from sdescent.numerics.tasks.cifar10 import FILES, RECORD, load_cifar10


def file_of(labels: np.ndarray, seed: int = 0) -> bytes:
    """Records in the published format, written value by value: the label, then red, green and blue in reading order."""
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 32, 32, 3), dtype=np.uint8)
    out = bytearray()
    for label, image in zip(labels, images, strict=True):
        out.append(int(label))
        for channel in range(3):
            out += bytes(int(image[i, j, channel]) for i in range(32) for j in range(32))
    return bytes(out)


def test_every_pixel_is_in_its_place_and_files_follow_each_other(tmp_path: Path) -> None:
    first, second = np.arange(12) % 10, np.array([7, 3])
    for name, labels, seed in zip(FILES, (first, second), (1, 2), strict=False):
        (tmp_path / name).write_bytes(file_of(labels, seed))
    images, labels, digest = load_cifar10(tmp_path)
    assert images.shape == (14, 32, 32, 3) and images.dtype == np.uint8 and labels.tolist() == [*first, *second]
    for seed, own, place in ((1, 12, slice(0, 12)), (2, 2, slice(12, 14))):
        wanted = np.random.default_rng(seed).integers(0, 256, (own, 32, 32, 3), dtype=np.uint8)
        np.testing.assert_array_equal(images[place], wanted)
    few, _, other = load_cifar10(tmp_path, 11)
    assert len(few) == 11 and other != digest == load_cifar10(tmp_path)[2]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "data_batch_1.bin: found 'none'"),
        ({"data_batch_1": b"\x80\x02."}, "only the version for Python, which is not read"),
        ({FILES[0]: 12, FILES[2]: 12}, "data_batch_2.bin: found 'none'"),
        ({FILES[0]: b""}, "found '0 bytes'"),
        ({FILES[0]: bytes(RECORD + 1)}, f"found '{RECORD + 1} bytes'"),
        ({FILES[0]: bytes([10] + [0] * (RECORD - 1))}, "the label 10 in record 1"),
        ({FILES[0]: bytes(10001 * RECORD)}, "at most"),
        ({FILES[0]: 9}, "9 images, none of class 9"),
    ],
)
def test_bad_files_are_refused_with_the_reason(tmp_path: Path, files: dict[str, bytes | int], why: str) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(file_of(np.arange(content) % 10) if isinstance(content, int) else content)
    with pytest.raises(BadInput) as refused:
        load_cifar10(tmp_path)
    assert why in refused.value.message


def test_more_samples_than_images_are_refused(tmp_path: Path) -> None:
    (tmp_path / FILES[0]).write_bytes(file_of(np.arange(10)))
    with pytest.raises(BadInput, match="samples"):
        load_cifar10(tmp_path, 11)
