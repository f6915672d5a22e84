"""What stands in a zoo file: models, datasets, metrics and recipes, each a name for something."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

from lstm_zoo.errors import ZooError, listed
from lstm_zoo.parameters import Function, Parameter, check_names, read_function
from lstm_zoo.plugins import Plugin

HOME = "lstm-zoo"  # what the built-in entries are from

# What a loader's return annotation says: who cuts and frames what it read.
PREPARERS = {
    "Splits": "lstm_zoo.preparation:prepare_splits",
    "Parts": "lstm_zoo.preparation:prepare_parts",
    "Examples": "lstm_zoo.preparation:prepare_examples",
    "Texts": "lstm_zoo.preparation:prepare_texts",
    "Series": "lstm_zoo.preparation:prepare_series",
}

# Loader parameters that say where to look, and not what is read.
PLACES = ("data_dir",)

# What a metric can be for: the names of lstm_zoo.tasks.
TASKS = (
    "classification",
    "forecasting",
    "regression",
    "sequence labelling",
    "language modelling",
)


@dataclass(frozen=True)
class Entry:
    """What every entry of a zoo file has.

    `zoo` is the user's file that it stands in, if any, and `plugin` the plugin that brought it.
    """

    name: str
    summary: str
    paper: str = ""
    zoo: str | None = None
    plugin: Plugin | None = None
    kind: ClassVar[str]

    @property
    def origin(self) -> str:
        """Where it is from: `HOME`, a plugin's name, or a file of the user's."""
        return self.zoo or (self.plugin.name if self.plugin else HOME)

    def check(self) -> None:
        """Its functions are there, and take what it says.

        Raises:
            ZooError: they are not, or do not.
        """


@dataclass(frozen=True)
class Model(Entry):
    """A named builder, with the values that this name gives its parameters.

    `space` says what a search may choose: a range or a list for a parameter.
    """

    builder: str = ""
    params: dict = field(default_factory=dict)
    space: dict = field(default_factory=dict)
    kind: ClassVar[str] = "model"

    @property
    def function(self) -> Function:
        """The builder, as its source shows it."""
        return read_function(self.builder)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The builder's parameters, with this entry's defaults."""
        return _with_defaults(self.function.parameters, self.params, f"the model {self.name}")

    def check(self) -> None:
        """The builder is there, and takes the entry's values."""
        _ = self.parameters


@dataclass(frozen=True)
class Dataset(Entry):
    """A named loader, with the values that this name gives to it and to the training."""

    loader: str = ""
    params: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    kind: ClassVar[str] = "dataset"

    @property
    def function(self) -> Function:
        """The loader, as its source shows it."""
        return read_function(self.loader)

    @property
    def raw(self) -> str:
        """The raw shape that the loader returns: a key of `PREPARERS`."""
        raw = self.function.returns.rpartition(".")[2]
        if raw not in PREPARERS:
            raise ZooError(
                f"The loader {self.loader} must be annotated to return "
                f"{listed(PREPARERS, 'or')} of lstm_zoo.data, not '{raw or 'nothing'}'."
            )
        return raw

    @property
    def reading(self) -> tuple[Parameter, ...]:
        """The loader's own parameters."""
        return tuple(p for p in self.function.parameters if p.name not in PLACES)

    @property
    def framing(self) -> tuple[Parameter, ...]:
        """The parameters of what cuts and frames the data."""
        return read_function(PREPARERS[self.raw]).parameters

    @property
    def places(self) -> tuple[str, ...]:
        """The parameters that say where the loader looks."""
        return tuple(p.name for p in self.function.parameters if p.name in PLACES)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All that `--data` can set, with this entry's defaults."""
        own = self.reading + self.framing
        return _with_defaults(own, self.params, f"the dataset {self.name}")

    def check(self) -> None:
        """The loader is there, and takes the entry's values."""
        _ = self.parameters


@dataclass(frozen=True)
class Metric(Entry):
    """A named score beside a task's own.

    Args:
        function: `module:function`, called with what `lstm_zoo.metrics` says: `(y_true, y_pred)`.
        better: `higher` or `lower`.
        tasks: those that it scores.
    """

    function: str = ""
    better: str = ""
    tasks: list = field(default_factory=list)
    kind: ClassVar[str] = "metric"

    def check(self) -> None:
        """The function is there."""
        read_function(self.function)


@dataclass(frozen=True)
class Recipe(Entry):
    """A named experiment: all that it fixes, and the numbers to set beside ours.

    `protocol` says in sentences how it differs from what was published, where no parameter does.
    """

    model: str = ""
    params: dict = field(default_factory=dict)
    dataset: str = ""
    data: dict = field(default_factory=dict)
    train: dict = field(default_factory=dict)
    seeds: int = 3
    quick: dict = field(default_factory=dict)
    expected: list = field(default_factory=list)
    protocol: list = field(default_factory=list)
    kind: ClassVar[str] = "recipe"

    def smaller(self) -> Recipe:
        """The quick version: what `quick` says over what the recipe says."""
        merged = {
            key: getattr(self, key) | value if isinstance(value, dict) else value
            for key, value in self.quick.items()
        }
        return replace(self, **merged)


def _with_defaults(parameters: tuple[Parameter, ...], params: dict, owner: str) -> tuple:
    """The parameters, where `params` has a value for one with that as its default."""
    check_names(parameters, params, owner)
    return tuple(
        replace(p, default=p.check(params[p.name], owner)) if p.name in params else p
        for p in parameters
    )
