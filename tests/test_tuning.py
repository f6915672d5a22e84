"""Learning rates: the grid, the choice on the validation part, and where there is none."""

import csv
import itertools
import json
from dataclasses import replace

import pytest

from lstm_zoo import catalog, sources, training, tuning
from lstm_zoo.config import run_config
from lstm_zoo.errors import DataError, TrainingError, UsageError
from lstm_zoo.reporting.progress import Lines
from lstm_zoo.runs import Run

pytestmark = pytest.mark.usefixtures("undrawn")

ZOO = catalog.load()


def config_of(model="simple-rnn", framing=None, **train):
    return run_config(
        ZOO, model, {}, "digits", framing or {}, train, seed=3, threads=None, backend="tensorflow"
    )


@pytest.fixture
def trainer(tmp_path):
    """`trainer({rate: [val_loss, …] or None})` trains in words only; None fails. `.seen`: what."""

    def make(histories):
        def train(config):
            train.seen.append(config)
            losses = histories[config.train["learning_rate"]]
            if losses is None:
                raise TrainingError("The training diverged.")
            folder = tmp_path / str(len(train.seen))
            folder.mkdir()
            rows = [f"{epoch},,{loss}" for epoch, loss in enumerate(losses)]
            (folder / "history.csv").write_text("\n".join(["epoch,loss,val_loss", *rows]) + "\n")
            return Run(folder)

        train.seen = []
        return train

    return make


def test_no_fold_of_a_backtest_chooses_a_rate():
    """Its validation part is in what an earlier fold is tested on."""
    given = {"seed": 3, "threads": None, "backend": "tensorflow"}
    config = run_config(ZOO, "lstm", {}, "prices", {"folds": 3}, {}, **given)
    raw = sources.read(config)
    test = sources.prepare(config, raw).test
    for one in tuning.searched(config, 3):
        assert one.data == config.data | {"folds": 1}
        dataset = sources.prepare(one, raw)
        assert dataset.validation.places[-1] < test.places[0]
        assert dataset.test.places == test.places
    single = run_config(ZOO, "lstm", {}, "prices", {"folds": 3, "fold": 2}, {}, **given)
    assert tuning.searched(single, 2)[0].data == single.data


@pytest.mark.parametrize(
    ("count", "grid"),
    [
        (2, [0.000316, 0.001]),
        (3, [0.000316, 0.001, 0.00316]),
        (4, [0.0001, 0.000316, 0.001, 0.00316]),
        (5, [0.0001, 0.000316, 0.001, 0.00316, 0.01]),
        (9, [1e-5, 3.16e-5, 1e-4, 3.16e-4, 1e-3, 3.16e-3, 0.01, 0.0316, 0.1]),
    ],
)
def test_the_grid_is_half_decades_around_the_configured_rate(count, grid):
    assert tuning.rates(1e-3, count) == grid


def test_the_configured_rate_stays_exact_and_larger_grids_hold_smaller_ones():
    grids = [tuning.rates(0.0123456789, count) for count in range(2, 10)]
    assert all(0.0123456789 in grid and grid == sorted(grid) for grid in grids)
    assert all(set(a) < set(b) for a, b in itertools.pairwise(grids))


@pytest.mark.parametrize("count", [-1, 0, 1, 10])
def test_there_must_be_something_to_choose_and_not_too_much(count):
    with pytest.raises(UsageError, match=f"from 2 to 9 learning rates to choose from, not {count}"):
        tuning.rates(1e-3, count)


def test_the_least_validation_loss_of_any_epoch_chooses(trainer):
    train = trainer({0.000316: [2.3, 0.9], 0.001: [2.3, 0.4, 0.8], 0.00316: [2.3, 0.5, 0.5]})
    config = config_of()
    choice = tuning.tune(config, 3, train)
    assert choice.rate == 0.001
    assert choice.losses == {0.000316: 0.9, 0.001: 0.4, 0.00316: 0.5}
    assert choice.config == config  # its own seed and rate
    assert choice.sentence == (
        "simple-rnn: learning rate 0.001 of 3 tried, from 0.000316 to 0.00316 "
        "(validation loss 0.4)."
    )


def test_the_search_trains_the_same_model_from_a_seed_of_its_own(trainer):
    config = config_of(epochs=7)
    train = trainer({0.000316: [0.1], 0.001: [0.2]})
    choice = tuning.tune(config, 2, train)
    assert {seen.seed for seen in train.seen} == {tuning.TUNING_SEED}
    assert tuning.TUNING_SEED > 10**9
    for seen in train.seen:
        rate = {"learning_rate": config.train["learning_rate"]}
        same = replace(seen.with_seed(config.seed), variant=config.variant).to_dict()
        assert same | {"train": seen.train | rate} == config.to_dict()
    assert choice.config.train == config.train | {"learning_rate": 0.000316}
    assert choice.config.seed == 3


@pytest.mark.parametrize("best", [0.000316, 0.00316])
def test_the_edge_of_the_grid_is_told(trainer, best):
    train = trainer({rate: [abs(rate - best)] for rate in tuning.rates(1e-3, 3)})
    choice = tuning.tune(config_of(), 3, train)
    assert choice.at_edge
    assert "at the edge of the grid: a wider search may find a better one)." in choice.sentence


def test_of_equal_losses_the_configured_rate_wins(trainer):
    train = trainer({rate: [2.3] for rate in tuning.rates(1e-3, 5)})
    assert tuning.tune(config_of(), 5, train).rate == 0.001


def test_a_failed_training_is_never_chosen(trainer):
    train = trainer({0.000316: [2.3, 0.9], 0.001: [2.3, 0.4], 0.00316: None})
    choice = tuning.tune(config_of(), 3, train)
    assert choice.rate == 0.001
    assert choice.losses[0.00316] is None
    assert "the training failed at 0.00316" in choice.sentence
    assert not choice.at_edge


def test_a_loss_that_is_no_number_is_never_the_least(trainer):
    train = trainer({0.000316: ["nan", 0.9], 0.001: ["nan", "inf"]})
    assert tuning.tune(config_of(), 2, train).losses == {0.000316: 0.9, 0.001: None}


def test_a_model_that_fails_at_every_rate_is_an_error(trainer):
    train = trainer(dict.fromkeys(tuning.rates(1e-3, 3)))
    with pytest.raises(TrainingError, match=r"simple-rnn .* none of the 3 .* diverged"):
        tuning.tune(config_of(), 3, train)


def test_another_error_stops_the_search():
    def train(config):
        raise DataError("The data does not fit.")

    with pytest.raises(DataError):
        tuning.tune(config_of(), 3, train)


def test_without_a_validation_part_nothing_is_trained(trainer):
    train = trainer({})
    with pytest.raises(UsageError, match="needs a validation part"):
        tuning.tune(config_of(framing={"validation": 0.0}), 3, train)
    assert train.seen == []


@pytest.mark.slow
def test_real_runs_choose_by_their_validation_part_alone(tmp_path):
    config = config_of("lstm:units=4", epochs=2)
    raw = sources.read(config)
    finished = []

    def train(config):
        run = training.train(config, raw, tmp_path, Lines(console=None, quiet=True))
        (run.folder / "metrics.json").write_text("{}")  # the test part's scores can't be read
        finished.append(run)
        return run

    choice = tuning.tune(config, 2, train)
    least = {}
    for run in finished:
        with (run.folder / "history.csv").open() as file:
            losses = [float(row["val_loss"]) for row in csv.DictReader(file)]
        stored = json.loads((run.folder / "config.json").read_text())
        least[stored["train"]["learning_rate"]] = min(losses)
    assert choice.losses == least
    assert choice.rate == min(least, key=least.get) == 0.001


@pytest.mark.parametrize("content", [None, "", "epoch,loss\n0,1\n", "epoch,val_loss\n0,\0\n"])
def test_a_trial_whose_history_is_damaged_is_not_hopeless(tmp_path, content):
    """What a power cut left of it; the training goes on, or begins again."""
    pytest.importorskip("optuna")
    from lstm_zoo import search, space, study

    terms = {"seed": 0, "terms": {}, "space": {"units": space.Choice([1])}, "warm_up": 1}
    if content is not None:
        (tmp_path / "history.csv").write_text(content)
    with study.opened(tmp_path / "study", **terms) as opened:
        assert not search._hopeless(opened.next(1), Run(tmp_path))
