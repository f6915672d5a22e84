"""Film reviews from the Internet Movie Database: does the writer praise the film or not?

Task: whether a review is negative or positive, from its words.
Size: 25,000 reviews to train on and 25,000 to test on; at most 30 of any film, and no film in both.
Range: tokens, the places of words in a vocabulary; 0 is the padding, 1 any word that is not in it,
and the others go by how often the word comes.
Shapes: `x` int32 `(25000, steps)`, padded at the end; `y` int64 `(25000,)`; classes negative and
positive.
Parts: the source's own; the run's seed draws 10 % of the training reviews for validation.
Floor: the most frequent class, 50 % of the test part, as each class is.
Source: A. L. Maas, R. E. Daly, P. T. Pham, D. Huang, A. Y. Ng and C. Potts, Learning word vectors
for sentiment analysis, ACL 2011; as numbered words, in Keras' files imdb.npz and
imdb_word_index.json.
Licence: none stated; the authors ask for a citation.

The files are looked for in --data-dir, LSTM_ZOO_DATA and Keras' own cache, and downloaded through
Keras where none of these has both. The words' numbers are the source's. Of a longer review the last
`steps` words are read, as in Keras' example; unlike there, shorter ones are padded at the end, and
no token marks the beginning.
"""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import zipfile
from pathlib import Path

import numpy as np

from lstm_zoo.data import Examples, Parts
from lstm_zoo.datasets._files import (
    downloading,
    exists,
    keras_imported,
    reading,
    search_folders,
)
from lstm_zoo.datasets._words import padded, rule
from lstm_zoo.errors import DataError
from lstm_zoo.files import contents
from lstm_zoo.parameters import PositiveInt
from lstm_zoo.preparation import known_words

NAME = "IMDB"
REVIEWS, INDEX = "imdb.npz", "imdb_word_index.json"
ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
DIGESTS = {  # Keras' own
    REVIEWS: ("sha256", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
    INDEX: ("md5", "bfafd718b763782e994055a2d397834f"),
}
CLASSES = ("negative", "positive")


def load(
    *, words: PositiveInt = 20000, steps: PositiveInt = 200, data_dir: str | None = None
) -> Parts:
    """The source's own two parts: words `(25000, steps)`, and classes `(25000,)`.

    Args:
        words: the size of the vocabulary: the padding, one token for every unknown word, and the
            most frequent words.
        steps: the words of a review that are read, from its end.
        data_dir: the folder searched first for imdb.npz and imdb_word_index.json.

    Raises:
        DataError: the first files found are not Keras' own, or there are none and no network.
        UsageError: no word fits into so small a vocabulary.
    """
    folders = search_folders(data_dir)
    found = _found(folders)
    paths = {name: found / name for name in DIGESTS} if found else _downloaded(folders)
    ranks = json.loads(_content(paths, INDEX))
    names = ("", *sorted(ranks, key=ranks.get))
    frequency = np.arange(len(names), 0, -1)  # the source's order is by frequency
    tokens, vocabulary = known_words(names, frequency, words)
    arrays = _arrays(_content(paths, REVIEWS))

    def examples(part: str) -> Examples:
        x = tokens[padded(arrays[f"x_{part}"], steps)]
        y = arrays[f"y_{part}"].astype(np.int64)
        return Examples(x, y, CLASSES, vocabulary, reading=rule(steps))

    return Parts(train=examples("train"), test=examples("test"))


def is_in(folder: Path) -> bool:
    """Whether `folder` has one of the files, good or not."""
    return any(exists(folder / name) for name in DIGESTS)


def _found(folders: list[Path]) -> Path | None:
    """The first folder with the files; what Keras' own cache, the last, lacks is downloaded."""
    folder = next((folder for folder in folders if is_in(folder)), None)
    missing = folder and [name for name in DIGESTS if not exists(folder / name)]
    if missing and folder != folders[-1]:
        raise DataError(f"{folder} has one of {NAME}'s two files, but not {missing[0]}.")
    return None if missing else folder


def _downloaded(folders: list[Path]) -> dict[str, Path]:
    instead = (
        f"put {REVIEWS} and {INDEX} into such a folder, or use texts of your own "
        "(--dataset text --csv FILE)"
    )
    with downloading(NAME, folders, instead):
        keras = keras_imported()
        return {
            name: Path(keras.utils.get_file(name, ORIGIN + name, file_hash=digest))
            for name, (_, digest) in DIGESTS.items()
        }


def _content(paths: dict[str, Path], name: str) -> bytes:
    """The bytes of a file that is Keras' own, and no other."""
    algorithm, digest = DIGESTS[name]
    with reading(paths[name], NAME):
        data = contents(paths[name])
        if hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() != digest:
            raise ValueError(f"its {algorithm.upper()} digest is not that of Keras' file")
    return data


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of an .npz archive; those of lists, which NumPy pickles, without running code."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {
            name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()
        }


def _array(data: bytes) -> np.ndarray:
    stream = io.BytesIO(data)
    np.lib.format.read_magic(stream)
    _, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.hasobject:
        return _Arrays(stream).load()
    return np.load(io.BytesIO(data), allow_pickle=False)


_NUMPYS = {  # what an array is made of, by the names that NumPy 1 and 2 give it
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
}


class _Arrays(pickle.Unpickler):
    """What NumPy writes of an array of lists: an array, its type, and lists of numbers.

    The digest has told already that the file is the known one; this holds even if it had not.
    """

    def find_class(self, module: str, name: str) -> object:
        """One of the few things that an array is made of."""
        if (module, name) not in _NUMPYS:
            raise DataError(f"{REVIEWS} holds {module}.{name}, and not only arrays.")
        return _NUMPYS[module, name]
