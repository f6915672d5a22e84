"""One model on several devices: each takes an equal share of every batch, on JAX.

Keras' distribution keeps the same weights on every device, and JAX sums up the gradients of the
shares. So an update is that of the whole batch, wherever its examples are computed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lstm_zoo import backend
from lstm_zoo.errors import UsageError, counted, few

if TYPE_CHECKING:
    import numpy as np
    from keras import KerasTensor as Tensor
    from keras.distribution import DataParallel, TensorLayout


def check(count: int) -> None:
    """Make sure that there are so many devices.

    Raises:
        UsageError: there are not.
    """
    if count == 1:
        return
    there = backend.devices()
    if count > len(there):
        forced = f"XLA_FLAGS=--xla_force_host_platform_device_count={count}"
        trial = f" To try it without more, have JAX divide the processor: {forced}."
        raise UsageError(
            f"--devices {count:,} is more than there are: JAX has {counted(len(there), 'device')} "
            f"here ({few(there)}).{trial * backend.processors(there)}"
        )


@contextmanager
def over(count: int) -> Iterator[None]:
    """While this lasts, models are built on, and batches shared among, the first `count` devices.

    Raises:
        UsageError: there are not so many.
    """
    if count == 1:
        yield
        return
    check(count)
    from keras.distribution import DataParallel
    from keras.src.backend.jax import distribution_lib

    shared = DataParallel(devices=backend.devices()[:count])
    place = distribution_lib.distribute_data_input

    def placed(batch: np.ndarray, layout: object, batch_dim_name: str) -> Tensor:
        return place(batch, _layout(shared, batch.shape), batch_dim_name)

    # Keras lays out every batch as the first of an epoch, and the last may have no equal shares.
    distribution_lib.distribute_data_input = placed
    try:
        with shared.scope():
            yield
    finally:
        distribution_lib.distribute_data_input = place


def current() -> DataParallel | None:
    """How batches are shared now; None where one device computes all."""
    from keras import distribution

    return distribution.distribution()


def shares(batch: np.ndarray) -> np.ndarray | Tensor:
    """A batch on the devices that share it; as it is, where one computes all."""
    from keras import distribution

    shared = current()
    return distribution.distribute_tensor(batch, _layout(shared, batch.shape)) if shared else batch


def _layout(shared: DataParallel, shape: tuple[int, ...]) -> TensorLayout:
    """Equal shares; the whole on every device, where there are none."""
    from keras.distribution import TensorLayout

    if shape[0] % shared.num_model_replicas:
        return TensorLayout([None] * len(shape), shared.device_mesh)
    return shared.get_data_layout(shape)
