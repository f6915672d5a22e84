"""Attacks, one by one: what a stranger may have put into a file that somebody else opens."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from functools import cache, wraps
from pathlib import Path
from xml.etree import ElementTree

import h5py
import keras
import numpy as np
import pytest

from lstm_zoo import archives, checkpoint
from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.checkpoint import Checkpoints
from lstm_zoo.datasets import _images, imdb, mnist, mnist_permuted
from lstm_zoo.earlier import sound
from lstm_zoo.errors import DataError
from lstm_zoo.files import contents
from lstm_zoo.runs import Run, list_runs

pytestmark = pytest.mark.slow
MOST = 1 << 30  # bytes that a hostile file may cost, beside what the program takes without it
WEIGHTS = "model.weights.h5"

OWN = """
import keras
from pathlib import Path

Path(__file__).with_name("imported").touch()

@keras.saving.register_keras_serializable("own")
def twice(x):
    return keras.ops.tanh(2 * x)

@keras.saving.register_keras_serializable("own")
class Shifted(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.shift = keras.Variable(keras.ops.ones(3))  # a variable made of numbers

    def call(self, x):
        if keras.backend.standardize_dtype(x.dtype) == "float64":
            raise TypeError("in float32 alone")
        return x + self.shift

def build(input_shape, outputs, *, units: int = 3):
    inputs = keras.Input(input_shape)
    x = keras.layers.SimpleRNN(units, activation=twice)(inputs)
    return keras.Model(inputs, keras.layers.Dense(outputs.size, "softmax")(Shifted()(x)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A runs folder with a run of digits."""
    folder = tmp_path_factory.mktemp("hostile")
    command = ["train", "simple-rnn:units=2", "--epochs", "1", "-q", "--runs", str(folder / "runs")]
    assert lstm_zoo(command) == 0
    return folder


@pytest.fixture
def broken(folder, tmp_path):
    """A copy of the run, for a stranger to change."""
    (run,) = list_runs(folder / "runs")
    return Path(shutil.copytree(run.folder, tmp_path / "broken"))


@pytest.fixture(scope="module")
def interrupted(folder):
    """A run that was interrupted after an epoch."""
    keep = Checkpoints.keep

    def kept(self, state):
        keep(self, state)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "keep", kept)
        patch.setattr(checkpoint, "_SHARE", 1.0)
        command = ["train", "simple-rnn:units=2", "--epochs", "2", "-q", "--runs"]
        assert lstm_zoo([*command, str(folder / "begun")]) == 130
    (run,) = list_runs(folder / "begun")
    return run.folder


@pytest.fixture
def begun(interrupted, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(interrupted, tmp_path / "begun"))


@pytest.fixture
def refused(zoo):
    """`refused("evaluate", …)` is one harmless sentence; it returns that."""

    def call(*arguments, code=1):
        result = zoo(*arguments)
        assert (result.code, result.out) == (code, ""), result
        assert harmless(result.err)
        assert result.err.count("\n") == 1
        return result.err

    return call


def harmless(told):
    return all(c.isprintable() or c == "\n" for c in told)


def config_of(run, **change):
    """The run's config.json, with other values."""
    values = json.loads((run / "config.json").read_text()) | change
    (run / "config.json").write_text(json.dumps(values))


# Code of a stranger


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A zoo file of the user's, whose model has an activation and a layer of its own."""
    monkeypatch.setattr("sys.path", [*sys.path])
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "own_parts.py").write_text(OWN)
    file = tmp_path / "elsewhere" / "zoo.yaml"
    file.write_text("models: {own: {builder: 'own_parts:build', summary: Own parts}}\n")
    yield file
    sys.modules.pop("own_parts", None)
    for name in ("own>twice", "own>Shifted"):
        keras.saving.get_custom_objects().pop(name, None)


def test_a_run_of_a_users_zoo_is_run_again_where_the_user_names_it(
    zoo, zoo_json, refused, own, tmp_path, monkeypatch
):
    assert zoo("train", "own", "--zoo", own, "--epochs", "1").code == 0
    (run,) = list_runs(tmp_path / "runs")
    record, imported = run.metrics, own.with_name("imported")
    sys.modules.pop("own_parts")
    keras.saving.get_custom_objects().clear()
    imported.unlink()
    sys.path.remove(str(own.parent))
    for command in (("evaluate",), ("predict",), ("explain",)):
        rest = ("gates",) if command == ("explain",) else ()
        told = refused(*command, "last", *rest)
        assert f"with the zoo file {own}, which names code to import" in told
    (run.folder / "metrics.json").rename(tmp_path / "metrics.json")
    assert "if you trust it, name it (--zoo FILE" in refused("train", "--resume", "last")
    (tmp_path / "metrics.json").rename(run.folder / "metrics.json")
    assert zoo("report", "last", "-o", "page.md").code == 0
    assert not imported.exists()
    assert str(own.parent) not in sys.path
    moved = own.rename(own.with_name("moved.yaml"))
    assert zoo_json("evaluate", "last", "--zoo", moved)["test"] == record["test"]
    assert imported.exists()
    monkeypatch.setenv("LSTM_ZOO_FILE", str(moved))
    assert zoo_json("evaluate", "last")["test"] == record["test"]
    told = refused("explain", "last", "gradients")  # which computes in float64
    assert "The model of own-digits" in told
    again = zoo_json("compare", "own", "--seeds", "1", "--epochs", "1")
    assert again["models"][0]["trials"][0]["reused"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"builder": "evil:build"},
            "builder 'evil:build', and the built-in zoo names no",
        ),
        ({"loader": "evil:load"}, "loader 'evil:load', and the built-in zoo names no"),
        ({"builder": "os:system"}, "'os:system'"),
        ({"zoo": "zoo.yaml", "builder": "evil:build"}, "with the zoo file zoo.yaml"),
        ({"zoo": "/dev/zero"}, "with the zoo file /dev/zero"),
        (
            {"plugins": {"evil": "1"}, "builder": "evil:build"},
            "the plugin evil, and it is not inst",
        ),
        ({"plugins": {"\x1b[2J": "1"}}, "the plugin \\x1b[2J, and it is not installed here"),
    ],
    ids=str,
)
def test_a_config_alone_imports_nothing(refused, broken, tmp_path, monkeypatch, change, told):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("LSTM_ZOO_PLUGINS", "1")
    (tmp_path / "evil.py").write_text("open('owned', 'w')\ndef build(): ...\ndef load(): ...\n")
    (tmp_path / "zoo.yaml").write_text("models: {evil: {builder: 'evil:build', summary: Evil}}")
    config_of(broken, **change)
    for arguments in (("evaluate", broken), ("predict", broken), ("explain", broken, "gates")):
        assert told in refused(*arguments)
    (broken / "metrics.json").unlink()
    assert told in refused("train", "--resume", broken)
    assert not Path("owned").exists()
    assert "evil" not in sys.modules


# model.keras


def packed(run, change, method=zipfile.ZIP_STORED):
    """The run's model.keras, with other members."""
    with zipfile.ZipFile(run / "model.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(run / "model.keras", "w", method) as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)


def configured(change):
    """A model whose configuration is changed."""

    def changed(members):
        config = json.loads(members["config.json"])
        for layer in config["config"]["layers"]:
            change(layer)
        return members | {"config.json": json.dumps(config)}

    return wraps(change)(lambda run: packed(run, changed))


@cache
def zeros():
    """An archive of 3 MB, of 600 MB of zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("y_true.npy", WEIGHTS):
            with archive.open(name, "w") as file:
                for _ in range(300):
                    file.write(bytes(1_000_000))
    return packed.getvalue()


def a_lambda(run):
    inputs = keras.Input((8, 8))
    owned = keras.layers.Lambda(lambda x: (open("owned", "w"), x)[1])  # noqa: PTH123, SIM115
    model = keras.Sequential([inputs, owned, keras.layers.Flatten(), keras.layers.Dense(10)])
    Path("owned").unlink()
    model.save(run / "model.keras")


@configured
def a_module(layer):
    if layer["class_name"] == "SimpleRNN":
        layer |= {"module": "evil", "class_name": "Evil", "registered_name": "Evil"}


@configured
def a_function(layer):
    if layer["class_name"] == "Dense":
        of_os = {"module": "os", "class_name": "function", "config": "system"}
        layer["config"]["activation"] = of_os | {"registered_name": "system"}


@configured
def too_many_units(layer):
    layer.pop("build_config", None)
    if "units" in layer["config"]:
        layer["config"]["units"] = 30_000


def stored(change):
    """A model whose file of weights is changed."""

    def changed(members):
        weights = io.BytesIO(members[WEIGHTS])
        with h5py.File(weights, "a") as file:
            change(file, "layers/dense/vars/0")
        return members | {WEIGHTS: weights.getvalue()}

    return wraps(change)(lambda run: packed(run, changed))


@stored
def hollow_weights(file, name):
    """An array of 3.6 GB of which nothing is stored."""
    del file[name]
    file.create_dataset(name, (900_000_000,), "f4", chunks=(1 << 20,), compression="gzip")


@stored
def weights_elsewhere(file, name):
    del file[name]
    file[name] = h5py.ExternalLink("/etc/passwd", "x")


def a_bomb(run):
    (run / "model.keras").write_bytes(zeros())


def a_long_configuration(run):
    packed(run, lambda members: members | {"config.json": b"[" * (3 << 20)}, zipfile.ZIP_DEFLATED)


def a_deep_configuration(run):
    packed(run, lambda members: members | {"config.json": b"[" * (1 << 20)})


def a_hole(run):
    os.truncate(run / "model.keras", 30 << 30)


def a_pipe(run):
    (run / "model.keras").unlink()
    os.mkfifo(run / "model.keras")


MODELS = {
    a_lambda: "whose `function` is a Python lambda",
    a_module: "could not be deserialized properly",
    a_function: "could not be deserialized properly",
    too_many_units: "it asks for 7,2",
    hollow_weights: "it asks for 3,600 MB, and has 0 MB of weights",
    weights_elsewhere: "damaged or not a model",
    a_bomb: "it unpacks to 600 MB, and at most 500 MB are read",
    a_long_configuration: "its configuration is larger than 2 MB",
    a_deep_configuration: "recursion",
    a_hole: "it is larger than what is in it",
    a_pipe: "has no model.keras",
}


@pytest.mark.parametrize(("attack", "told"), MODELS.items())
def test_a_hostile_model_is_refused(refused, broken, tmp_path, monkeypatch, attack, told):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "evil.py").write_text("open('owned', 'w')\n")
    attack(broken)
    assert told in refused("evaluate", broken)
    assert not Path("owned").exists()
    assert "evil" not in sys.modules


# Archives of arrays


class Owned:
    def __reduce__(self):
        return os.mkdir, ("owned",)


def pickled(path):
    np.savez(path, y_true=np.array([Owned()], object), y_pred=np.zeros(1))


def bomb(path):
    path.write_bytes(zeros())


def promising(path):
    """Headers of 8 TB, and nothing behind them."""
    header = io.BytesIO()
    told = {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    np.lib.format.write_array_header_1_0(header, told)
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("y_true", "y_pred", "state"):
            archive.writestr(f"{name}.npy", header.getvalue())


def garbled(path):
    """A header that is no Python."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        for name in ("y_true", "y_pred", "state"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\1\0\x10\0" + b"{'descr': ((((((" + b"\n")


def encrypted(path):
    np.savez(path, y_true=np.zeros(1), y_pred=np.zeros(1), state=np.zeros(1))
    content = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + flags] |= 1
    path.write_bytes(content)


def hollow(path):
    path.touch()
    os.truncate(path, 30 << 30)


def endless(path):
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def piped(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path)


ATTACKS = [pickled, bomb, promising, garbled, encrypted, hollow, endless, piped]


def test_a_model_that_does_not_say_what_it_takes_is_refused(refused, broken):
    with pytest.warns(UserWarning, match="not yet been built"):
        keras.Sequential([keras.layers.Dense(3)]).save(broken / "model.keras")
    for command in (["evaluate"], ["predict"]):
        assert "no defined inputs" in refused(*command, broken)


every_attack = pytest.mark.parametrize("attack", ATTACKS)


@every_attack
def test_hostile_predictions_are_reported_as_damaged_and_not_taken_up(refused, broken, attack):
    attack(broken / "predictions.npz")
    assert "predictions.npz is damaged: " in refused("report", broken, "-o", "page.html")
    assert not sound(Run(broken), Run(broken).config)
    assert not Path("owned").exists()


@every_attack
def test_a_hostile_checkpoint_is_not_gone_on_with(refused, broken, attack):
    (broken / "metrics.json").unlink()
    attack(broken / "checkpoint.npz")
    told = refused("train", "--resume", broken, "-q")
    assert "checkpoint.npz is damaged: delete it to begin again." in told
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    ("change", "environment"),
    [
        ({"rows": 3}, {}),
        ({"rows": [3]}, {}),
        ({"rows": []}, {}),
        ({"rows": [{"epoch": "x"}]}, {}),
        ({"rows": [{"epoch": 1}, {"other": 2}]}, {}),
        ({"best": "x", "best_epoch": []}, {}),
        ({"seconds": "x"}, {}),
        ({"colour": 3}, {}),
        ({}, {"resumed": 3}),
    ],
    ids=str,
)
def test_a_run_that_was_begun_by_a_stranger_ends_well_or_in_a_sentence(
    zoo, begun, change, environment
):
    with np.load(begun / "checkpoint.npz") as known:
        arrays = dict(known)
    state = json.loads(str(arrays["state"])) | change
    np.savez(begun / "checkpoint.npz", **arrays | {"state": np.array(json.dumps(state))})
    told = json.loads((begun / "environment.json").read_text()) | environment
    (begun / "environment.json").write_text(json.dumps(told))
    result = zoo("train", "--resume", begun, "-q")
    assert result.code == 0 or (result.code, result.err.count("\n")) == (1, 1)
    assert harmless(result.err)


@every_attack
def test_a_hostile_data_file_is_refused(tmp_path, attack):
    attack(tmp_path / mnist.SOURCE.npz)
    with pytest.raises(DataError, match=r"mnist\.npz can't be read as MNIST"):
        mnist.load(data_dir=str(tmp_path))


@pytest.mark.parametrize("name", imdb.DIGESTS)
@pytest.mark.parametrize("attack", [bomb, hollow, endless, piped])
def test_hostile_reviews_are_refused(tmp_path, attack, name):
    for other in imdb.DIGESTS:
        (tmp_path / other).touch()
    attack(tmp_path / name)
    with pytest.raises(DataError, match=r"can't be read as IMDB"):
        imdb.load(data_dir=str(tmp_path))


def test_a_packed_file_of_images_is_read_as_far_as_it_may_go(tmp_path):
    for name in _images.IDX.values():
        with gzip.open(tmp_path / f"{name}.gz", "wb") as file:
            file.write(b"\0\0\x08\x01" + bytes(1 << 27))
    with pytest.raises(DataError, match="it is larger than any of MNIST's form"):
        mnist.load(data_dir=str(tmp_path))


def test_a_large_archive_may_unpack_to_more(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LEAST", 1000)
    path = tmp_path / "a.npz"
    np.savez(path, x=np.arange(1000.0))
    assert archives.arrays(path)["x"].sum() == 499_500
    np.savez_compressed(path, x=np.zeros(1_000_000))
    with pytest.raises(ValueError, match="it unpacks to 8 MB"):
        archives.arrays(path)


# Texts


@pytest.mark.parametrize("attack", [hollow, endless, piped])
@pytest.mark.parametrize("name", ["config", "metrics", "preprocessing", "history"])
def test_no_file_of_a_run_is_waited_for_or_fills_the_memory(refused, broken, attack, name):
    (file,) = broken.glob(f"{name}.*")
    attack(file)
    told = refused("report", broken, "-o", "page.html")
    assert name in told


@pytest.mark.parametrize("attack", [hollow, endless, piped])
def test_nor_is_any_other_that_is_named(refused, tmp_path, attack):
    file = tmp_path / "any"
    attack(file)
    for arguments in (
        ("gate", file, "--at-least", "accuracy=1"),
        ("report", file, "-o", "page.md"),
        ("list", "--zoo", file),
        ("train", "lstm", "--dataset", "characters", "--data", f"file={file}"),
    ):
        if attack is not hollow or arguments[0] != "train":
            refused(*arguments)
    with pytest.raises(DataError, match="any can't be read"):
        mnist_permuted.load(permutation=str(file))


def test_what_is_read_whole_is_bounded(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 11)
    assert contents(tmp_path / "a", 11) == b"x" * 11
    with pytest.raises(OSError, match="it holds more than"):
        contents(tmp_path / "a", 10)


# Memory

MEASURED = """
import resource, sys
from pathlib import Path
{imports}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + {most}, used + {most}))
for name in sys.argv[1:]:
    try:
        {call}
    except {error} as error:
        print(name, "told", str(error).count(chr(10)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def measured(imports, call, error, *arguments):
    """What is told of each file by a process that may take `MOST` more; its kilobytes beyond that
    of before."""
    code = MEASURED.format(imports=imports, call=call, error=error, most=MOST)
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    *told, kilobytes = done.stdout.splitlines()
    assert told == [f"{name} told 0" for name in arguments]
    return int(kilobytes)


def test_a_line_of_two_gigabytes_costs_some_megabytes(tmp_path):
    starts = {"nulls": b"", "beyond": b"Date,Close\n2020-01-01,1\n"}
    starts["later"] = starts["beyond"] + b"2020-01-02,2\n" * 200_000
    starts["letters"] = starts["later"] + b"x" * (20 << 20)
    for name, start in starts.items():
        (tmp_path / name).write_bytes(start)
        os.truncate(tmp_path / name, 2 << 30)
    imports = "from lstm_zoo.datasets import prices, text\nfrom lstm_zoo.errors import DataError"
    files = [tmp_path / name for name in starts]
    assert measured(imports, "prices.load(csv=name)", "DataError", *files) < 200_000


def test_a_hostile_run_costs_less_than_a_stated_gigabyte(folder, tmp_path):
    (run,) = list_runs(folder / "runs")
    copies = []
    for attack in (too_many_units, hollow_weights, a_bomb, a_long_configuration, a_hole):
        copies.append(Path(shutil.copytree(run.folder, tmp_path / attack.__name__)))
        attack(copies[-1])
    imports = (
        "from lstm_zoo import backend\nbackend.start()\nfrom lstm_zoo import saved\n"
        "from lstm_zoo.errors import RunError\n"
        f"saved.load(Path({str(run.folder)!r}, 'model.keras'))"
    )
    call = "saved.load(Path(name, 'model.keras'))"
    assert measured(imports, call, "RunError", *copies) < MOST / 1024


def test_a_text_of_the_largest_size_would_cost_less_than_a_stated_gigabyte(tmp_path):
    """A third of that size, which costs a third."""
    (tmp_path / "lists.json").write_text("[" + "{},[]," * 1_600_000 + "0]")
    imports = "from lstm_zoo.records import read_json\nfrom lstm_zoo.errors import RunError"
    call = "read_json(Path(name))"
    assert measured(imports, call, "RunError", tmp_path / "lists.json") < MOST / 1024 / 3


# Paths


PATHS = ["../../x", "/etc/passwd", "..", "a/../../../x", "~/x", "x\0y", "con", "-x"]


@pytest.mark.parametrize("name", PATHS)
def test_a_name_leads_nowhere(zoo, folder, broken, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    config_of(broken, model=name, variant=name, dataset=name)
    assert zoo("evaluate", broken).code in (0, 1)
    assert zoo("report", broken, "-o", tmp_path / "page.md").code == 0
    (tmp_path / "page.md").unlink()
    assert zoo("evaluate", f"./{name}").code == 1
    assert zoo("train", f"./{name}").code == 2
    assert zoo("train", f"simple-rnn:units={name}").code == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_cells_text_names_no_file_and_steers_no_terminal(zoo, zoo_json, tmp_path):
    classes = ["../../x", "\x1b[31mred\x9b31m", "[/bold]", "=1+1", "\u202egnp"]
    lines = [f'word{n % 5} film,"{classes[n % 5]}"' for n in range(200)]
    (tmp_path / "texts.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    data = ("--dataset", "text", "--csv", "texts.csv", "--data", "steps=3")
    trained = zoo("train", "simple-rnn:units=2", *data, "--epochs", "1")
    assert trained.code == 0, trained.err
    (run,) = list_runs(tmp_path / "runs")
    assert {file.name for file in tmp_path.iterdir()} == {"runs", "texts.csv"}
    told = [trained, zoo("evaluate", "last"), zoo("predict", "last"), zoo("runs")]
    told += [zoo("predict", "last", "--json"), zoo("report", "last", "-o", "page.md")]
    assert [result.code for result in told] == [0] * len(told)
    assert all(harmless(result.out + result.err) for result in told)
    assert harmless((tmp_path / "page.md").read_text())
    named = run.read("preprocessing.json")["classes"]
    assert {row["actual"] for row in json.loads(told[4].out)} == set(named)


# Control characters

STEERING = "\x1b[31m\x9b31m\u202e\x07\x7f"
TOLD = r"\x1b[31m\x9b31m\u202e\x07\x7f"


def test_names_in_a_run_steer_no_terminal(zoo, folder, broken, tmp_path):
    odd = broken.rename(broken.with_name(f"odd{STEERING}"))
    config_of(odd, variant=f"lstm{STEERING}")
    for arguments in (
        ("runs", "--runs", tmp_path),
        ("evaluate", odd),
        ("report", odd, "-o", "page.md"),
        ("report", odd, "-o", f"page{STEERING}.html"),
        ("predict", odd, "-o", f"rows{STEERING}.csv"),
        ("explain", odd, "gradients"),
    ):
        result = zoo(*arguments)
        assert result.code == 0, result.err
        assert harmless(result.out + result.err)
        assert arguments[0] == "report" or TOLD in result.out + result.err
    assert harmless((tmp_path / "page.md").read_text())
    shown = zoo("runs", "--runs", tmp_path, "--json").out
    assert harmless(shown)
    assert json.loads(shown)[0]["variant"] == f"lstm{STEERING}"


def test_words_of_a_zoo_file_steer_no_terminal(zoo, tmp_path):
    escaped = json.dumps(f"Odd{STEERING}", ensure_ascii=True)
    entry = f"{{builder: 'lstm_zoo.models.lstm:build', summary: {escaped}, paper: {escaped}}}"
    (tmp_path / "odd.yaml").write_text(f"models: {{odd: {entry}}}\n")
    for arguments in (("list",), ("show", "odd"), ("list", "--json")):
        result = zoo(*arguments, "--zoo", "odd.yaml")
        assert result.code == 0
        assert harmless(result.out)
        assert "Odd" in result.out


def test_names_in_results_steer_no_terminal(zoo, tmp_path):
    example = Path(__file__).parent.parent / "examples" / "ci" / "baseline.json"
    odd = json.dumps(f"odd{STEERING}")[1:-1]
    (tmp_path / "odd.json").write_text(example.read_text().replace("simple-rnn", odd))
    for arguments in (
        ("gate", "odd.json", "--at-least", "accuracy=0.5", "--junit", "gate.xml"),
        ("gate", "odd.json", "--baseline", example),
        ("report", "odd.json", "-o", "page.md"),
        ("report", "odd.json", "-o", "page.html"),
    ):
        result = zoo(*arguments)
        assert result.code in (0, 4, 5), result.err
        assert harmless(result.out + result.err)
        assert arguments[0] == "report" or TOLD in result.out
    for file in ("page.md", "gate.xml"):
        assert harmless((tmp_path / file).read_text())
        assert TOLD in (tmp_path / file).read_text()
    ElementTree.parse(tmp_path / "gate.xml")
