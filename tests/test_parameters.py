import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_zoo.errors import UnknownName, UsageError, ZooError, listed, suggestion
from lstm_zoo.parameters import REQUIRED, Parameter, fill, parse_value, read_function

WHOLE = "a whole number, at least 1"


def of(annotation: str) -> Parameter:
    return Parameter("units", annotation, REQUIRED)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a module of some source; nobody has imported it, and its first line raises."""

    def write(source: str, name: str = "strangers_model") -> str:
        monkeypatch.syspath_prepend(tmp_path)
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'"""Its doc."""\n1 / 0\n{source}', encoding="utf-8")
        return f"{name}:build"

    return write


@pytest.mark.parametrize(
    "annotation, text, value",
    [
        ("PositiveInt", "64", 64),
        ("NonNegativeInt", "0", 0),
        ("int", "-3", -3),
        ("float", "3", 3.0),
        ("PositiveFloat", "1e-3", 0.001),
        ("PositiveFloat", ".5", 0.5),
        ("float", "-.5e-1", -0.05),
        ("str", "..", ".."),
        ("Rate", "0", 0.0),
        ("bool", "true", True),
        ("bool", "false", False),
        ("str", "tanh", "tanh"),
        ("str", '"tanh"', "tanh"),
        ("str", "64", "64"),
        ("str", "true", "true"),
        ("str", "null", "null"),
        ("str", "NaN", "NaN"),
        ("str", "", ""),
        ("str", "Größe, [m", "Größe, [m"),
        ("None", "null", None),
        ("str | None", "null", None),
        ("str | None", '"null"', "null"),
        ("int | float", "3", 3),
        ("int | float", "3.0", 3.0),
        ("float | str", "3", 3.0),
        ("list[PositiveInt]", "[128, 64]", [128, 64]),
        ("list[str] | None", '["Open", "64"]', ["Open", "64"]),
        ("list[list[int]]", "[[1, 2], [3]]", [[1, 2], [3]]),
        ("list[int | None]", "[1, null]", [1, None]),
        ("Literal['a', 2, True, None]", "a", "a"),
        ("Literal['a', 2, True, None]", "2", 2),
        ("Literal['a', 2, True, None]", "true", True),
        ("Literal['a', 2, True, None]", "null", None),
        ("Literal[-1, 1]", "-1", -1),
        ("Literal['1', '2']", "1", "1"),
    ],
)
def test_a_text_is_read_as_its_parameters_type(annotation, text, value):
    read = of(annotation).parse(text)
    assert (type(read), read) == (type(value), value)


@pytest.mark.parametrize(
    "annotation, text",
    [
        ("PositiveInt", "0"),
        ("PositiveInt", "64.0"),
        ("PositiveInt", "true"),
        ("PositiveInt", "null"),
        ("PositiveInt", '"64"'),
        ("PositiveInt", "[64]"),
        ("NonNegativeInt", "-1"),
        ("PositiveFloat", "0"),
        ("PositiveFloat", "-1e-9"),
        ("float", "true"),
        ("float", "NaN"),
        ("float", "Infinity"),
        ("float", "-Infinity"),
        ("float", "1e999"),
        ("float", "1" + "0" * 400),
        ("float", "1,5"),
        ("Rate", "1"),
        ("Rate", "-0.1"),
        ("bool", "1"),
        ("bool", "True"),
        ("None", "0"),
        ("list[PositiveInt]", "[]"),
        ("list[PositiveInt]", "[64, 0]"),
        ("list[PositiveInt]", "[64, true]"),
        ("list[PositiveInt]", "[[64]]"),
        ("list[PositiveInt]", "-64"),
        ("list[str]", "[a,]"),
        ("list[float]", "[NaN]"),
        ("Literal['a', 1]", "true"),
        ("Literal['a', 1]", "1.0"),
        ("Literal['a', 1]", "b"),
        ("int", "9" * 5000),
    ],
)
def test_a_text_that_does_not_fit_is_refused(annotation, text):
    with pytest.raises(UsageError, match=r"^'units' takes .*, not .*[.]$") as caught:
        of(annotation).parse(text)
    assert len(str(caught.value)) < 250


def test_no_depth_of_brackets_is_a_traceback():
    for depth in (500, *range(850, 1010, 5), 5_000, 100_000):
        for text in ("[" * depth, "[" * depth + "]" * depth, '{"a":' * depth):
            with pytest.raises(UsageError, match="'units' takes"):
                of("list[PositiveInt]").parse(text)
            assert of("str").parse(text) == text


def test_the_error_says_what_was_given_and_what_is_taken():
    with pytest.raises(UsageError) as caught:
        of("PositiveInt | None").parse("sechzig ä")
    assert str(caught.value) == f"'units' takes {WHOLE} or null, not \"sechzig ä\"."
    with pytest.raises(UsageError) as caught:
        of("Literal['tanh', 'relu']").check(True, "the model lstm")
    assert str(caught.value) == '\'units\' of the model lstm takes "tanh" or "relu", not true.'
    with pytest.raises(UsageError) as caught:
        of("list[PositiveInt] | None").parse("0")
    assert str(caught.value) == f"'units' takes a list (each item {WHOLE}) or null, not 0."


def test_a_list_may_be_typed_with_bare_words_or_as_its_only_item():
    assert of("list[str]").parse("[Open, High]") == ["Open", "High"]
    assert of("list[str]").parse("Open") == ["Open"]
    assert of("list[PositiveInt]").parse("64") == [64]
    assert of("list[str] | None").parse("null") is None


def test_a_value_that_json_does_not_have_is_refused_in_a_sentence():
    for value in ({(1, 2): 3}, {1: {2}}, object(), b"\xff", 16**5000):
        with pytest.raises(UsageError, match=r"'units' takes a text, not .") as caught:
            of("str").check(value)
        assert len(str(caught.value)) < 150


def test_a_tuple_is_as_good_as_a_list():
    assert of("list[int]").check((1, 2)) == [1, 2]


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
leaves = st.sampled_from(["int", "PositiveFloat", "Rate", "bool", "str", "None", "Literal['a', 1]"])
annotations = st.recursive(
    leaves,
    lambda inner: st.builds("list[{}]".format, inner) | st.builds("{} | {}".format, inner, inner),
    max_leaves=4,
)


@settings(deadline=None)
@given(annotations, values)
def test_a_checked_value_is_a_fixed_point_and_equals_what_was_given(annotation, value):
    parameter = of(annotation)
    try:
        fitted = parameter.check(value)
    except UsageError:
        return
    assert fitted == value
    assert repr(parameter.check(fitted)) == repr(fitted)


@settings(deadline=None)
@given(st.text())
def test_every_text_is_some_value(text):
    of("str").parse(text)
    assert parse_value(text) is not REQUIRED


def test_choices_are_the_words_of_the_literals():
    assert of("Literal['a', 'b', 3] | None").choices == ["a", "b"]
    assert of("int | None").choices == []


def test_fill_gives_every_parameter_a_checked_value():
    parameters = (Parameter("units", "PositiveInt", 64), Parameter("rate", "Rate", 0))
    assert fill(parameters, {"units": 3}, "the model x") == {"units": 3, "rate": 0.0}
    with pytest.raises(UnknownName, match=r"no parameter of the model x called 'unit'.*'?units"):
        fill(parameters, {"unit": 3}, "the model x")
    with pytest.raises(UnknownName, match=r"called '64'. There are: units and rate"):
        fill(parameters, {64: 3}, "the model x")
    with pytest.raises(UsageError, match="'rate' of the model x takes a number from 0 to below 1"):
        fill(parameters, {"rate": 1}, "the model x")


def test_fill_asks_for_what_is_required():
    needed = (Parameter("csv", "str", REQUIRED, "the file"),)
    with pytest.raises(UsageError, match=r"^'csv' of the dataset x must be given: the file[.]$"):
        fill(needed, {}, "the dataset x")


def test_a_default_is_checked_too():
    with pytest.raises(UsageError, match=f"takes {WHOLE}, not 0"):
        fill([Parameter("units", "PositiveInt", 0)], {}, "the model x")


SOURCE = '''
from lstm_zoo.parameters import PositiveInt

def build(input_shape, outputs, *, units: PositiveInt = 64, sizes: list[int] | None = None,
          low: float = -1.5, needed: str) -> "keras.Model":
    """One line.

    Args:
        input_shape: `(steps, features)`.
        units: the length of the state,
            which note: goes on
            over lines.
        sizes: two
          words.
        undocumented (int): no entry of ours.

    Returns:
        low: not an argument.
    """
'''


def test_a_schema_is_read_without_importing_the_module(module):
    function = read_function(module(SOURCE))
    assert function.doc == "Its doc."
    assert function.parameters == (
        Parameter(
            "units", "PositiveInt", 64, "the length of the state, which note: goes on over lines."
        ),
        Parameter("sizes", "list[int] | None", None, function.parameters[1].doc),
        Parameter("low", "float", -1.5),
        Parameter("needed", "str", REQUIRED),
    )
    assert function.parameters[1].doc.startswith("two words.")
    assert "strangers_model" not in sys.modules


@pytest.mark.parametrize("name", ["strangers_pack.build_it", "strangers_space.deep.build_it"])
def test_a_module_in_a_package_is_read_without_importing_the_package(module, name, tmp_path):
    reference = module("def build(*, units: int = 3): pass", name)
    if name.startswith("strangers_pack."):
        (tmp_path / "strangers_pack" / "__init__.py").write_text("1 / 0")
    assert [p.name for p in read_function(reference).parameters] == ["units"]
    assert not [loaded for loaded in sys.modules if loaded.startswith("strangers")]


def test_a_package_itself_can_hold_the_function(tmp_path, monkeypatch):
    (tmp_path / "strangers_init").mkdir()
    (tmp_path / "strangers_init" / "__init__.py").write_text("def build(*, a: int = 1): pass")
    monkeypatch.syspath_prepend(tmp_path)
    assert read_function("strangers_init:build").parameters[0].default == 1


@pytest.mark.parametrize(
    "reference",
    [
        "",
        ":",
        "nowhere:build",
        "nowhere.at.all:build",
        "lstm_zoo.nowhere:build",
        "lstm_zoo.errors.deeper:a",
        "os",
        "..:a",
        "a b:c",
        "a/b:c",
        "a\x00b:c",
        "__main__:build",
        "math:sqrt",
    ],
)
def test_a_module_that_is_not_there_is_named(reference):
    with pytest.raises(ZooError, match=r"There is no Python module|has no function"):
        read_function(reference)


def test_a_function_that_is_not_there_is_named(module):
    reference = module("class build: pass")
    with pytest.raises(ZooError, match="module strangers_model has no function 'build'"):
        read_function(reference)


@pytest.mark.parametrize("source", ["def build(:", "\0", "x = " + "-" * 99_999])
def test_a_source_that_is_no_python_is_named(module, source):
    with pytest.raises(ZooError, match=r"strangers_model.py can't be read: .*model:build"):
        read_function(module(source))


def test_a_source_in_another_encoding_is_read(module, tmp_path):
    reference = module("")
    text = "# coding: latin-1\ndef build(*, name: str = 'ä'): pass"
    (tmp_path / "strangers_model.py").write_text(text, encoding="latin-1")
    assert read_function(reference).parameters[0].default == "ä"
    (tmp_path / "strangers_model.py").write_bytes(b"\x93NUMPY")
    with pytest.raises(ZooError, match=r"strangers_model.py can't be read"):
        read_function(reference)


@pytest.mark.parametrize(
    "annotation",
    [
        "Whatever",
        "np.ndarray",
        "list",
        "list[Whatever]",
        "Literal[x]",
        "Literal",
        "int[3]",
        "'int'",
        "True",
        "Any",
        "dict[str, int]",
        "int & str",
        "int | Whatever",
        "Literal[()]",
        "Optional[int]",
        "list[int, str]",
    ],
)
def test_an_annotation_outside_the_grammar_is_named_with_its_parameter(module, annotation):
    reference = module(f"def build(*, units: {annotation} = 3): pass")
    with pytest.raises(ZooError, match=r"parameter 'units' of build is annotated with .*Literal"):
        read_function(reference)


def test_a_parameter_without_an_annotation_is_named(module):
    with pytest.raises(ZooError, match="parameter 'units' of build is annotated with nothing"):
        read_function(module("def build(*, units=3): pass"))


@pytest.mark.parametrize("default", ["WIDTH", "3 * 64", "f()", "{[]: 1}", "lambda: 1"])
def test_a_default_that_is_no_literal_is_named(module, default):
    with pytest.raises(ZooError, match=r"The default .* of build is no literal"):
        read_function(module(f"def build(*, units: int = {default}): pass"))


def test_a_file_is_kept_by_its_whole_path(module, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    (parameter,) = read_function(module("def build(*, file: File | None = None): pass")).parameters
    assert parameter.parse("a/../book.txt") == str(tmp_path / "book.txt")
    assert parameter.parse("~/book.txt") == "/home/me/book.txt"
    assert parameter.parse("null") is None
    for nothing in ("", "a\0b"):
        with pytest.raises(UsageError, match="takes the path of a file or null, not"):
            parameter.parse(nothing)


def test_what_is_not_keyword_only_is_no_parameter(module):
    reference = module("def build(input_shape, outputs, size=3, *args, units: int = 1, **more): 0")
    assert [p.name for p in read_function(reference).parameters] == ["units"]


def test_the_nearest_names_are_suggested_whatever_their_case():
    assert suggestion("LSMT", ["lstm", "gru"]) == "Did you mean lstm?"
    assert suggestion("close", ["Close", "Open"]) == "Did you mean Close?"
    assert suggestion("xyz", ["lstm", "gru"]) == "There are: lstm and gru."
    assert suggestion("xyz", []) == "There are none."


def test_a_suggestion_counts_names_that_are_too_many():
    text = suggestion("?", [f"AAA{n}" for n in range(5000)])
    assert text.endswith(" and 4,975 more.")
    assert len(text) < 300


def test_lists_read_as_english():
    assert listed(["a"]) == "a"
    assert listed(["a", 2]) == "a and 2"
    assert listed(iter("abc"), "or") == "a, b or c"
    assert listed([]) == "nothing"
