"""A text, character by character: how it is cut, what can go wrong, and how it is written on."""

import json

import numpy as np
import pytest

from lstm_zoo import data, generation, runs
from lstm_zoo.datasets import characters
from lstm_zoo.errors import DataError, UsageError

TEXT = "abcdefghij" * 10


@pytest.fixture
def book(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "book.txt"
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write


def decoded(part):
    return ["".join(part.vocabulary[token] for token in row) for row in part.x]


def test_each_character_asks_for_the_next(book):
    parts = characters.load(file=book(TEXT), steps=9)
    assert decoded(parts.train)[:2] == ["abcdefghi", "jabcdefgh"]
    assert (parts.train.x[:, 1:] == parts.train.y[:, :-1]).all()
    assert parts.train.y[0, -1] == parts.train.x[1, 0]
    # 80 + 10 + 10 characters; a piece needs nine, and one after it.
    assert [len(part.x) for part in vars(parts).values()] == [8, 1, 1]
    assert decoded(parts.validation) == decoded(parts.test) == ["abcdefghi"]


def test_only_the_training_part_makes_the_vocabulary(book):
    parts = characters.load(file=book("ab" * 40 + "cb" * 10), steps=5)
    assert parts.test.vocabulary == ("\ufffd", "a", "b")
    assert set(np.unique(parts.test.x)) == {0, 2}


def test_python_brings_a_text_of_its_own():
    parts = characters.load()
    assert len(parts.train.x) == 2399
    assert "Assert statements are" in decoded(parts.train)[0]
    assert data.digest(parts) == data.digest(characters.load())


def test_another_encoding_is_read_where_it_is_named(book):
    path = book("né " * 60, "cp1252")
    with pytest.raises(DataError, match=r"no text in utf-8-sig .* at byte 1.*encoding=…"):
        characters.load(file=path, steps=5)
    assert "é" in characters.load(file=path, encoding="cp1252", steps=5).train.vocabulary


@pytest.mark.parametrize(
    ("text", "options", "says"),
    [
        ("", {}, "A text of 0 characters is too short"),
        (TEXT, {"steps": 10}, "a part of it has 10, and pieces of 10 .* need 11"),
        (TEXT, {"steps": 2, "characters": 12}, "A text of 12 characters"),
    ],
)
def test_what_cannot_be_cut_is_told(book, text, options, says):
    with pytest.raises(DataError, match=says):
        characters.load(file=book(text), **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"file": __file__, "encoding": "utf-nine"}, "There is no encoding 'utf-nine'"),
        ({"validation": 0.0}, "validation=0 and test=0.1 leave a part of the text empty"),
        ({"validation": 0.6, "test": 0.6}, "leave a part of the text empty"),
    ],
)
def test_what_cannot_be_meant_is_told(options, says):
    with pytest.raises(UsageError, match=says):
        characters.load(**options)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.txt can't be read: No such file"):
        characters.load(file=str(tmp_path / "gone.txt"))


def test_the_temperature_sharpens_what_is_drawn():
    chances = np.array([0.5, 0.4, 0.1])  # the first is the unknown character
    rng = np.random.default_rng(0)
    for temperature, share in ((1.0, 0.8), (0.5, 16 / 17), (2.0, 2 / 3), (1e-310, 1.0), (1e6, 0.5)):
        drawn = [generation._drawn(chances, temperature, rng) for _ in range(4000)]
        assert np.mean(np.array(drawn) == 1) == pytest.approx(share, abs=0.025)
        assert 0 not in drawn


@pytest.mark.slow
def test_a_model_that_has_learned_a_cycle_writes_it_on(zoo, zoo_json, book):
    """What follows is certain, so the text is, whatever the seed."""
    arguments = ("--dataset", "characters", "--data", f"file={book(TEXT * 30)}")
    learned = ("--data=steps=20", "--epochs=15", "--learning-rate=0.02")
    record = zoo_json("train", "gru", *arguments, *learned)
    assert record["test"]["bits_per_character"] < 0.1
    assert record["floors"]["unigram"] == pytest.approx(np.log2(10), abs=0.01)
    told = zoo("predict", "last", "--generate", "25")
    assert told.out == "bcdefghij" + "abcdefghij" + "abcdef\n"
    assert 'After "bcdefghijabcdefghija":' in told.err
    longer = zoo_json("predict", "last", "--generate", "5", "--prompt", "xyz" * 9 + "cdefg")
    assert longer["text"] == "hijab"
    strange = zoo("predict", "last", "--generate", "3", "--prompt", "ZÄcdefgh")
    assert (
        'The model does not know of the prompt "Z" and "Ä"' in strange.err
        and strange.out == "ija\n"
    )
    short = zoo("predict", "last", "--generate", "3", "--prompt", "b", "--temperature", "0.5")
    assert short.out == "cde\n"


@pytest.mark.slow
def test_a_text_or_a_vocabulary_that_has_changed_is_told(zoo, book):
    path = book(TEXT * 3)
    arguments = ("--data", f"file={path}", "--data=steps=5", "--epochs=1", "--set=units=4")
    assert zoo("train", "gru", "--dataset", "characters", *arguments).code == 0
    book("klmnopqrst" * 30)
    changed = zoo("predict", "last", "--generate", "5")
    assert changed.code == 1
    assert "has changed since" in changed.err
    (run,) = runs.list_runs(runs.Path("runs"))
    for vocabulary in (["a"], 7, None):
        told = run.read("preprocessing.json") | {"vocabulary": vocabulary}
        (run.folder / "preprocessing.json").write_text(json.dumps(told))
        damaged = zoo("predict", "last", "--generate", "5", "--prompt", "abc")
        assert damaged.code == 1
        assert "its vocabulary is not that of the model" in damaged.err


@pytest.mark.slow
def test_the_seed_draws_the_text(zoo_json):
    small = ("--data=characters=20000", "--epochs=1", "--set=units=8")
    zoo_json("train", "simple-rnn", "--dataset", "characters", *small)
    texts = [
        zoo_json("predict", "last", "--generate", "40", "--seed", seed)["text"]
        for seed in (0, 0, 1)
    ]
    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0]) == 40


@pytest.mark.slow
def test_writing_goes_with_a_text_alone(zoo):
    zoo("train", "gru", "--epochs", "1", "--set", "units=4")
    result = zoo("predict", "last", "--generate", "5")
    assert result.code == 2
    assert "is of digits, and has learned no text" in result.err
    for arguments, says in (
        (["--temperature", "2"], "--temperature goes with --generate"),
        (["--generate", "5", "--horizon", "3"], "takes no --output, --horizon, --csv or"),
        (["--generate", "0"], "generate"),
        (["--generate", "5", "--temperature", "0"], "temperature"),
    ):
        result = zoo("predict", "last", *arguments)
        assert result.code == 2
        assert says in result.err


@pytest.mark.slow
def test_bidirectional_models_are_refused_with_the_reason(zoo):
    result = zoo("train", "bilstm", "--dataset", "characters", "--json")
    assert result.code == 2
    assert "reads the whole sequence before it answers, and characters asks" in result.err
    assert json.loads(zoo("show", "characters", "--json").out)["kind"] == "dataset"
