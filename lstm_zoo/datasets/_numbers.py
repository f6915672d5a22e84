"""Numbers as people write them: thousands separators, currency signs, decimal points or commas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

_CURRENCY = "$€£¥"


def _pattern(decimal: str, groups: str) -> str:
    whole = rf"(?:[0-9]{{1,3}}(?:[{groups}'’\s][0-9]{{3}})+|[0-9]+)"
    number = rf"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return rf"\s*[+\-−]?\s?(?:[{_CURRENCY}]?\s?{number}\s?[{_CURRENCY}]?|(?i:inf(?:inity)?))\s*"


PATTERNS = {"point": _pattern(r"\.", ","), "comma": _pattern(",", r"\.")}
_GROUPS = {"point": ",", "comma": "."}


def is_number(cells: pd.Series, decimal: str) -> pd.Series:
    """Which cells of text are numbers, written with a decimal `point` or `comma`."""
    return cells.astype("string").str.fullmatch(PATTERNS[decimal], na=False).astype(bool)


def to_numbers(cells: pd.Series, decimal: str) -> np.ndarray:
    """The cells as float64, NaN where one is missing or is no number."""
    if is_numeric_dtype(cells) and not is_bool_dtype(cells):
        return cells.to_numpy(np.float64)
    values = np.full(len(cells), np.nan)
    hits = is_number(cells, decimal).to_numpy()
    plain = (
        cells[hits]
        .astype("string")
        .str.replace(rf"[{_GROUPS[decimal]}'’\s{_CURRENCY}]", "", regex=True)
    )
    plain = plain.str.replace("−", "-").str.replace(",", ".")
    values[hits] = plain.to_numpy(object).astype(np.float64)
    return values


def decimal_of(cells: pd.Series) -> str | None:
    """How the cells write their decimals, `unclear` where '1,234' is all there is to go by.

    None where no cell has a mark that could be a decimal comma.
    """
    point, comma = is_number(cells, "point"), is_number(cells, "comma")
    only_point, only_comma = (point & ~comma).sum(), (comma & ~point).sum()
    if only_point or only_comma:
        return "comma" if only_comma > only_point else "point"
    grouped = cells[point & comma].astype("string").str.contains(",", regex=False)
    return "unclear" if grouped.any() else None
