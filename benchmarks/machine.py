"""The machine that a measurement was made on, and what it can do at best."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from processes import script

from lstm_zoo import __version__
from lstm_zoo.backend import versions
from lstm_zoo.config import available_threads

SETS = ("avx", "avx2", "fma", "avx512f", "avx512_bf16", "amx_tile", "neon", "asimd")
PACKAGES = ("keras", "tensorflow", "jax", "torch", "numpy")


def described() -> dict:
    """Processor, processors to use, instruction sets, and every version that matters."""
    text = _cpuinfo()
    name = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    flags = re.search(r"^(?:flags|Features)\s*: (.+)$", text, re.MULTILINE)
    known = flags[1].split() if flags else []
    return {
        "processor": name[1] if name else platform.processor() or platform.machine(),
        "cores": available_threads(),
        "instruction sets": [each for each in SETS if each in known],
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "lstm-zoo": __version__,
        "versions": versions(PACKAGES),
    }


def _cpuinfo() -> str:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8") if path.exists() else ""


def peaks() -> dict[str, dict[str, float]]:
    """The matrix product's peak in GFLOP/s, by library, on one core and on all."""
    counts = {"one core": 1, f"{available_threads()} cores": available_threads()}
    return {
        library: {name: _peak(library, threads) for name, threads in counts.items()}
        for library in ("numpy", "jax")
    }


def _peak(library: str, threads: int) -> float:
    return script("peak.py", library, threads, OPENBLAS_NUM_THREADS=str(threads)).told()


def highest(measured: dict[str, dict[str, float]], cores: str) -> float:
    """The highest of the libraries' peaks; all cores' name ends in `cores`."""
    every = [each for peaks in measured.values() for each in peaks.items()]
    return max(peak for name, peak in every if name.endswith(cores))


def sentence(machine: dict) -> str:
    """Processor and versions, in a line."""
    sets = ", ".join(machine["instruction sets"]) or "unknown instruction sets"
    libraries = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    return (
        f"{machine['processor']}, {machine['cores']} cores ({sets}), {machine['system']}; "
        f"lstm-zoo {machine['lstm-zoo']}, Python {machine['python']}, {libraries}"
    )
