"""A text written on, character by character, by a model that has learned one."""

from __future__ import annotations

import json

import numpy as np

from lstm_zoo.errors import UsageError, few
from lstm_zoo.forecasting import Loaded, asked, own_data, vocabulary
from lstm_zoo.tasks import LanguageModelling


def generate(loaded: Loaded, prompt: str, length: int, temperature: float, seed: int) -> str:
    """The next `length` characters after `prompt`, each drawn and then read as the next input.

    The probabilities are those of the model to the power of 1 / `temperature`: below 1 the likely
    ones become likelier, above 1 all become more alike. The model sees the last `steps` characters,
    as many as it was trained on, and never writes the sign for a character that it does not know.

    Raises:
        UsageError: the run has learned no text, or the prompt is empty.
    """
    known = known_characters(loaded)
    if not prompt:
        raise UsageError("--prompt is empty: give at least one character.")
    places = {character: place for place, character in enumerate(known)}
    tokens = [places.get(character, 0) for character in prompt]
    rng, first = np.random.default_rng(seed), len(tokens)
    with asked(loaded):
        for _ in range(length):
            chances = _next(loaded, tokens)
            tokens.append(_drawn(chances, temperature, rng))
    return "".join(known[token] for token in tokens[first:])


def unheard(loaded: Loaded, prompt: str) -> str | None:
    """A sentence that names the characters of the prompt that the model does not know."""
    strange = sorted(set(prompt) - set(known_characters(loaded)))
    if not strange:
        return None
    named = few(
        [json.dumps(character, ensure_ascii=not character.isprintable()) for character in strange]
    )
    return f"The model does not know of the prompt {named}: it reads each as the same sign."


def known_characters(loaded: Loaded) -> list[str]:
    """The characters that the run knows, by their place.

    Raises:
        UsageError: it has learned no text.
        RunError: its vocabulary is damaged.
    """
    if loaded.run.metrics.get("task") != LanguageModelling.name:
        raise UsageError(
            f"The run {loaded.run.name} is of {loaded.config.dataset}, and has learned no text to "
            "write on: train on the dataset characters first."
        )
    return vocabulary(loaded)


def end_of_text(loaded: Loaded, data_dir: str | None) -> str:
    """The last piece of the run's test part, as many characters as the model sees.

    Raises:
        DataError: the text is no longer the one that was learned.
    """
    known = known_characters(loaded)
    test = own_data(loaded, data_dir).test
    return "".join(known[token] for token in test.y[-1])


def _next(loaded: Loaded, tokens: list[int]) -> np.ndarray:
    """The probabilities of the next token: the answer at the last step that is filled."""
    steps = loaded.model.input_shape[1]
    seen = tokens[-steps:]
    x = np.zeros((1, steps), np.int32)
    x[0, : len(seen)] = seen
    return np.asarray(loaded.model.predict_on_batch(x))[0, len(seen) - 1].astype(float)


def _drawn(chances: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    logs = np.log(np.maximum(chances[1:], np.finfo(float).tiny))
    with np.errstate(over="ignore"):  # a temperature near 0 leaves the likeliest alone
        weights = np.exp((logs - logs.max()) / temperature)
    return 1 + int(rng.choice(len(weights), p=weights / weights.sum()))
