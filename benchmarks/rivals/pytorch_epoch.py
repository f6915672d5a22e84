"""PyTorch: one epoch of each work, timed after two batches."""

from __future__ import annotations

import time

import torch
import work
from torch import nn

KINDS = {"lstm": nn.LSTM, "gru": nn.GRU, "simple-rnn": nn.RNN}


def main() -> None:
    """Time each work."""
    options = work.parser(__doc__).parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    work.tell(options.work, timed)


class Network(nn.Module):
    """Recurrent layers of one width, and logits from the last state."""

    def __init__(self, task: work.Work):
        super().__init__()
        (units,) = set(task.units)
        self.recurrent = KINDS[task.network](
            task.features, units, num_layers=len(task.units), batch_first=True
        )
        self.output = nn.Linear(units, work.CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The logits."""
        states, _ = self.recurrent(x)
        return self.output(states[:, -1])


def timed(task: work.Work) -> dict:
    """The seconds of the first two batches, and of an epoch after them."""
    x, y = (torch.from_numpy(array) for array in work.drawn(task))
    model = Network(task)
    optimizer = torch.optim.Adam(model.parameters())
    start = time.perf_counter()
    train(model, optimizer, task.batch, x[: 2 * task.batch], y[: 2 * task.batch])
    compiled = time.perf_counter()
    train(model, optimizer, task.batch, x, y)
    return {"first": compiled - start, "epoch": time.perf_counter() - compiled}


def train(
    model: Network, optimizer: torch.optim.Optimizer, size: int, x: torch.Tensor, y: torch.Tensor
) -> tuple[float, float]:
    """One epoch; the mean loss, and the accuracy."""
    loss_sum, right = torch.zeros(()), torch.zeros(())
    for places in torch.randperm(len(x)).split(size):
        answers = model(x[places])
        loss = nn.functional.cross_entropy(answers, y[places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss_sum += loss.detach() * len(places)
        right += (answers.argmax(dim=1) == y[places]).sum()
    return loss_sum.item() / len(x), right.item() / len(x)


if __name__ == "__main__":
    main()
