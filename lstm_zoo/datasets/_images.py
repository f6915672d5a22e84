"""Images in the form of MNIST: 60,000 to train on and 10,000 to test on, of 28 × 28 bytes.

They come as one .npz archive of four arrays, or as four IDX files, gzipped or not. Other data sets
have taken over MNIST's form and its files' names; how often each label comes tells them apart.
"""

from __future__ import annotations

import gzip
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_zoo import archives
from lstm_zoo.data import Examples, Parts
from lstm_zoo.datasets._files import (
    downloading,
    exists,
    keras_imported,
    reading,
    search_folders,
)
from lstm_zoo.errors import DataError, listed
from lstm_zoo.files import opened

SHAPES = {
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}
_LARGEST = 16 + math.prod(SHAPES["x_train"])  # bytes of an IDX file
IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


@dataclass(frozen=True)
class Images:
    """A data set of this form.

    Args:
        name: as sentences call it.
        npz: its archive, in a data folder.
        folder: the folder of its IDX files below a data folder; empty where they lie in that.
        keras: the module of `keras.datasets` that downloads it.
        classes: a name for each class.
        labels: how often each class comes in the training part.
    """

    name: str
    npz: str
    folder: str
    keras: str
    classes: tuple[str, ...]
    labels: tuple[int, ...]

    def load(self, data_dir: str | None) -> Parts:
        """The two parts: `x (60000, 28, 28)` and `(10000, 28, 28)` in [0, 1].

        Raises:
            DataError: the first file found is damaged, or there is none and no network.
        """
        folders = search_folders(data_dir)
        for folder in folders:
            if (arrays := self._found(folder)) is not None:
                return self._parts(arrays)
        return self._parts(self._downloaded(folders))

    def is_in(self, folder: Path) -> bool:
        """Whether `folder` has a file of it, good or not."""
        names = IDX.values()
        return exists(folder / self.npz) or any(_idx_file(folder / self.folder, n) for n in names)

    def _found(self, folder: Path) -> dict[str, np.ndarray] | None:
        """The four arrays of the first data file in `folder`, or None where it has none."""
        npz, below = folder / self.npz, folder / self.folder
        if exists(npz):
            with reading(npz, self.name):
                arrays = _read_npz(npz)
            return self._checked(arrays, dict.fromkeys(SHAPES, npz))
        files = {key: _idx_file(below, name) for key, name in IDX.items()}
        if not any(files.values()):
            return None
        if missing := [IDX[key] for key, path in files.items() if path is None]:
            raise DataError(
                f"{below} has some of {self.name}'s four IDX files, but not {listed(missing)} (or "
                "its .gz)."
            )
        return self._checked({key: self._read_idx(path) for key, path in files.items()}, files)

    def _read_idx(self, path: Path) -> np.ndarray:
        with reading(path, self.name):
            return _read_idx(path)

    def _checked(
        self, arrays: dict[str, np.ndarray], files: dict[str, Path]
    ) -> dict[str, np.ndarray]:
        """`arrays`, where all have the right shapes, types and labels."""
        for key, shape in SHAPES.items():
            array = np.asarray(arrays[key])  # of bytes, where an .npz holds another file
            with reading(files[key], self.name):
                if array.shape != shape:
                    raise ValueError(f"{key} has the shape {array.shape}, not {shape}")
                if array.dtype != np.uint8:
                    raise ValueError(f"{key} is {array.dtype}, not uint8")
                if key.startswith("y") and array.max() > 9:
                    raise ValueError(f"{key} has the label {array.max()}, not 0 … 9")
                if key == "y_train" and tuple(np.bincount(array, minlength=10)) != self.labels:
                    raise ValueError(f"its labels do not come as often as in {self.name}")
        return arrays

    def _downloaded(self, folders: list[Path]) -> dict[str, np.ndarray]:
        apart = f"a folder {self.folder} of " if self.folder else ""
        instead = (
            f"put {self.npz} or {apart}the four IDX files ({IDX['x_train']}, …) into such a "
            "folder, or use the dataset digits (--dataset digits), which needs no download"
        )
        with downloading(self.name, folders, instead):
            loader = getattr(keras_imported().datasets, self.keras)
            (x_train, y_train), (x_test, y_test) = loader.load_data()
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        return self._checked(arrays, dict.fromkeys(SHAPES, folders[-1] / self.npz))

    def _parts(self, arrays: dict[str, np.ndarray]) -> Parts:
        def examples(part: str) -> Examples:
            x = np.divide(arrays[f"x_{part}"], 255, dtype=np.float32)
            return Examples(x, arrays[f"y_{part}"].astype(np.int64), self.classes)

        return Parts(train=examples("train"), test=examples("test"))


def _idx_file(folder: Path, name: str) -> Path | None:
    """The file `name` of `folder`, gzipped or not, with `-idx` or `.idx`."""
    names = [n + gz for n in (name, name.replace("-idx", ".idx")) for gz in ("", ".gz")]
    return next((folder / n for n in names if exists(folder / n)), None)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with opened(path) as handle:
        if handle.read(4) != b"PK\3\4":
            raise ValueError("it is no .npz archive")
    return archives.arrays(path, SHAPES)


def _read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file: two zeros, 8 (uint8), the dimensions' count, each as big-endian."""
    with opened(path) as handle:
        packed = handle.read(2) == b"\x1f\x8b"
        handle.seek(0)
        data = (gzip.GzipFile(fileobj=handle) if packed else handle).read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError("it is larger than any of MNIST's form")
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError("it is no IDX file of bytes")
    start = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:start], ">u4").tolist()
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
