"""`export`: every model in every format, loaded again by its own runtime and compared."""

import dataclasses
import itertools
import json
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import onnx
import pytest
from sklearn.datasets import load_digits

from lstm_zoo import catalog
from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.cli import export
from lstm_zoo.data import Outputs, Tokens
from lstm_zoo.exporting import check, example, formats, runtimes
from lstm_zoo.exporting.formats import FORMATS
from lstm_zoo.runs import list_runs

pytestmark = pytest.mark.tensorflow

MODELS = catalog.load().of("model")
STEPS = 3
TASKS = {  # of each kind of input, and of answers after the last step and at every step
    "rows": ((STEPS, 3), Outputs(3, "classes")),
    "every_step": ((STEPS, 3), Outputs(2, "values", every_step=True)),
    "texts": (Tokens(STEPS, 9, padded=True), Outputs(2, "classes")),
    "characters": (Tokens(STEPS, 9, padded=False), Outputs(9, "classes", every_step=True)),
    "films": ((STEPS, 3, 3, 1), Outputs(2, "classes")),
}
KINDS = itertools.cycle(TASKS)  # each format meets each kind, as there are more models than kinds
WALK = [(form, name, next(KINDS)) for form in FORMATS for name in MODELS]


def built(name, kind, steps=STEPS):
    """A small model of the zoo, with all that there is to drop, and weights that are drawn."""
    shape, outputs = TASKS[kind]
    shape = shape._replace(steps=steps) if kind in ("texts", "characters") else (steps, *shape[1:])
    units = [3, 2] if name == "stacked" else 3
    options = {"units": units, "dropout": 0.5, "recurrent_dropout": 0.5}
    model = catalog.resolve(MODELS[name].builder)(shape, outputs, **options)
    rng = np.random.default_rng(1)
    model.set_weights([rng.normal(size=weight.shape) for weight in model.get_weights()])
    return model


def inputs(kind, steps=STEPS):
    """Six examples; of texts each ends in more padding, and the last is empty."""
    rng, (shape, _) = np.random.default_rng(2), TASKS[kind]
    if not isinstance(shape, Tokens):
        return rng.normal(size=(6, steps, *shape[1:])).astype(np.float32)
    x = rng.integers(1, shape.vocabulary, (6, steps)).astype(np.int32)
    return np.where(np.arange(steps) < np.arange(6)[::-1, None], x, 0) if shape.padded else x


@pytest.mark.slow
@pytest.mark.parametrize(("form", "name", "kind"), WALK)
def test_every_model_in_every_format_answers_as_the_original(form, name, kind, tmp_path):
    form = FORMATS[form]
    file = tmp_path / form.file
    written = check.write(built(name, kind), inputs(kind), form, file)
    assert written.difference <= 1e-5
    free = name != "cnn-lstm" and form.any_steps  # the former's weights are for so many steps
    assert written.input[:2] == (None, None if free else STEPS)
    if form.name == "onnx":
        onnx.checker.check_model(file, full_check=True)
        (x,) = onnx.load(file).graph.input
        sizes = [size.dim_param or size.dim_value for size in x.type.tensor_type.shape.dim]
        assert sizes[:2] == ["batch", "steps" if free else STEPS]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(MODELS.keys() - {"cnn-lstm"}))
def test_at_another_length_it_is_the_model_that_is_built_for_that_length(name):
    model, longer = built(name, "films"), built(name, "films", steps=2 * STEPS)
    longer.set_weights(model.get_weights())
    x = inputs("films", steps=2 * STEPS)
    np.testing.assert_allclose(check.at_steps(model, None)(x), longer(x), atol=1e-6)


def test_a_model_whose_weights_are_for_so_many_steps_has_no_other_length():
    model = built("cnn-lstm", "every_step")
    with pytest.raises(ValueError, match="must be unchanged"):
        check.at_steps(model, STEPS + 1)


def off_by(number):
    """Bare Keras as a runtime whose answers are off by so much."""

    def load(file):
        model = keras.saving.load_model(file)
        return lambda x: model.predict_on_batch(x) + np.float32(number)

    return dataclasses.replace(FORMATS["keras"], load=load)


@pytest.mark.slow
def test_a_runtime_that_answers_otherwise_is_found_out(tmp_path):
    model, x = built("simple-rnn", "rows"), inputs("rows")
    for number, same in ((9e-5, True), (1.1e-4, False), (np.nan, False)):
        written = check.write(model, x, off_by(number), tmp_path / "model.keras")
        assert written.same is same
    np.testing.assert_allclose(written.difference, np.nan)


@pytest.mark.slow
def test_what_is_right_at_the_trained_length_alone_is_exported_for_it_alone(tmp_path):
    def load(file):
        answer = runtimes.load_keras(file)
        return lambda x: answer(x) + (x.shape[1] > STEPS)

    form = dataclasses.replace(FORMATS["keras"], load=load)
    written = check.write(
        built("simple-rnn", "rows"), inputs("rows"), form, tmp_path / "model.keras"
    )
    assert (written.same, written.input) == (True, (None, STEPS, 3))


def test_what_is_traced_on_a_gpu_has_none_of_cudnns_operators():
    """ONNX and TensorFlow on a CPU know none of them."""
    model = built("bilstm", "rows")
    formats.avoid_cudnn(model)
    (both,) = (layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional))
    assert not both.forward_layer.use_cudnn
    assert not both.backward_layer.use_cudnn


def test_the_command_knows_every_format():
    assert tuple(FORMATS) == export.FORMATS


# ------------------------------------------------------------------------------------ the command

TRAIN = {  # by the format that it is exported in here
    "keras": "lstm:units=4 --dataset digits --core fast",
    "onnx": "simple-rnn:units=4 --dataset characters --data characters=2000 --data steps=8",
    "saved-model": "gru:units=4 --dataset prices --data window=8 --data validation=0.0 "
    "--learning-rate 0.1 --backend jax --precision mixed_bfloat16",
    "litert": "simple-rnn:units=4 --dataset adding --data steps=4 --data train=1000 "
    "--data test=100",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A runs folder for each format, with a run of one task each; one is trained on JAX."""
    folder = tmp_path_factory.mktemp("export")
    for form, arguments in TRAIN.items():
        train = ["train", *arguments.split(), "--epochs", "1", "-q", "--runs", str(folder / form)]
        if "jax" in arguments:
            subprocess.run([sys.executable, "-m", "lstm_zoo", *train], check=True)
        else:
            assert lstm_zoo(train) == 0
    return folder


@pytest.fixture
def run_of(folder):
    """`run_of("onnx")`: the run that is exported so."""
    return lambda form: list_runs(folder / form)[0]


ALONE = "import runpy, sys; sys.modules['lstm_zoo'] = None; runpy.run_path(sys.argv[1])"


@pytest.fixture
def shown(zoo_json, run_of, tmp_path):
    """`shown("onnx")`: the record of an export, and what its example says where no lstm-zoo is."""

    def call(form):
        record = zoo_json("export", run_of(form).folder, "--format", form, "-o", "model")
        assert record["files"] == sorted(
            file.relative_to(tmp_path / "model").as_posix()
            for file in (tmp_path / "model").rglob("*")
            if file.is_file()
        )
        program = [sys.executable, "-c", ALONE, tmp_path / "model" / "example.py"]
        done = subprocess.run(program, cwd="/", capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        *said, last = done.stdout.splitlines()
        assert last == "The original said the same."
        return record, said

    return call


@pytest.mark.slow
def test_digits_in_keras(shown, run_of):
    record, said = shown("keras")
    assert record["free"] == ["batch", "steps"]
    assert record["input"] == {"shape": [None, None, 8], "dtype": "float32"}
    assert record["runtime"] == {"name": "Keras", "version": keras.__version__}
    with np.load(run_of("keras").folder / "predictions.npz") as recorded:
        first = recorded["y_pred"][0]
        model = keras.saving.load_model("model/model.keras")
        images = (load_digits().images[1438:] / 16).astype("float32")
        np.testing.assert_allclose(model.predict(images), recorded["y_pred"], atol=1e-5)
    assert said == [f"{first.argmax()}, with a probability of {first.max():.3f}"]


@pytest.mark.slow
def test_characters_in_onnx(shown, run_of):
    record, said = shown("onnx")
    assert record["output"]["shape"][:2] == [None, None]
    vocabulary = run_of("onnx").read("preprocessing.json")["classes"]
    with np.load(run_of("onnx").folder / "predictions.npz") as recorded:
        likely = [vocabulary[best] for best in recorded["y_pred"][0].argmax(axis=-1)]
    assert [line.rpartition(", with")[0] for line in "\n".join(said).split("\n")] == likely


@pytest.mark.slow
def test_prices_from_jax_in_tensorflow(shown, run_of):
    record, said = shown("saved-model")
    assert "bfloat16" in record["notes"][0]
    assert record["largest_difference"] < 1e-5
    with np.load(run_of("saved-model").folder / "predictions.npz") as recorded:
        ((forecast,), last) = recorded["y_pred"][0], recorded["last"][0]
    column, _, value = said[0].partition(", 1 ahead: ")
    assert column == "Close"
    assert float(value) == pytest.approx(forecast, abs=0.05)
    assert abs(forecast - last) > 0.5  # so that a change that was not scaled would be seen


@pytest.mark.slow
def test_an_example_of_a_recursive_run_forecasts_as_many_steps_as_its_model(zoo, run_of, tmp_path):
    command = ("train", "simple-rnn:units=2", "--dataset", "sine", "--data", "horizon=3")
    assert zoo(*command, "--strategy", "recursive", "--epochs", "1", "-q").code == 0
    assert zoo("export", "last", "--format", "keras", "-o", "model").code == 0
    (run,) = list_runs(tmp_path / "runs")
    with np.load("model/example.npz") as example, np.load(run.folder / "predictions.npz") as ours:
        assert example["output"] == pytest.approx(ours["y_pred"][0, :1], abs=1e-5)
        series = run.read("preprocessing.json")["series"]
        model = runtimes.load_keras("model/model.keras")
        answer = runtimes.forecast(model, example["input"], series)
        assert answer == pytest.approx(example["output"], abs=1e-5)


@pytest.mark.slow
def test_adding_in_litert(shown, run_of):
    record, said = shown("litert")
    assert record["free"] == ["batch"]
    with np.load(run_of("litert").folder / "predictions.npz") as recorded:
        assert float(said[0].strip("[]")) == pytest.approx(recorded["y_pred"][0, 0], abs=1e-5)


@pytest.mark.slow
def test_a_difference_is_told_and_nothing_is_left(zoo, run_of, tmp_path, monkeypatch):
    monkeypatch.setattr(check, "TOLERANCE", -1.0)
    result = zoo("export", run_of("keras").folder, "--format", "keras", "-o", "model", "--json")
    assert result.code == 3
    record = json.loads(result.out, parse_constant=pytest.fail)
    assert (record["path"], record["files"], record["examples"]) == (None, [], 90)
    assert "the original differ by" in result.err
    assert "Nothing was exported" in result.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_an_example_that_says_otherwise_is_found_out(zoo, run_of, tmp_path, monkeypatch):
    scaled_twice = example._FORECAST.replace(
        'example["input"], series', '2 * example["input"], series'
    )
    monkeypatch.setattr(example, "_FORECAST", scaled_twice)
    result = zoo("export", run_of("saved-model").folder, "--format", "keras", "-o", "model")
    assert (result.code, "scaled and scaled back" in result.err) == (3, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_only_an_earlier_export_is_replaced_and_only_where_that_is_said(zoo, run_of, tmp_path):
    export = ("export", run_of("keras").folder, "--format", "keras", "-o")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").touch()
    for folder in ("mine", "mine/precious"):
        assert "already" in zoo(*export, folder).err
        assert "no earlier export" in zoo(*export, folder, "--replace").err
    assert zoo(*export, "model").code == 0
    (tmp_path / "model" / "old").touch()
    assert zoo(*export, "model").code == 1
    assert (tmp_path / "model" / "old").exists()
    (tmp_path / "link").symlink_to("model")
    kept = zoo(*export, "link", "--replace")
    assert (kept.code, "holds what no export has written (old)" in kept.err) == (1, True)
    (tmp_path / "model" / "old").unlink()
    before = (tmp_path / "model" / "export.json").stat().st_ino
    assert zoo(*export, "link", "--replace").code == 0
    assert (tmp_path / "model" / "export.json").stat().st_ino != before
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "model", "link"}


@pytest.mark.slow
def test_what_can_not_be_meant_is_said_before_anything_is_loaded(zoo, run_of, monkeypatch):
    export = ("export", run_of("keras").folder, "--format")
    for arguments, code, said in (
        (("onnx", "-o", "m", "--backend", "jax"), 2, "leave --backend jax out"),
        (("onnx", "-o", "model.onnx"), 2, "is a folder"),
        (("onnx", "-o", "nowhere/m"), 1, "nowhere"),
        (("tflite", "-o", "m"), 2, "tflite"),
    ):
        result = zoo(*export, *arguments)
        assert (result.code, said in result.err) == (code, True), result.err
    for form, module in (("onnx", "tf2onnx"), ("litert", "ai_edge_litert")):
        monkeypatch.setitem(sys.modules, module, None)
        result = zoo(*export, form, "-o", "m")
        assert (result.code, result.err.count("\n")) == (1, 1)
        assert f"{module}, which" in result.err
        assert "pip install 'lstm-zoo[export]'" in result.err


@pytest.mark.slow
def test_ctrl_c_leaves_nothing(run_of, tmp_path):
    command = ["export", run_of("keras").folder, "--format", "litert", "-o", tmp_path / "model"]
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_zoo", *command], stderr=subprocess.PIPE, text=True
    )
    while not list(tmp_path.iterdir()):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Interrupted" in err) == (130, True)
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []
