"""The runner: what a run leaves, that it is reproducible, and that it equals bare Keras."""

import csv
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, log_loss

from lstm_zoo import assembly, catalog, data, runs, sources, training
from lstm_zoo.batches import Batches
from lstm_zoo.config import run_config
from lstm_zoo.parameters import read_function
from lstm_zoo.reporting.progress import Lines

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow, pytest.mark.usefixtures("untimed")]

ZOO = catalog.load()
MODELS = list(ZOO.of("model"))
BUILT_IN = [
    name
    for name, entry in ZOO.of("dataset").items()
    if not {"data_dir", "text_column"} & {p.name for p in read_function(entry.loader).parameters}
]  # those that need no file
FILES = {
    "config.json",
    "environment.json",
    "history.csv",
    "model.keras",
    "preprocessing.json",
    "predictions.npz",
    "plots",
    "metrics.json",
}
TIMINGS = ("train_seconds", "compile_seconds", "examples_per_second", "run")


@pytest.fixture
def train(zoo_json):
    """`train("lstm", …)`: a finished run."""

    def call(*arguments):
        return runs.Run(runs.Path(zoo_json("train", *arguments, "-q")["run"]))

    return call


@pytest.fixture
def quiet():
    return Lines(console=None, quiet=True)


def config_of(model="lstm", dataset="digits", params=None, framing=None, seed=0, **settings):
    return run_config(
        ZOO,
        model,
        params or {},
        dataset,
        framing or {},
        settings,
        seed=seed,
        threads=None,
        backend="tensorflow",
    )


def predictions(run):
    with np.load(run.folder / "predictions.npz") as arrays:
        return dict(arrays)


def history(run):
    with (run.folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_of_classes_leaves_its_whole_record(train):
    run = train("lstm", "--epochs", "2")
    assert {path.name for path in run.folder.iterdir()} == FILES
    assert {path.name for path in (run.folder / "plots").iterdir()} == {
        "training.png",
        "confusion.png",
    }
    assert [row["epoch"] for row in history(run)] == ["0", "1", "2"]
    assert run.config.data_sha256 == data.digest(sources.read(run.config))
    assert run.config.threads >= 1
    record, arrays = run.metrics, predictions(run)
    labels = arrays["y_pred"].argmax(axis=1)
    assert record["test"]["accuracy"] == accuracy_score(arrays["y_true"], labels)
    assert record["test"]["f1_macro"] == pytest.approx(
        f1_score(arrays["y_true"], labels, average="macro")
    )
    probabilities = arrays["y_pred"].astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert record["test"]["cross_entropy"] == pytest.approx(
        log_loss(arrays["y_true"], probabilities), rel=1e-5
    )
    floor = record["floor"]
    assert (floor["name"], floor["value"]) == ("majority", record["floors"]["majority"])
    assert floor["scores"]["accuracy"] == floor["value"]
    assert len(record["per_class"]) == 10


def test_a_run_of_a_series_leaves_predictions_in_its_own_unit(train):
    run = train("gru", "--dataset", "prices", "--epochs", "2", "--data", "horizon=2")
    arrays, series = predictions(run), sources.read(run.config)
    dates, close = series.dates, series.values[:, 0]
    assert arrays["dates"].shape == arrays["y_true"].shape == (208, 2)
    for row in (0, 100, 207):
        for step in range(2):
            place = np.flatnonzero(dates == arrays["dates"][row, step])[0]
            assert arrays["y_true"][row, step] == close[place]
            assert arrays["last"][row] == close[place - step - 1]
    error = arrays["y_pred"] - arrays["y_true"]
    assert run.metrics["test"]["rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    naive = np.sqrt(np.mean((arrays["last"][:, None] - arrays["y_true"]) ** 2))
    floor = run.metrics["floor"]
    assert (floor["name"], floor["value"]) == ("last_value", pytest.approx(naive))
    assert floor["scores"]["skill"] == 0
    assert (run.folder / "plots" / "forecast.png").is_file()


def test_the_floors_are_the_ones_that_show_prints(train):
    run = train("simple-rnn", "--dataset", "prices", "--epochs", "1")
    assert f"{run.metrics['floor']['value']:.2f}" in ZOO.find("prices").function.doc


def test_the_same_command_gives_the_same_numbers_bit_for_bit(train):
    command = ("stacked", "--epochs", "2", "--batch-size", "128", "--set", "units=[8, 8]")
    command += ("--set", "dropout=0.2", "--set", "recurrent_dropout=0.1")
    first, second = train(*command), train(*command)
    same = [
        {key: value for key, value in run.metrics.items() if key not in TIMINGS}
        for run in (first, second)
    ]
    assert same[0] == same[1]
    assert predictions(first)["y_pred"].tobytes() == predictions(second)["y_pred"].tobytes()
    other = train(*command, "--seed", "1")
    assert predictions(other)["y_pred"].tobytes() != predictions(first)["y_pred"].tobytes()


def test_a_run_equals_bare_keras(tmp_path, quiet):
    """The same weights and batches through Keras' own train_on_batch give the same model."""
    config = config_of("gru", epochs=2, framing={"validation": 0.0})
    raw = sources.read(config)
    run = training.train(config, raw, tmp_path, quiet)
    x, y = raw.x[:1438], raw.y[:1438]
    bare = keras.Sequential(
        [keras.Input((8, 8)), keras.layers.GRU(64), keras.layers.Dense(10, "softmax")]
    )
    bare.set_weights(assembly.build(config, sources.prepare(config, raw)).get_weights())
    bare.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    for epoch in range(2):
        stream = np.random.SeedSequence(0, spawn_key=(1, epoch))
        shuffled = np.random.default_rng(stream).permutation(1438)
        for start in range(0, 1438, 32):
            bare.train_on_batch(x[shuffled[start : start + 32]], y[shuffled[start : start + 32]])
    np.testing.assert_allclose(
        predictions(run)["y_pred"], bare.predict(raw.x[1438:], verbose=0), atol=1e-5
    )


def test_neither_the_models_size_nor_its_dropout_changes_the_order_of_batches():
    config = config_of()
    dataset = sources.prepare(config, sources.read(config))
    orders = []
    for units in (2, 50):
        assembly.build(config_of(params={"units": units, "dropout": 0.5}), dataset)
        batches = Batches(dataset.train, 32, sources.Streams.of(0).batches)
        batches.shuffle(3)
        orders.append(np.concatenate([batches[number][1] for number in range(len(batches))]))
    np.testing.assert_array_equal(*orders)


def test_dropout_has_a_stream_of_its_own():
    """Another width draws other weights, and drops by the same seeds."""
    dataset = sources.prepare(config_of(), sources.read(config_of()))
    states = []
    for units in (2, 50):
        model = assembly.build(config_of(params={"units": units, "dropout": 0.5}), dataset)
        seeds = [v for v in model.variables if v.path.endswith("seed_generator_state")]
        states.append([keras.ops.convert_to_numpy(v).tolist() for v in seeds])
    assert states[0] == states[1] != []


def test_the_seed_draws_the_validation_part_and_never_the_test_part():
    parts = [sources.prepare(config_of(seed=seed), sources.read(config_of())) for seed in (0, 1)]
    np.testing.assert_array_equal(parts[0].test.index, parts[1].test.index)
    assert set(parts[0].validation.index) != set(parts[1].validation.index)


def test_the_untrained_weights_are_kept_where_nothing_is_better(train):
    """On prices the untrained model answers the last value; a wild learning rate only harms it."""
    run = train("lstm", "--dataset", "prices", "--epochs", "3", "--learning-rate", "0.3")
    assert run.metrics["best_epoch"] == 0
    arrays = predictions(run)
    np.testing.assert_array_equal(arrays["y_pred"][:, 0], arrays["last"])
    assert run.metrics["test"]["skill"] == 0
    assert run.metrics["learned"] is False


def test_the_best_weights_are_the_ones_that_are_recorded(train):
    run = train("lstm", "--epochs", "6", "--learning-rate", "0.05", "--patience", "null")
    rows = history(run)
    losses = [float(row["val_loss"]) for row in rows]
    best = int(np.argmin(losses))
    assert run.metrics["best_epoch"] == best
    assert run.metrics["validation"]["cross_entropy"] == pytest.approx(losses[best], rel=1e-4)


def test_patience_stops_early(train):
    run = train(
        "lstm", "--dataset", "prices", "--epochs", "20", "--learning-rate", "0.3", "--patience", "1"
    )
    assert run.metrics["epochs"] == len(history(run)) - 1 == 2


def test_a_training_that_diverges_is_an_error_and_no_finished_run(zoo):
    arguments = ["--set", "activation=relu", "--learning-rate", "1e30", "--optimizer", "sgd"]
    result = zoo("train", "simple-rnn", *arguments)
    assert result.code == 1
    assert "diverged" in result.err
    assert "unfinished" in zoo("runs").out
    assert zoo("evaluate", "last").code == 1


def test_model_keras_predicts_the_recorded_answers(train):
    run = train("attention-lstm", "--epochs", "1")
    model = keras.saving.load_model(run.folder / "model.keras")
    x = sources.read(run.config).x[1438:]
    np.testing.assert_allclose(model.predict(x, verbose=0), predictions(run)["y_pred"], atol=1e-6)


@pytest.mark.parametrize("dataset", [*BUILT_IN, "prices --data targets=sequence"])
@pytest.mark.parametrize("model", MODELS)
def test_show_builds_every_model_for_every_dataset(zoo, model, dataset):
    result = zoo("show", model, "--dataset", *dataset.split(), "--json")
    if model == "bilstm" and result.code == 2:
        assert "reads the whole sequence before it answers" in result.err
        return
    built = json.loads(result.out)["built"]
    assert built["parameters"] == sum(layer["parameters"] for layer in built["layers"])
    assert built["multiply_adds"] > 1000


def test_a_stranger_can_use_the_model_by_preprocessing_json_alone(train):
    """What the two formulas in the file say, worked out by hand, gives the recorded forecasts."""
    for predict in ("change", "level"):
        run = train("gru", "--dataset", "prices", "--epochs", "1", "--data", f"predict={predict}")
        told = run.read("preprocessing.json")
        assert ("last value" in told["value"]) == (predict == "change")
        series = told["series"]
        window = sources.read(run.config).values[-61:-1]
        x = (window - series["input_offset"]) / series["input_scale"]
        model = keras.saving.load_model(run.folder / "model.keras")
        value = model.predict(x[None].astype("float32"), verbose=0) * series["target_scale"]
        value = value + series["target_offset"] + (window[-1, 0] if predict == "change" else 0)
        assert predictions(run)["y_pred"][-1, 0] == pytest.approx(value[0, 0], abs=1e-3)
        assert told["seen_until"] < str(predictions(run)["dates"][0, 0])


def test_every_model_trains_on_digits_and_beats_the_floor(zoo_json):
    results = zoo_json("compare", *MODELS, "--seeds", "1", "--epochs", "2")
    assert [model["failures"] for model in results["models"]] == [0] * len(MODELS)
    for model in results["models"]:
        assert runs.Run(runs.Path(model["trials"][0]["run"])).metrics["learned"], model["name"]


def test_what_is_scored_on_the_last_step_says_so(zoo):
    sequence = ("--dataset", "prices", "--data", "targets=sequence", "--epochs", "1")
    assert "last step alone" in zoo("train", "bilstm", *sequence, "-q").out
    (run,) = runs.list_runs(runs.Path("runs"))
    assert run.read("preprocessing.json")["outputs"]["every_step"] is False
    assert "scored on the last one" in zoo("train", "lstm", *sequence, "-q").out


def test_the_real_mnist_trains(zoo_json, mnist_folder):
    record = zoo_json(
        *("train", "simple-rnn", "--dataset", "mnist", "--data-dir", mnist_folder),
        *("--epochs", "1", "--batch-size", "256"),
    )
    assert (record["floor"]["name"], record["floor"]["value"]) == ("majority", 0.1135)
    assert record["test"]["accuracy"] > 0.8


UPDATES = 45  # 1,438 images in batches of 32
FALLING = {"schedule": "cosine", "clip_norm": 0.1, "learning_rate": 0.01}
PUSHED = {"optimizer": "rmsprop", "momentum": 0.9, "clip_norm": 0.1}


def falling():
    rate = keras.optimizers.schedules.CosineDecay(0.01, UPDATES)
    return keras.optimizers.Adam(rate, global_clipnorm=0.1)


def pushed():
    return keras.optimizers.RMSprop(1e-3, momentum=0.9, global_clipnorm=0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "optimizer"), [(FALLING, falling), (PUSHED, pushed)])
def test_clipping_a_schedule_and_momentum_are_kerass_own(tmp_path, quiet, settings, optimizer):
    """The same weights, batches, clipped gradient and steps in bare Keras."""
    config = config_of("gru", epochs=1, framing={"validation": 0.0})
    config = replace(config, train=config.train | settings)
    raw = sources.read(config)
    run = training.train(config, raw, tmp_path, quiet)
    bare = keras.Sequential(
        [keras.Input((8, 8)), keras.layers.GRU(64), keras.layers.Dense(10, "softmax")]
    )
    bare.set_weights(assembly.build(config, sources.prepare(config, raw)).get_weights())
    bare.compile(optimizer(), "sparse_categorical_crossentropy")
    stream = np.random.SeedSequence(0, spawn_key=(1, 0))
    shuffled = np.random.default_rng(stream).permutation(1438)
    for start in range(0, 1438, 32):
        places = shuffled[start : start + 32]
        bare.train_on_batch(raw.x[places], raw.y[places])
    np.testing.assert_allclose(
        predictions(run)["y_pred"], bare.predict(raw.x[1438:], verbose=0), atol=1e-5
    )


def test_an_epoch_of_one_batch_tells_no_time_of_compiling(tmp_path, quiet):
    config = config_of("simple-rnn", epochs=2, batch_size=5000)
    run = training.train(config, sources.read(config), tmp_path, quiet)
    assert run.metrics["compile_seconds"] == 0.0
