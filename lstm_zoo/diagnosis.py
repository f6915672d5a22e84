"""What this machine has for lstm-zoo, and what it lacks."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable
from email.message import Message
from importlib import metadata

from packaging.requirements import Requirement

import lstm_zoo
from lstm_zoo import backend, catalog, plugins
from lstm_zoo.advice import times_as_fast
from lstm_zoo.config import BACKENDS, available_threads
from lstm_zoo.datasets import fashion_mnist, imdb, mnist
from lstm_zoo.datasets._files import search_folders
from lstm_zoo.errors import ZooError, counted, how_to_install, listed
from lstm_zoo.runs import list_runs, runs_folder

_NOT_FOR_USERS = "test"  # the extra


def diagnose(chosen: str | None, data_dir: str | None, runs_dir: str | None) -> dict:
    """Everything that `doctor` prints: lines of name and finding, by subject."""
    try:
        running, devices = backend.start(chosen), ", ".join(backend.devices())
    except ZooError as error:
        running, devices = None, str(error)
    folder = runs_folder(runs_dir)
    return {
        "versions": {
            "lstm-zoo": lstm_zoo.__version__,
            "python": platform.python_version(),
            **_versions(_required()),
        },
        "backends": {name: _backend(name, running) for name in BACKENDS},
        "extras": _extras(),
        "machine": {
            "platform": platform.platform(),
            "threads": available_threads(),
            "devices": devices,
            "bfloat16": _bfloat16(),
        },
        "data": {
            "digits": "built in",
            "prices": "built in",
            "mnist": _files(mnist.SOURCE.is_in, mnist.load, data_dir),
            "fashion-mnist": _files(fashion_mnist.SOURCE.is_in, fashion_mnist.load, data_dir),
            "imdb": _files(imdb.is_in, imdb.load, data_dir),
        },
        "plugins": _plugins(),
        "runs": {"folder": str(folder.absolute()), "runs": len(list_runs(folder))},
    }


def _backend(name: str, running: str | None) -> str:
    if not backend.installed(name):
        return f"not installed: {how_to_install(name)}"
    version = backend.versions((name,)).get(name, "missing")
    used = ", in use" if name == running else ""
    faster = name == "jax" and running == "tensorflow" and backend.on_processor()
    than = f"; trains {times_as_fast()} as fast as TensorFlow in long trainings"
    return f"{version}{used}{than * faster}"


def _distribution() -> Message:
    """The metadata of lstm-zoo; they are empty where it runs from a clone that is not installed."""
    try:
        return metadata.metadata("lstm-zoo")
    except metadata.PackageNotFoundError:
        return Message()


def _required(extra: str = "") -> tuple[str, ...]:
    """The packages that lstm-zoo needs or, with an extra, those that it needs for that besides."""
    return tuple(
        requirement.name
        for requirement in map(Requirement, _distribution().get_all("Requires-Dist", ()))
        if (requirement.marker.evaluate({"extra": extra}) if requirement.marker else not extra)
    )


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(packages, "missing") | backend.versions(packages)


def _extras() -> dict[str, str]:
    """What is installed for each extra that is no backend, and how to install what is not."""
    extras = _distribution().get_all("Provides-Extra", ())
    return {name: _extra(name) for name in extras if name not in (*BACKENDS, _NOT_FOR_USERS)}


def _extra(name: str) -> str:
    packages = _required(name)
    found = backend.versions(packages)
    if not found:
        return f"not installed: {how_to_install(name)}"
    told = ", ".join(f"{package} {number}" for package, number in found.items())
    if lacking := [package for package in packages if package not in found]:
        return f"{told}, without {listed(lacking)}: {how_to_install(name)}"
    return told


def _plugins() -> dict[str, str]:
    """What each installed plugin brings, or why it is left out."""
    if plugins.switched_off():
        return {"none": f"{plugins.SWITCH}=0 switches them off"}
    told: dict[str, list[str]] = {}
    for found in catalog.load().plugins:
        kinds = Counter(entry.kind for entry in found.entries.values())
        brings = listed(counted(count, kind) for kind, count in kinds.items())
        told.setdefault(found.plugin.name, [found.plugin.version]).append(
            f"is left out: {found.fault}" if found.fault else brings
        )
    return {name: ", ".join(lines) for name, lines in told.items()} or {"none": "none is installed"}


def _bfloat16() -> str:
    if not backend.multiplies_bfloat16():
        return "not multiplied by this processor"
    return "multiplied by this processor: --backend jax --precision mixed_bfloat16 may be faster"


def _files(is_in: Callable, load: Callable, data_dir: str | None) -> str:
    """Where a dataset's files would be read from; what `train` would say of them."""
    try:
        folders = search_folders(data_dir)
        found = next((folder for folder in folders if is_in(folder)), None)
        if found:
            load(data_dir=str(found))
    except ZooError as error:
        return str(error)
    return (
        f"in {found}" if found else f"not in {', '.join(map(str, folders))}: it will be downloaded"
    )
