"""The loaders of images: what they return, and every way a file can be wrong."""

import errno
import gzip
import os
import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from lstm_zoo.datasets import _images, digits, fashion_mnist, mnist, mnist_permuted, mnist_pixels
from lstm_zoo.errors import DataError, UsageError

pytestmark = pytest.mark.slow  # files as large as MNIST's are written and read


def small(source: _images.Images) -> dict[str, np.ndarray]:
    """Arrays of MNIST's shapes with the right labels, last ones first, and nearly no ink."""
    arrays = {key: np.zeros(shape, np.uint8) for key, shape in _images.SHAPES.items()}
    arrays["x_train"][0, 1, 2], arrays["x_train"][59999, 27, 27] = 255, 51
    arrays["y_train"] = np.repeat(np.arange(10, dtype=np.uint8), source.labels)[::-1]
    arrays["x_test"][5, 5, 5], arrays["y_test"][7] = 102, 8
    return arrays


@pytest.fixture(scope="module")
def arrays():
    return small(mnist.SOURCE)


def write_npz(folder: Path, arrays: dict, **changed) -> Path:
    np.savez_compressed(folder / mnist.SOURCE.npz, **(arrays | changed))
    return folder / mnist.SOURCE.npz


def idx_bytes(array: np.ndarray) -> bytes:
    head = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.tobytes()


def write_idx(folder: Path, arrays: dict, rename=lambda name: name, pack=lambda data: data) -> None:
    for key, name in _images.IDX.items():
        (folder / rename(name)).write_bytes(pack(idx_bytes(arrays[key])))


@pytest.fixture(autouse=True)
def empty_places(monkeypatch, tmp_path_factory):
    """No data file anywhere, and no network."""
    monkeypatch.delenv("LSTM_ZOO_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
    for module in (keras.datasets.mnist, keras.datasets.fashion_mnist):
        monkeypatch.setattr(module, "load_data", no_network)


def no_network():
    raise Exception("URL fetch failure on https://example.org: None -- no network")


def assert_is_small_mnist(parts) -> None:
    train, test = parts.train, parts.test
    assert (train.x.shape, train.x.dtype) == ((60000, 28, 28), np.float32)
    assert (test.x.shape, test.x.dtype) == ((10000, 28, 28), np.float32)
    assert (train.y.dtype, test.y.dtype) == (np.int64, np.int64)
    assert (train.x[0, 1, 2], test.x[5, 5, 5]) == (1, np.float32(0.4))
    assert train.x[59999, 27, 27] == np.float32(0.2)
    assert train.x.sum() == pytest.approx(1.2)
    assert (train.y[0], train.y[59999], test.y[7]) == (9, 0, 8)
    assert train.classes == tuple("0123456789")


def test_digits_are_scikit_learns_divided_by_16_in_the_same_order():
    from sklearn.datasets import load_digits

    source, loaded = load_digits(), digits.load()
    assert (loaded.x.shape, loaded.x.dtype) == ((1797, 8, 8), np.float32)
    np.testing.assert_array_equal(loaded.x * 16, source.images)
    np.testing.assert_array_equal(loaded.y, source.target)
    assert (loaded.x.min(), loaded.x.max()) == (0, 1)
    assert loaded.y.dtype == np.int64
    assert loaded.classes == tuple("0123456789")


def test_the_real_mnist(mnist_folder, monkeypatch):
    monkeypatch.setenv("LSTM_ZOO_DATA", str(mnist_folder))
    parts = mnist.load()
    assert parts.train.y[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert parts.test.y[:5].tolist() == [7, 2, 1, 0, 4]
    assert parts.train.x.mean() == pytest.approx(0.1307, abs=1e-4)  # known to every tutorial
    assert parts.train.x.std() == pytest.approx(0.3081, abs=1e-4)
    assert np.bincount(parts.train.y).tolist()[:3] == [5923, 6742, 5958]


def test_an_npz_in_data_dir(tmp_path, arrays):
    write_npz(tmp_path, arrays)
    assert_is_small_mnist(mnist.load(data_dir=str(tmp_path)))


@pytest.mark.parametrize(
    ("rename", "pack"),
    [
        (lambda name: name, lambda data: data),
        (lambda name: name.replace("-idx", ".idx"), lambda data: data),
        (lambda name: f"{name}.gz", gzip.compress),
        (lambda name: f"{name}.gz", lambda data: data),
    ],
    ids=["plain", "dotted", "gzipped", "unpacked but still called .gz"],
)
def test_four_idx_files(tmp_path, arrays, rename, pack):
    write_idx(tmp_path, arrays, rename, pack)
    assert_is_small_mnist(mnist.load(data_dir=str(tmp_path)))


def test_the_places_are_searched_in_order(tmp_path, monkeypatch, arrays):
    places = [tmp_path / name for name in ("asked", "environment", "keras/datasets")]
    for place, label in zip(places, (1, 2, 3), strict=True):
        place.mkdir(parents=True)
        write_npz(place, arrays, y_test=np.full(10000, label, np.uint8))
    monkeypatch.setenv("LSTM_ZOO_DATA", str(places[1]))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    for place, label in zip(places, (1, 2, 3), strict=True):
        assert mnist.load(data_dir=str(places[0])).test.y[0] == label
        (place / mnist.SOURCE.npz).unlink()
    with pytest.raises(DataError, match="download failed"):
        mnist.load(data_dir=str(places[0]))


def test_keras_cache_in_the_home_folder_is_searched(tmp_path, monkeypatch, arrays):
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".keras" / "datasets").mkdir(parents=True)
    write_npz(tmp_path / ".keras" / "datasets", arrays)
    assert_is_small_mnist(mnist.load())


def test_a_download_through_keras_says_its_progress_on_stderr(monkeypatch, arrays, capsys):
    def load_data():
        print("Downloading data")
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])

    monkeypatch.setattr(keras.datasets.mnist, "load_data", load_data)
    assert_is_small_mnist(mnist.load())
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Downloading data\n")


def test_no_network_says_where_it_looked_what_to_put_there_and_what_needs_none(
    tmp_path, monkeypatch
):
    asked, environment = tmp_path / "asked", tmp_path / "environment"
    asked.mkdir(), environment.mkdir()
    monkeypatch.setenv("LSTM_ZOO_DATA", str(environment))
    with pytest.raises(DataError) as caught:
        mnist.load(data_dir=str(asked))
    sentence = str(caught.value)
    cache = os.path.join(os.environ["KERAS_HOME"], "datasets")  # noqa: PTH118
    for part in (str(asked), str(environment), cache, "mnist.npz", "four IDX files", "no network"):
        assert part in sentence
    assert "--dataset digits" in sentence
    assert "\n" not in sentence


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"--data-dir names .*nowhere, which is not a folder"):
        mnist.load(data_dir=str(tmp_path / "nowhere"))
    monkeypatch.setenv("LSTM_ZOO_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"LSTM_ZOO_DATA names .*nowhere, which is not a folder"):
        mnist.load()


@pytest.mark.parametrize("hidden", ["folder", "folder/mnist.npz"])
def test_a_folder_that_can_not_be_searched_is_named_not_stepped_over(tmp_path, monkeypatch, hidden):
    folder, lstat = tmp_path / "folder", Path.lstat
    folder.mkdir()

    def refusing(path):
        if path == tmp_path / hidden:
            raise PermissionError(errno.EACCES, "Permission denied")
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", refusing)
    named = re.escape(str((tmp_path / hidden).parent))
    with pytest.raises(DataError, match=rf"^The folder {named} can't be .*: Permission denied\.$"):
        mnist.load(data_dir=str(folder))


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-500])


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_dead_link(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def an_npy(path: Path) -> None:
    with path.open("wb") as handle:
        np.save(handle, np.zeros(3))


def a_pickle(path: Path) -> None:
    with path.open("wb") as handle:
        np.save(handle, np.array([{}], object), allow_pickle=True)


DAMAGES = [truncated, changed, a_folder, a_dead_link, lambda path: path.write_bytes(b""), an_npy]
DAMAGES += [a_pickle, lambda path: path.write_text("<html>404</html>")]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_npz_is_an_error_that_names_it_and_no_other_place_is_tried(
    tmp_path, monkeypatch, arrays, damage
):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir(), bad.mkdir()
    write_npz(good, arrays)
    monkeypatch.setenv("LSTM_ZOO_DATA", str(good))
    damage(write_npz(bad, arrays))
    with pytest.raises(DataError, match=re.escape(str(bad / mnist.SOURCE.npz))) as caught:
        mnist.load(data_dir=str(bad))
    assert "\n" not in str(caught.value)
    assert "allow_pickle" not in str(caught.value)


@pytest.mark.parametrize("damage", [an_npy, a_pickle, lambda path: path.write_bytes(b"junk" * 9)])
def test_what_is_no_archive_is_called_that(tmp_path, damage):
    damage(tmp_path / mnist.SOURCE.npz)
    with pytest.raises(DataError, match=r"mnist\.npz can't be .* \(it is no \.npz archive\): repl"):
        mnist.load(data_dir=str(tmp_path))


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / mnist.SOURCE.npz, "w") as archive:
        for key in _images.SHAPES:
            archive.writestr(f"{key}.npy", b"junk")
    with pytest.raises(DataError, match=r"read as MNIST \(.*magic string"):
        mnist.load(data_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("key", "array", "reason"),
    [
        ("y_test", np.array([{"a": 1}] * 10000, object), "pickle"),
        ("x_test", np.zeros((10000, 28, 28)), "x_test is float64, not uint8"),
        ("y_test", np.zeros(10000, np.int64), "y_test is int64, not uint8"),
        ("x_test", np.zeros((10000, 784), np.uint8), r"shape \(10000, 784\), not"),
        ("x_train", np.zeros((59999, 28, 28), np.uint8), r"shape \(59999, 28, 28\), not"),
        ("y_train", np.full(60000, 10, np.uint8), "the label 10, not 0 … 9"),
        ("y_train", small(fashion_mnist.SOURCE)["y_train"], "labels do not come as often"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, arrays, key, array, reason):
    write_npz(tmp_path, arrays, **{key: array})
    with pytest.raises(DataError, match=rf"mnist\.npz can't be read as MNIST \(.*{reason}"):
        mnist.load(data_dir=str(tmp_path))


def test_a_missing_array_is_named(tmp_path, arrays):
    np.savez_compressed(
        tmp_path / mnist.SOURCE.npz, **{k: v for k, v in arrays.items() if k != "y_train"}
    )
    with pytest.raises(DataError, match="y_train"):
        mnist.load(data_dir=str(tmp_path))


def test_an_incomplete_set_of_idx_files_says_which_are_missing(tmp_path, arrays):
    write_idx(tmp_path, arrays)
    (tmp_path / _images.IDX["y_test"]).unlink()
    (tmp_path / _images.IDX["x_train"]).unlink()
    with pytest.raises(DataError, match="not train-images-idx3-ubyte and t10k-labels-idx1-ubyte"):
        mnist.load(data_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no IDX file"),
        (b"\0\0\x08", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no IDX file"),
        (idx_bytes(np.zeros(9999, np.uint8)), r"shape \(9999,\)"),
        (idx_bytes(np.zeros(10000, np.uint8))[:-1], "reshape"),
        (idx_bytes(np.zeros(10000, np.uint8)) + b"\0", "reshape"),
        (gzip.compress(idx_bytes(np.zeros(10000, np.uint8)))[:-9], "end-of-stream"),
        (gzip.compress(idx_bytes(np.arange(10000).astype(np.uint8)))[:40] + b"\xff" * 40, ""),
        (idx_bytes(np.full(10000, 200, np.uint8)), "the label 200"),
    ],
    ids=[
        "empty",
        "cut in the head",
        "of another type",
        "too few",
        "cut short",
        "a byte too long",
        "gzip cut short",
        "gzip damaged",
        "no digit",
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path, arrays, data, reason):
    write_idx(tmp_path, arrays)
    (tmp_path / _images.IDX["y_test"]).write_bytes(data)
    with pytest.raises(DataError, match=rf"t10k-labels-idx1-ubyte can't be read.*{reason}"):
        mnist.load(data_dir=str(tmp_path))


def ink(parts) -> list[tuple]:
    """Where the few grey pixels of `small` are: part, example, place and grey."""
    return [
        (name, *place, part.x[tuple(place)])
        for name, part in vars(parts).items()
        for place in np.argwhere(part.x).tolist()
    ]


def test_one_pixel_a_step_row_after_row(tmp_path, arrays):
    write_npz(tmp_path, arrays)
    parts = mnist_pixels.load(data_dir=str(tmp_path))
    assert (parts.train.x.shape, parts.test.x.shape) == ((60000, 784, 1), (10000, 784, 1))
    fifth = [np.float32(0.2), np.float32(0.4)]
    assert ink(parts) == [
        ("train", 0, 28 + 2, 0, 1),
        ("train", 59999, 783, 0, fifth[0]),
        ("test", 5, 5 * 28 + 5, 0, fifth[1]),
    ]
    np.testing.assert_array_equal(parts.train.y, arrays["y_train"])


def test_fewer_images_are_the_first_ones_and_the_test_part_stays(tmp_path, arrays):
    write_npz(tmp_path, arrays)
    parts = mnist_pixels.load(train=100, data_dir=str(tmp_path))
    assert (parts.train.x.shape, parts.train.y.shape) == ((100, 784, 1), (100,))
    assert [place[:2] for place in ink(parts)] == [("train", 0), ("test", 5)]
    assert len(parts.test.y) == 10000
    with pytest.raises(UsageError, match="MNIST has 60,000 images to train on, not 60,001"):
        mnist_pixels.load(train=60001, data_dir=str(tmp_path))


def test_the_shipped_permutation_sends_each_pixel_to_one_step(tmp_path, arrays):
    order = [int(word) for word in mnist_permuted.SHIPPED.read_text().split()]
    assert sorted(order) == list(range(784))
    assert order[:5] == [318, 2, 606, 446, 758]
    write_npz(tmp_path, arrays)
    parts = mnist_permuted.load(train=10, data_dir=str(tmp_path))
    assert [place[:3] for place in ink(parts)] == [
        ("train", 0, order.index(28 + 2)),
        ("test", 5, order.index(5 * 28 + 5)),
    ]


def test_the_shipped_permutation_is_the_one_that_its_digest_says(tmp_path, monkeypatch):
    other = tmp_path / "mnist_permutation.txt"
    other.write_text(" ".join(map(str, range(784))))
    monkeypatch.setattr(mnist_permuted, "SHIPPED", other)
    with pytest.raises(DataError, match="is not the permutation that lstm-zoo came with"):
        mnist_permuted.load()
    assert mnist_permuted.SHA256 in mnist_permuted.__doc__


def test_a_permutation_of_ones_own(tmp_path, arrays):
    write_npz(tmp_path, arrays)
    (tmp_path / "back.txt").write_text("\n".join(map(str, reversed(range(784)))))
    own = {"permutation": str(tmp_path / "back.txt"), "train": 10, "data_dir": str(tmp_path)}
    back, there = mnist_permuted.load(**own), mnist_pixels.load(train=10, data_dir=str(tmp_path))
    np.testing.assert_array_equal(back.train.x, there.train.x[:, ::-1])
    np.testing.assert_array_equal(back.test.x, there.test.x[:, ::-1])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([*range(783), 782], "missing: 783; more than once: 782"),
        (range(783), "missing: 783; more than once: nothing"),
        ([*range(784), 5, 7], "missing: nothing; more than once: 5 and 7"),
        (range(1, 785), "it holds '784'"),
        ([0.5, -1, "x", "y"], "it holds '0.5', '-1', 'x' and 1 more"),
        ([], "missing: 0, 1, 2 and 781 more; more than once: nothing"),
        (["9" * 9999], f"it holds '{'9' * 20}'"),
    ],
    ids=["twice", "short", "long", "from 1", "no numbers", "empty", "a very long number"],
)
def test_a_permutation_that_is_none_is_refused_with_what_is_wrong(tmp_path, content, reason):
    path = tmp_path / "p.txt"
    path.write_text(" ".join(map(str, content)))
    with pytest.raises(DataError, match=rf"p\.txt is no permutation of the 784.*: {reason}\.$"):
        mnist_permuted.load(permutation=str(path))


def test_a_permutation_that_can_not_be_read_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere\.txt can't be read: No such file"):
        mnist_permuted.load(permutation=str(tmp_path / "nowhere.txt"))
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="it is no text"):
        mnist_permuted.load(permutation=str(tmp_path / "p.txt"))


def test_fashion_mnist_has_names_for_its_classes_and_is_not_taken_for_mnist(tmp_path, arrays):
    """The same four names of files: MNIST's beside it, or in its place, are not read for it."""
    write_idx(tmp_path, arrays)
    (tmp_path / "fashion-mnist").mkdir()
    write_idx(tmp_path / "fashion-mnist", small(fashion_mnist.SOURCE))
    parts = fashion_mnist.load(data_dir=str(tmp_path))
    assert parts.train.classes[parts.train.y[0]] == "Ankle boot"
    assert_is_small_mnist(mnist.load(data_dir=str(tmp_path)))
    write_idx(tmp_path / "fashion-mnist", arrays)
    with pytest.raises(DataError, match=r"can't be read as Fashion-MNIST .*do not come as often"):
        fashion_mnist.load(data_dir=str(tmp_path))


def test_fashion_mnist_as_an_archive_as_keras_keeps_it_and_downloaded(tmp_path, monkeypatch):
    arrays = small(fashion_mnist.SOURCE)
    with pytest.raises(DataError, match=r"fashion-mnist\.npz or a folder fashion-mnist of"):
        fashion_mnist.load()
    pairs = [(arrays[f"x_{part}"], arrays[f"y_{part}"]) for part in ("train", "test")]
    monkeypatch.setattr(keras.datasets.fashion_mnist, "load_data", lambda: pairs)
    downloaded = fashion_mnist.load()
    np.savez(tmp_path / "fashion-mnist.npz", **arrays)
    from_archive = fashion_mnist.load(data_dir=str(tmp_path))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    cache = tmp_path / "datasets" / "fashion-mnist"
    cache.mkdir(parents=True)
    write_idx(cache, arrays, lambda name: f"{name}.gz", gzip.compress)
    assert ink(downloaded) == ink(from_archive) == ink(fashion_mnist.load())
