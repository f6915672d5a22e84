"""Plugins: packages installed here that bring a zoo file. To find one imports nothing of it.

A package names its file by an entry point of the group `lstm_zoo.zoo`, as `PACKAGE:FILE`:

    [options.entry_points]
    lstm_zoo.zoo = own = own_zoo:zoo.yaml
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lstm_zoo.errors import ZooError
from lstm_zoo.parameters import find_module

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUP = "lstm_zoo.zoo"
SWITCH = "LSTM_ZOO_PLUGINS"
_VALUE = re.compile(r"([\w.]+)\s*:\s*([\w.]+)")


@dataclass(frozen=True)
class Plugin:
    """An installed package with a zoo file.

    Args:
        name: the package's, as pip knows it: `own-zoo`.
        version: the package's.
        value: what its entry point says: `own_zoo:zoo.yaml`.
    """

    name: str
    version: str
    value: str

    def file(self) -> Path:
        """Its zoo file, whether it is there or not.

        Raises:
            ZooError: the entry point names no file, or a package that is not there.
        """
        match = _VALUE.fullmatch(self.value)
        if match is None:
            raise ZooError(
                f"Its entry point of the group {GROUP} is "
                + (f"'{self.value}'" if self.value else "not to be read")
                + ", and has to be PACKAGE:FILE, such as own_zoo:zoo.yaml."
            )
        package, name = match.groups()
        spec = find_module(package)
        if spec is None or not spec.submodule_search_locations:
            raise ZooError(f"There is no package '{package}' (its entry point is '{self.value}').")
        files = [Path(folder) / name for folder in spec.submodule_search_locations]
        return next((file for file in files if file.is_file()), files[0])


def switched_off() -> bool:
    """Whether the user wants none."""
    return os.environ.get(SWITCH, "").lower() in ("0", "false", "no", "off")


def installed(switched: bool = True) -> list[Plugin]:
    """The plugins in the order of their names; where one is there twice, the first on the path.

    None where they are switched off, unless it is not asked whether they are `switched`.
    """
    if switched and switched_off():
        return []
    from importlib import metadata  # it takes as long to import as click

    found: dict[str, list[Plugin]] = {}
    for distribution in metadata.distributions():
        if plugins := _named_by(distribution):
            found.setdefault(plugins[0].name, plugins)
    return [plugin for name in sorted(found) for plugin in found[name]]


def _named_by(distribution: Distribution) -> list[Plugin]:
    """The plugins that a package names, damaged ones too; most packages name none."""
    try:
        if GROUP not in (distribution.read_text("entry_points.txt") or ""):
            return []
        values = [point.value for point in distribution.entry_points.select(group=GROUP)]
    except (TypeError, ValueError):  # its lines are no `name = value`, or no text: it may be one
        values = [""]
    name, version = _known_as(distribution)
    return [Plugin(name, version, value) for value in values]


def _known_as(distribution: Distribution) -> tuple[str, str]:
    """A package's name, as pip knows it, or the folder that should say so; and its version."""
    try:
        name, version = (distribution.metadata.get(key) for key in ("Name", "Version"))
    except (FileNotFoundError, UnicodeDecodeError):  # without any, as importlib_metadata has it
        name = version = None
    folder = Path(str(getattr(distribution, "_path", "a package without a name"))).name
    return re.sub(r"[-_.]+", "-", name).lower() if name else folder, version or "of no version"
