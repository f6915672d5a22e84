"""Texts and film reviews: words, vocabularies, parts, and every way a file can be wrong."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_zoo import auditing, catalog, checks, data, preparation
from lstm_zoo.config import data_params
from lstm_zoo.datasets import _words, imdb, text
from lstm_zoo.errors import DataError, UnknownName, UsageError, ZooError
from lstm_zoo.sources import Source

pytestmark = pytest.mark.usefixtures("undrawn")

CUT = {"order": "drawn", "validation": 0.1, "test": 0.2}


def prepared(raw, **params):
    return preparation.prepare(raw, np.random.default_rng(5), **{"words": 20000} | CUT | params)


def decoded(x, vocabulary):
    """The words of each row, without its padding."""
    return [[vocabulary[token] for token in row if token] for row in x]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("Don't panic, Arthur!", ["don't", "panic", "arthur"]),
        ("It\u2019s \u2018so-so\u2019 \u2026 2nd_rate", ["it's", "so", "so", "2nd", "rate"]),
        ("<br />Schöne\tGrüße", ["br", "schöne", "grüße"]),
        ("\u0928\u092e\u0938\u094d\u0924\u0947 \u0964", ["\u0928\u092e\u0938\u094d\u0924\u0947"]),
        ("good\U0001f600\u2764\ufe0f", ["good", "\U0001f600", "\u2764"]),
        (" ... '' \n", []),
    ],
)
def test_words_are_what_stands_between_spaces_and_punctuation(written, words):
    assert _words.words_of(written) == words


def test_the_last_words_are_kept_and_the_padding_stands_behind():
    x = _words.padded([[1, 2, 3, 4], [5], []], 3)
    assert x.tolist() == [[2, 3, 4], [5, 0, 0], [0, 0, 0]]
    assert x.dtype == np.int32
    expected = keras.utils.pad_sequences([[1, 2, 3, 4], [5], []], 3, padding="post")
    np.testing.assert_array_equal(x, expected)


def test_the_most_frequent_words_are_known_and_of_two_as_frequent_the_first():
    names, counts = ("", "a", "b", "c", "d"), np.array([99, 1, 5, 0, 5])
    tokens, vocabulary = preparation.known_words(names, counts, 10)
    assert vocabulary == ("", "[UNK]", "b", "d", "a")
    assert tokens.tolist() == [0, 4, 2, 1, 3]
    tokens, vocabulary = preparation.known_words(names, counts, 3)
    assert vocabulary == ("", "[UNK]", "b")
    assert tokens.tolist() == [0, 1, 2, 1, 1]
    with pytest.raises(UsageError, match="A vocabulary of 2 has no word"):
        preparation.known_words(names, counts, 2)


def test_a_file_becomes_words_and_classes(tmp_path):
    (tmp_path / "a.csv").write_text(
        'id,label,text\n1,10,"Good, good\nfilm"\n\n2,9,None\n3,9,nan\n4,10,a b c d\n'
    )
    raw = text.load(csv=str(tmp_path / "a.csv"), steps=3)
    assert decoded(raw.x, raw.vocabulary) == [
        ["good", "good", "film"],
        ["none"],
        ["nan"],
        ["b", "c", "d"],
    ]
    assert raw.vocabulary == ("", "b", "c", "d", "film", "good", "nan", "none")
    assert raw.classes == ("9", "10") and raw.y.tolist() == [1, 0, 0, 1]
    assert (raw.x.dtype, raw.y.dtype) == (np.int32, np.int64)
    checks.check_raw(raw, "Texts", "text")


def test_the_vocabulary_is_that_of_the_training_part_alone(reviews_csv):
    raw = text.load(csv=str(reviews_csv), steps=10)
    dataset = prepared(raw)
    rows = decoded(raw.x, raw.vocabulary)
    counts = Counter(word for row in dataset.train.index for word in rows[row])
    known = sorted(counts, key=lambda word: (-counts[word], word))
    assert dataset.vocabulary == ("", "[UNK]", *known)
    unseen = {word for row in rows for word in row} - set(known)
    assert unseen
    expected = [["[UNK]" if word in unseen else word for word in row] for row in rows]
    assert decoded(dataset.test.x, dataset.vocabulary) == expected
    assert dataset.train.x.dtype == np.int32
    shape = dataset.input_shape
    assert (shape.steps, shape.vocabulary, shape.padded) == (10, len(known) + 2, True)
    written = dataset.preprocessing()
    assert written["vocabulary"] == list(dataset.vocabulary)
    assert "the last 10 words of a text" in written["input"]


def test_rows_are_cut_as_drawn_once_or_as_they_stand(reviews_csv):
    raw = text.load(csv=str(reviews_csv))
    drawn, again = (
        prepared(raw),
        preparation.prepare(raw, np.random.default_rng(6), words=99, **CUT),
    )
    sizes = {name: len(part) for name, part in drawn.parts.items()}
    assert sizes == {"train": 140, "validation": 20, "test": 40}
    everything = np.concatenate([part.index for part in drawn.parts.values()])
    assert sorted(everything) == list(range(200))
    for name, part in drawn.parts.items():
        np.testing.assert_array_equal(part.index, again.parts[name].index)
        assert set(part.y[part.index]) == {0, 1}
    file = prepared(raw, order="file", validation=0)
    assert file.validation is None
    assert file.train.index.tolist() == list(range(160))
    assert file.test.index.tolist() == list(range(160, 200))


def audited(csv):
    entry = catalog.load().find("text", "dataset")
    return auditing.audit(Source("text", entry.loader, data_params(entry, {"csv": str(csv)})))


def test_a_vocabulary_of_all_rows_is_caught_by_the_audit(reviews_csv, monkeypatch):
    assert audited(reviews_csv)["passed"]
    raw, honest = text.load(csv=str(reviews_csv)), preparation.known_words

    def leaking(names, counts, size):
        return honest(names, counts + np.bincount(leaking.x.ravel(), minlength=len(names)), size)

    def prepare(raw, rng, **params):
        leaking.x = raw.x
        return preparation.prepare_texts(raw, rng, **params)

    monkeypatch.setattr(preparation, "known_words", leaking)
    monkeypatch.setattr(preparation, "prepare", prepare)
    assert len(prepare(raw, None, words=20000, **CUT).vocabulary) == len(raw.vocabulary) + 1
    leaks = {(leak["check"], leak["part"]) for leak in audited(reviews_csv)["leaks"]}
    assert {
        ("test values set to a constant", "train"),
        ("validation values shuffled", "train"),
    } & leaks


@pytest.fixture
def refused(tmp_path):
    """The sentence with which a file is refused."""

    def call(content, error=DataError, **params):
        path = tmp_path / "t.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        with pytest.raises(error) as caught:
            text.load(csv=str(path), **params)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return call


def test_an_empty_review_is_named_with_its_line(refused):
    sentence = refused('text,label\nfine,good\n" !!! ",bad\n,bad\nweak,bad\n')
    assert "t.csv has 2 rows without a word in the column 'text': line 3 " in sentence
    assert "line 4" in sentence
    sentence = refused("text,label\nfine,good\nweak\nx,bad\n")
    assert "1 row without a class in the column 'label': line 3 ('weak')" in sentence


def test_a_comma_outside_quotation_marks_is_refused(refused):
    sentence = refused("text,label\nfine, good film,good\nbad,bad\n")
    assert "needs quotation marks): line 2 ('fine,good film,good')" in sentence


def test_a_label_column_of_one_class_or_of_too_many(refused):
    assert "one class only, 'good'" in refused("text,label\nfine,good\nnice,good\n")
    assert "3 classes in 3 rows" in refused("text,label\na,1\nb,2\nc,3\n")
    assert "has no rows below" in refused("text,label\n\n")


def test_a_column_that_is_not_there_is_named_with_the_nearest(refused):
    content = "review,sentiment\nfine,good\nweak,bad\n"
    sentence = refused(content, UnknownName)
    assert "(text_column) called 'text'. There are: review and sentiment" in sentence
    sentence = refused(content, UnknownName, text_column="review", label_column="sentimet")
    assert "(label_column) called 'sentimet'. Did you mean sentiment?" in sentence
    sentence = refused(content, UsageError, text_column="review", label_column="review")
    assert "can't be both" in sentence


def test_classes_may_be_given_and_then_the_column_is_not_needed(refused, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("text,label\nfine,good\n")
    raw = text.load(csv=str(path), classes=["worse", "good"])
    assert (raw.classes, raw.y.tolist()) == (("worse", "good"), [1])
    assert "of another class than bad and ok (--data label_column=null" in refused(
        "text,label\nfine,good\n", classes=["bad", "ok"]
    )
    path.write_text("text,label\nfine,good\nweak,\n")
    assert text.load(csv=str(path), classes=["worse", "good"]).y.tolist() == [1, data.NO_CLASS]
    for classes in (["good"], ["good", "bad", "good"]):
        with pytest.raises(UsageError, match="two names or more, each once, not good"):
            text.load(csv=str(path), classes=classes)
    with pytest.raises(UsageError, match="there is nothing to learn"):
        text.load(csv=str(path), label_column=None)
    path.write_text("text\nfine\nweak\n")
    raw = text.load(csv=str(path), classes=["worse", "good"])
    assert raw.y.tolist() == [data.NO_CLASS] * 2
    checks.check_raw(raw, "Texts", "text")
    dataset = preparation.texts_to_test(raw, ("", "[UNK]", "weak"))
    assert dataset.test.take(slice(None))[0][:, 0].tolist() == [1, 2]
    assert not dataset.labelled and len(dataset.train) == 0
    with pytest.raises(DataError, match="no column of classes"):
        preparation.prepare(raw, np.random.default_rng(0))


def test_encodings(refused, tmp_path):
    content = "text,label\ncafé,good\nthé,good\nweak,bad\nx,bad\n"
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(content.encode(encoding))
        chosen = {} if encoding.startswith("utf-8") else {"encoding": encoding}
        assert text.load(csv=str(path), **chosen).vocabulary == ("", "café", "thé", "weak", "x")
    assert "no encoding 'klingon'" in refused(content, UsageError, encoding="klingon")
    sentence = refused(content.encode("cp1252"))
    assert re.search(r"no text in utf-8-sig \(.* at byte 14\): say which one it is in", sentence)
    assert "(utf-16, by its mark)" in refused(content.encode("utf-16"))
    assert "no encoding ''" in refused(content, UsageError, encoding="")


def test_a_file_must_be_named():
    with pytest.raises(UsageError, match="add --csv FILE"):
        text.load()
    with pytest.raises(DataError, match="There is no file"):
        text.load(csv="nowhere.csv")


CELLS = st.sampled_from(["a", "b b", "", " ", "''", '"', '"a\nb"', "\0", "\x1b", "label", "é"])
TABLES = st.lists(st.lists(CELLS, min_size=1, max_size=3), max_size=8).map(
    lambda rows: "text,label\n" + "\n".join(",".join(row) for row in rows)
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    content=st.binary(max_size=99)
    | TABLES.map(str.encode)
    | TABLES.map(lambda t: t.encode("cp1252")),
    encoding=st.sampled_from(["utf-8-sig", "cp1252", "utf-16", "ascii", "base64", "utf-7"]),
    steps=st.integers(1, 3),
)
def test_any_file_is_texts_or_one_sentence(tmp_path_factory, content, encoding, steps):
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(content)
    try:
        raw = text.load(csv=str(path), encoding=encoding, steps=steps)
    except ZooError as error:
        assert "\n" not in str(error)
    else:
        checks.check_raw(raw, "Texts", "text")


@pytest.mark.parametrize(
    ("x", "vocabulary"),
    [([[1, 0], [0, 1]], ("", "a")), ([[1, 1], [0, 0]], ("", "a")), ([[1, 0], [1, 1]], ("b", "a"))],
    ids=["padding first", "padding only", "no padding in the vocabulary"],
)
def test_a_strangers_texts_are_checked(x, vocabulary):
    raw = data.Texts(np.array(x, np.int32), np.array([0, 1]), ("n", "y"), vocabulary)
    with pytest.raises(DataError, match="padding"):
        checks.check_raw(raw, "Texts", "own:load")


@pytest.mark.slow
def test_a_gru_reads_reviews(zoo, zoo_json, reviews_csv):
    asked = ("--dataset", "text", "--csv", reviews_csv, "--data", "steps=12", "--epochs", "12")
    record = zoo_json("train", "gru", *asked, "--learning-rate", "0.01")
    assert record["test"]["accuracy"] > 0.9 and record["learned"]
    again = zoo_json("evaluate", record["run"])
    assert again["test"]["accuracy"] == record["test"]["accuracy"]
    known = json.loads((Path(record["run"]) / "preprocessing.json").read_text())["vocabulary"]
    assert known[:2] == ["", "[UNK]"] and {"superb", "dull"} <= set(known)
    rows = zoo_json("predict", record["run"])
    assert {row["actual"] for row in rows} == {"bad", "good"}
    assert zoo("audit", "text", "--csv", reviews_csv).code == 0


@pytest.mark.slow
def test_a_run_reads_new_texts(zoo, zoo_json, reviews_csv, tmp_path):
    """With the words and classes that it has learned; predicting needs no classes."""
    asked = ("--dataset", "text", "--csv", reviews_csv, "--data", "steps=12", "--epochs", "12")
    run = zoo_json("train", "gru", *asked, "--learning-rate", "0.01")["run"]
    newer = tmp_path / "newer.csv"
    newer.write_text("label,text\ngood,a superb film b!\ngood,warm unheard words\nbad,dull a!\n")
    rows = zoo_json("predict", run, "--csv", newer)
    assert [row["actual"] for row in rows] == ["good", "good", "bad"]
    record = zoo_json("evaluate", run, "--csv", newer)
    right = np.mean([row["actual"] == row["predicted"] for row in rows])
    assert record["test"]["accuracy"] == pytest.approx(right)
    assert record["floor"] == {"name": "majority", "value": pytest.approx(2 / 3)} | {
        "scores": record["floor"]["scores"]
    }
    nameless = tmp_path / "nameless.csv"
    nameless.write_text("text\na superb film b!\nwarm unheard words\ndull a!\n")
    unsaid = zoo_json("predict", run, "--csv", nameless)
    assert unsaid == [row | {"actual": None} for row in rows]
    refused = zoo("evaluate", run, "--csv", nameless)
    assert refused.code == 1 and "3 of the 3 texts have no class to score" in refused.err
    newer.write_text("label,text\nsplendid,a film\n,dull a!\n")
    refused = zoo("predict", run, "--csv", newer)
    assert refused.code == 1
    assert "1 row of another class than bad and good (--data label_column=null" in refused.err
    newer.write_bytes("note,review\n,a film b!\ngood,d\u00fcll a!\n".encode("cp1252"))
    others = ("text_column=review", "label_column=note", "encoding=cp1252")
    asked = [word for other in others for word in ("--data", other)]
    rows = zoo_json("predict", run, "--csv", newer, *asked)
    assert [row["actual"] for row in rows] == [None, "good"]
    assert "1 of the 2 texts" in zoo("evaluate", run, "--csv", newer, *asked).err
    assert zoo("predict", run, *asked).code == 2
    refused = zoo("predict", run, "--csv", reviews_csv)
    assert refused.code == 2 and "the data that the run was trained on" in refused.err
    assert zoo("predict", run, "--csv", nameless, "--horizon", "2").code == 2


# Film reviews.

RANKS = {"the": 1, "film": 2, "dull": 3, "good": 4, "rare": 5}
ROWS = {
    "x_train": [[1, 2, 4], [3, 3], [5, 1, 2, 3]] * 40,
    "x_test": [[4], [1, 2, 3, 4, 5], [2, 2]] * 20,
    "y_train": [1, 0, 0] * 40,
    "y_test": [1, 1, 0] * 20,
}


def write_imdb(folder, monkeypatch, **changed):
    """Files in the form of Keras' own, whose digests are taken for known."""
    arrays = {
        key: np.array(rows, object if key[0] == "x" else np.int64)
        for key, rows in (ROWS | changed).items()
    }
    np.savez(folder / imdb.REVIEWS, **arrays)
    (folder / imdb.INDEX).write_text(json.dumps(RANKS))
    known = {
        name: (algorithm, hashlib.new(algorithm, (folder / name).read_bytes()).hexdigest())
        for name, (algorithm, _) in imdb.DIGESTS.items()
    }
    monkeypatch.setattr(imdb, "DIGESTS", known)


@pytest.fixture(autouse=True)
def no_files(monkeypatch, tmp_path):
    """No data file anywhere, and no network."""
    monkeypatch.delenv("LSTM_ZOO_DATA", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def get_file(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.org: None -- no network")

    monkeypatch.setattr(keras.utils, "get_file", get_file)


def test_reviews_are_as_keras_gives_them_but_for_the_padding(tmp_path, monkeypatch):
    write_imdb(tmp_path, monkeypatch)
    parts = imdb.load(words=5, steps=3, data_dir=str(tmp_path))
    assert parts.train.vocabulary == ("", "[UNK]", "the", "film", "dull")
    assert parts.train.classes == ("negative", "positive")
    monkeypatch.setattr(keras.src.datasets.imdb, "get_file", lambda **_: tmp_path / imdb.REVIEWS)
    halves = keras.datasets.imdb.load_data(num_words=5, start_char=None, oov_char=1, index_from=1)
    shuffle = np.random.RandomState(113)  # Keras'
    for part, (x, y) in zip((parts.train, parts.test), halves, strict=True):
        order = np.arange(len(y))
        shuffle.shuffle(order)
        expected = keras.utils.pad_sequences(x, 3, padding="post")
        np.testing.assert_array_equal(part.x[order], expected)
        np.testing.assert_array_equal(part.y[order], y)
    checks.check_raw(parts, "Parts", "imdb")


def test_a_file_that_is_not_keras_own_is_refused_before_it_is_opened(tmp_path, monkeypatch):
    write_imdb(tmp_path, monkeypatch)
    for name, algorithm in ((imdb.REVIEWS, "SHA256"), (imdb.INDEX, "MD5")):
        path = tmp_path / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(DataError, match=rf"{name} can't be read .*its {algorithm} digest is n"):
            imdb.load(data_dir=str(tmp_path))
        path.write_bytes(whole)
    monkeypatch.undo()
    assert imdb.DIGESTS[imdb.REVIEWS][1] in Path(keras.src.datasets.imdb.__file__).read_text()
    assert imdb.DIGESTS[imdb.INDEX][1] in Path(keras.src.datasets.imdb.__file__).read_text()


class Bad:
    def __reduce__(self):
        return Path.touch, (Path("touched"),)


def test_no_code_in_a_file_is_run_even_if_its_digest_were_right(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_imdb(tmp_path, monkeypatch, x_test=[[1], Bad(), [2]] * 20)
    with pytest.raises(DataError, match=r"imdb\.npz holds .*, and not only arrays"):
        imdb.load(data_dir=str(tmp_path))
    assert not Path("touched").exists()


def test_places_and_the_download(tmp_path, monkeypatch, capsys):
    asked, cache = tmp_path / "asked", tmp_path / "keras" / "datasets"
    asked.mkdir(), cache.mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        imdb.load(data_dir=str(asked))
    for word in (str(asked), str(cache), "imdb.npz and imdb_word_index.json", "--dataset text"):
        assert word in str(caught.value)
    write_imdb(asked, monkeypatch)
    for name in imdb.DIGESTS:
        (asked / name).rename(cache / name)
    assert len(imdb.load(data_dir=str(asked)).test.y) == 60
    (cache / imdb.INDEX).rename(tmp_path / imdb.INDEX)
    with pytest.raises(DataError, match="the download failed"):  # of what the cache lacks
        imdb.load(data_dir=str(asked))
    (cache / imdb.REVIEWS).rename(tmp_path / imdb.REVIEWS)

    def get_file(name, origin, file_hash):
        assert origin.endswith(name) and file_hash == imdb.DIGESTS[name][1]
        print("Downloading data")
        return str(tmp_path / name)

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert len(imdb.load(data_dir=str(asked)).train.y) == 120
    assert capsys.readouterr().out == ""


def test_a_folder_with_one_of_the_two_files_is_told_of(tmp_path, monkeypatch):
    write_imdb(tmp_path, monkeypatch)
    (tmp_path / imdb.INDEX).unlink()
    with pytest.raises(DataError, match=r"has one of IMDB's two files, but not imdb_word_index"):
        imdb.load(data_dir=str(tmp_path))


@pytest.mark.slow
def test_the_real_reviews(folder_of):
    parts = imdb.load(data_dir=str(folder_of(imdb.REVIEWS)))
    assert parts.train.x.shape == parts.test.x.shape == (25000, 200)
    assert parts.train.vocabulary[:5] == ("", "[UNK]", "the", "and", "a")
    assert len(parts.train.vocabulary) == 20000
    assert parts.test.y.mean() == parts.train.y.mean() == 0.5
