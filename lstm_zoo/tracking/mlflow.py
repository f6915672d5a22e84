"""MLflow: a run of its own for each training, in an experiment named after the dataset.

Where that is, MLflow's own settings say: `MLFLOW_TRACKING_URI`, or a database in this folder.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from hashlib import sha256
from pathlib import Path

import mlflow
from mlflow import MlflowClient, pyfunc
from mlflow.entities import Metric, Param
from mlflow.models import Model
from requests import ConnectionError, Timeout

import lstm_zoo
from lstm_zoo.config import RunConfig
from lstm_zoo.errors import ZooError, reason
from lstm_zoo.runs import RECORD, Run, read_history
from lstm_zoo.tracking import numbers, scores, settings, without_password

_OFTEN = 1.0  # seconds between two messages of epochs
_MOST = {"metrics": 1000, "params": 100}  # of a message
_RECORD = "lstm_zoo.record"  # the tag with the digest of metrics.json
_PARENT = "mlflow.parentRunId"


class _Log:
    """An MLflow run.

    Args:
        client: reaches it.
        run_id: names it.
        wholes: the MLflow runs of what is finished, by its folder; a backtest's are its folds'
            parents.
    """

    def __init__(self, client: MlflowClient, run_id: str, wholes: dict[Path, str]):
        self._client, self._id, self._wholes = client, run_id, wholes
        self._waiting: list[Metric] = []
        self._told, self._epochs = 0.0, set()

    def epoch(self, row: dict) -> None:
        """Its losses and metrics; one message tells of many epochs that are short."""
        values = numbers(row)
        epoch = int(values.pop("epoch"))
        self._epochs.add(epoch)
        self._take(values, epoch)
        if time.monotonic() - self._told > _OFTEN:
            self._send()

    def finish(self, run: Run) -> None:
        """The epochs that it lacks, the final metrics and the files."""
        for row in read_history(run):
            if row["epoch"] not in self._epochs:
                self.epoch(row)
        record = run.metrics
        self._take(scores(record), record["epochs"])
        self._send()
        self._place(run)
        for file in [*sorted(run.folder.glob("*.json")), run.folder / "history.csv"]:
            self._client.log_artifact(self._id, str(file))
        self._client.log_artifacts(self._id, str(run.folder / "plots"), "plots")
        with tempfile.TemporaryDirectory() as folder:
            _save_model(run, Path(folder), self._id)
            self._client.log_artifacts(self._id, folder, "model")
        self._client.set_tag(self._id, _RECORD, _digest(run))
        self._client.set_terminated(self._id, "FINISHED")

    def fail(self, sentence: str, stopped: bool) -> None:
        """How it ended."""
        self._send()
        self._client.set_tag(self._id, "lstm_zoo.failure", without_password(sentence))
        self._client.set_terminated(self._id, "KILLED" if stopped else "FAILED")

    def _place(self, run: Run) -> None:
        """Where it is, and what it is a part of."""
        self._wholes[run.folder] = self._id
        self._client.set_tag(self._id, "lstm_zoo.run", str(run.folder.absolute()))
        if whole := self._wholes.get(run.folder.parent.parent):
            self._client.set_tag(self._id, _PARENT, whole)

    def _take(self, values: dict[str, float], step: int) -> None:
        now = int(time.time() * 1000)
        self._waiting += [Metric(name, value, now, step) for name, value in values.items()]

    def _send(self) -> None:
        _log(self._client, self._id, "metrics", self._waiting)
        self._waiting, self._told = [], time.monotonic()


class MLflow:
    """An experiment.

    Args:
        client: reaches it.
        experiment: its number.
        where: its address.
    """

    words = "MLflow"

    def __init__(self, client: MlflowClient, experiment: str, where: str):
        self._client, self._experiment, self.where = client, experiment, where
        self._wholes: dict[Path, str] = {}

    def begin(self, config: RunConfig) -> _Log:
        """A new MLflow run, with what determines the training."""
        tags = {
            "lstm_zoo.version": lstm_zoo.__version__,
            "lstm_zoo.seed": str(config.seed),
            "lstm_zoo.data_sha256": str(config.data_sha256),
        }
        name = f"{config.variant}, seed {config.seed}"
        run = self._client.create_run(self._experiment, run_name=name, tags=tags)
        params = [Param(name, str(value)) for name, value in settings(config).items()]
        _log(self._client, run.info.run_id, "params", params)
        return _Log(self._client, run.info.run_id, self._wholes)

    def knows(self, run: Run) -> bool:
        """Whether an MLflow run has all of it, whoever has logged it."""
        known = f"tags.`{_RECORD}` = '{_digest(run)}' AND attributes.status = 'FINISHED'"
        return bool(self._client.search_runs([self._experiment], known, max_results=1))


def opened(folder: Path, dataset: str) -> MLflow:
    """The experiment of a dataset.

    Raises:
        ZooError: there is no MLflow where its settings say.
    """
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    where = without_password(mlflow.get_tracking_uri())
    try:
        client = MlflowClient()
        known = client.get_experiment_by_name(dataset)
        number = known.experiment_id if known else client.create_experiment(dataset)
    except Exception as error:
        why = "no server answers there." if _unanswered(error) else without_password(reason(error))
        raise ZooError(f"MLflow can't log to {where}: {why}") from error
    return MLflow(client, number, where)


def _unanswered(error: BaseException | None) -> bool:
    """Whether what lies behind an error is that nobody answers at an address."""
    if error is None or isinstance(error, ConnectionError | Timeout):
        return error is not None
    return _unanswered(error.__cause__ or error.__context__)


def _log(client: MlflowClient, run_id: str, kind: str, entries: list[Metric] | list[Param]) -> None:
    """Metrics or params, in as few messages as it takes."""
    most = _MOST[kind]
    for first in range(0, len(entries), most):
        client.log_batch(run_id, **{kind: entries[first : first + most]})


def _digest(run: Run) -> str:
    """What tells a run's record from any other."""
    return sha256((run.folder / RECORD).read_bytes()).hexdigest()


def _save_model(run: Run, folder: Path, run_id: str) -> None:
    """The saved model as an MLflow model, as `mlflow.keras.save_model` lays it out.

    That function would want it loaded, and so Keras here.
    """
    environment = run.read("environment.json")
    versions, backend = environment["versions"], environment["backend"]
    (folder / "data").mkdir()
    (folder / "data" / "keras_module.txt").write_text("keras")
    shutil.copyfile(run.folder / "model.keras", folder / "data" / "model.keras")
    wanted = [f"{name}=={versions[name]}" for name in ("keras", backend)]
    (folder / "requirements.txt").write_text("\n".join([*wanted, ""]))
    model = Model(run_id=run_id, artifact_path="model")
    told = {"keras_version": versions["keras"], "keras_backend": backend}
    model.add_flavor("keras", data="data", save_exported_model=False, **told)
    pyfunc.add_to_model(model, loader_module="mlflow.keras")
    model.save(str(folder / "MLmodel"))
