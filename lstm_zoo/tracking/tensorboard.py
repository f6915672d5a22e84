"""TensorBoard: a folder of event files for each training, in `tensorboard` of the runs folder.

They are as `keras.callbacks.TensorBoard` lays them out, with its tags, and as TensorBoard's own
code encodes them, but need no TensorFlow: that callback loads it in 4 s, whatever the backend.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import socket
import struct
import time
from hashlib import sha256
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.plugins.image import metadata as image
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_tensor_proto

from lstm_zoo import archives
from lstm_zoo.config import RunConfig
from lstm_zoo.runs import Run, read_history
from lstm_zoo.tracking import numbers, scores, settings

FOLDER = "tensorboard"
_LONGEST = 200  # letters of a folder's name, beside the digest
_FORMAT = "brain.Event:2"
_SIZE = slice(16, 24)  # where a PNG has its width and height
_KERAS = SummaryMetadata.PluginData(plugin_name="graph_keras_model", content=b"1")


class _Events:
    """An event file in a folder; what is added is on the disk."""

    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
        self._write(file_version=_FORMAT)

    def add(self, summary: Summary, step: int = 0) -> None:
        self._write(summary=summary, step=step)

    def _write(self, **content: object) -> None:
        with self._file.open("ab") as file:
            RecordWriter(file).write(Event(wall_time=time.time(), **content).SerializeToString())


class _Log:
    """The event files of one training, begun anew.

    Args:
        folder: where.
        config: what determines the training.
    """

    def __init__(self, folder: Path, config: RunConfig):
        self._folder, self._config = folder, config
        self._begin()

    def _begin(self) -> None:
        if self._folder.exists():
            shutil.rmtree(self._folder)
        self._main, self._parts = _Events(self._folder), {}
        self._epochs: list[int] = []
        self._main.add(hparams_pb(settings(self._config)))
        self._main.add(_document("configuration", self._config.to_dict()))

    def epoch(self, row: dict) -> None:
        """Its losses and metrics, those of the validation part in a run of their own."""
        values = numbers(row)
        epoch = int(values.pop("epoch"))
        self._epochs.append(epoch)
        for name, value in values.items():
            part = "validation" if name.startswith("val_") else "train"
            if part not in self._parts:
                self._parts[part] = _Events(self._folder / part)
            tag = f"epoch_{name.removeprefix('val_')}"
            self._parts[part].add(scalar_pb(tag, value), epoch)

    def finish(self, run: Run) -> None:
        """The epochs that it lacks, the final metrics, the pictures and the layers."""
        rows, record = read_history(run), run.metrics
        if self._epochs != [row["epoch"] for row in rows[: len(self._epochs)]]:
            self._begin()  # the training went on from where another process had left it
        for row in rows[len(self._epochs) :]:
            self.epoch(row)
        for name, value in scores(record).items():
            self._main.add(scalar_pb(name, value), record["epochs"])
        self._main.add(_document("metrics", record))
        self._main.add(text_pb("run", str(run.folder.absolute())))
        for picture in sorted(run.folder.glob("plots/*.png")):
            self._main.add(_picture(picture))
        self._main.add(_layers(run.folder / "model.keras"))
        self._end(api_pb2.STATUS_SUCCESS)

    def fail(self, sentence: str, stopped: bool) -> None:
        """How it ended."""
        self._main.add(text_pb("failure", sentence))
        self._end(api_pb2.STATUS_FAILURE)

    def _end(self, status: int) -> None:
        end = plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=time.time())
        content = plugin_data_pb2.HParamsPluginData(session_end_info=end)
        metadata = hparams.create_summary_metadata(content)
        self._main.add(_summary(hparams.SESSION_END_INFO_TAG, hparams.NULL_TENSOR, metadata))


class TensorBoard:
    """The event files of a runs folder."""

    words = "TensorBoard"

    def __init__(self, folder: Path):
        self._folder = folder / FOLDER
        self.where = shlex.join(["tensorboard", "--logdir", str(self._folder)])

    def begin(self, config: RunConfig) -> _Log:
        """The log of a training, in place of one that it had."""
        return _Log(self._folder / _name(config), config)

    def knows(self, run: Run) -> bool:
        """Never: the files are written again, which takes no time."""
        return False


def opened(folder: Path, dataset: str) -> TensorBoard:
    """That of a runs folder."""
    return TensorBoard(folder)


def _name(config: RunConfig) -> str:
    """A folder's name for a training, the same for the same one."""
    digest = sha256(config.identity.encode()).hexdigest()[:8]
    words = f"{config.variant}-{config.dataset}-s{config.seed}"
    return re.sub(r"[^\w.]+", "-", words)[:_LONGEST] + f"-{digest}"


def _summary(tag: str, tensor: object, metadata: SummaryMetadata) -> Summary:
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])


def _document(tag: str, value: dict) -> Summary:
    """A JSON document, as Markdown shows code."""
    lines = json.dumps(value, indent=2, ensure_ascii=False).splitlines()
    return text_pb(tag, "\n".join(f"    {line}" for line in lines))


def _picture(file: Path) -> Summary:
    """A PNG as it is."""
    content = file.read_bytes()
    size = [str(number).encode() for number in struct.unpack(">II", content[_SIZE])]
    metadata = image.create_summary_metadata(display_name=None, description=None)
    return _summary(f"plots/{file.stem}", make_tensor_proto([*size, content]), metadata)


def _layers(file: Path) -> Summary:
    """A saved model's layers, which TensorBoard draws as a graph."""
    with archives.opened(file) as archive:
        layers = archive.read("config.json")
    return _summary("keras", make_tensor_proto(layers), SummaryMetadata(plugin_data=_KERAS))
