"""Handwritten digits of 28 × 28 pixels: the MNIST database.

Task: which digit it is, from the image read as 28 rows of 28 pixels.
Size: 60,000 images to train on and 10,000 to test on, in the source's order.
Range: grey from 0 (paper) to 1 (ink); the source counts 0 … 255, divided by 255 here.
Shapes: `x` float32 `(60000, 28, 28)` and `(10000, 28, 28)`: examples, rows, columns; `y` int64
`(60000,)` and `(10000,)`; classes 0 … 9.
Parts: the source's own; the run's seed draws 10 % of the training images for validation.
Floor: the most frequent class, 11.35 % of the test part.
Source: Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits, 1998.
Licence: CC BY-SA 3.0.

The files are looked for in --data-dir, LSTM_ZOO_DATA and Keras' own cache, and downloaded through
Keras where none of these has any. The first file found is the one used.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lstm_zoo.data import Examples, Parts
from lstm_zoo.errors import DataError, listed

NPZ = "mnist.npz"
SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}
IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
CLASSES = tuple("0123456789")
STALLED = 30  # seconds without a byte


def load(*, data_dir: str | None = None) -> Parts:
    """The source's own two parts: `x (60000, 28, 28)` and `(10000, 28, 28)` in [0, 1].

    Args:
        data_dir: the folder searched first for mnist.npz or the four IDX files.

    Raises:
        DataError: the first file found is damaged, or there is none and no network.
    """
    folders = search_folders(data_dir)
    for folder in folders:
        if (arrays := _found(folder)) is not None:
            return _parts(arrays)
    return _parts(_downloaded(folders))


def search_folders(data_dir: str | None) -> list[Path]:
    """The folders to search, in order. Those that the user named must exist."""
    named = []
    for source, folder in (
        ("--data-dir", data_dir),
        ("LSTM_ZOO_DATA", os.environ.get("LSTM_ZOO_DATA")),
    ):
        if folder:
            named.append(_path(folder))
            if not (_exists(named[-1]) and named[-1].is_dir()):
                raise DataError(f"{source} names {folder}, which is not a folder.")
    cache = _path(os.environ.get("KERAS_HOME") or "~/.keras") / "datasets"
    return [*named, cache]


def _path(folder: str) -> Path:
    return Path(os.path.expanduser(folder))  # noqa: PTH111, leaves a ~stranger as it is


def _found(folder: Path) -> dict[str, np.ndarray] | None:
    """The four arrays of the first data file in `folder`, or None where it has none."""
    npz = folder / NPZ
    if _exists(npz):
        return _checked(_read_npz(npz), dict.fromkeys(SHAPES, npz))
    files = {key: _idx_file(folder, name) for key, name in IDX.items()}
    if not any(files.values()):
        return None
    if missing := [IDX[key] for key, path in files.items() if path is None]:
        raise DataError(
            f"{folder} has some of MNIST's four IDX files, but not {listed(missing)} (or its .gz)."
        )
    return _checked({key: _read_idx(path) for key, path in files.items()}, files)


def has_files(folder: Path) -> bool:
    """Whether `folder` has a file of MNIST, good or not."""
    return _exists(folder / NPZ) or any(_idx_file(folder, name) for name in IDX.values())


def _idx_file(folder: Path, name: str) -> Path | None:
    """The file `name` of `folder`, gzipped or not, with `-idx` or `.idx`."""
    names = [n + gz for n in (name, name.replace("-idx", ".idx")) for gz in ("", ".gz")]
    return next((folder / n for n in names if _exists(folder / n)), None)


def _exists(path: Path) -> bool:
    """Whether there is such a file, be it a dead link; a folder that hides it is an error."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(
            f"The folder {path.parent} can't be searched for MNIST: {error.strerror}."
        ) from error
    return True


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Whatever a foreign file makes its reader raise becomes one sentence that names it."""
    try:
        yield
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(
            f"{path} can't be read as MNIST ({reason}): replace it, or remove it."
        ) from error


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with _reading(path), path.open("rb") as handle:
        if handle.read(4) != b"PK\3\4":
            raise ValueError("it is no .npz archive")
        handle.seek(0)
        with np.load(handle, allow_pickle=False) as archive:
            return {key: archive[key] for key in SHAPES}


def _read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file: two zeros, 8 (uint8), the dimensions' count, each as big-endian."""
    with _reading(path):
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
        if len(data) < 4 or data[:3] != b"\0\0\x08":
            raise ValueError("it is no IDX file of bytes")
        start = 4 + 4 * data[3]
        shape = np.frombuffer(data[4:start], ">u4").tolist()
        return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def _checked(arrays: dict[str, np.ndarray], files: dict[str, Path]) -> dict[str, np.ndarray]:
    """`arrays`, where all have MNIST's shapes, types and range."""
    for key, shape in SHAPES.items():
        array = np.asarray(arrays[key])  # of bytes, where an .npz holds another file
        with _reading(files[key]):
            if array.shape != shape:
                raise ValueError(f"{key} has the shape {array.shape}, not {shape}")
            if array.dtype != np.uint8:
                raise ValueError(f"{key} is {array.dtype}, not uint8")
            if key.startswith("y") and array.max() > 9:
                raise ValueError(f"{key} has the label {array.max()}, not 0 … 9")
    return arrays


def _downloaded(folders: list[Path]) -> dict[str, np.ndarray]:
    import keras

    patience = socket.getdefaulttimeout()
    socket.setdefaulttimeout(STALLED)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise DataError(
            f"There is no MNIST in {listed(folders)}, and the download failed ({reason}): put "
            f"{NPZ} or the four IDX files ({IDX['x_train']}, …) into such a folder, or "
            "use the dataset digits (--dataset digits), which needs no download."
        ) from error
    finally:
        socket.setdefaulttimeout(patience)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    return _checked(arrays, dict.fromkeys(SHAPES, folders[-1] / NPZ))


def _parts(arrays: dict[str, np.ndarray]) -> Parts:
    def examples(part: str) -> Examples:
        x = np.divide(arrays[f"x_{part}"], 255, dtype=np.float32)
        return Examples(x, arrays[f"y_{part}"].astype(np.int64), CLASSES)

    return Parts(train=examples("train"), test=examples("test"))
