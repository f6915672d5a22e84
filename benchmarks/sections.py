"""RESULTS.md, section by section: each script writes its own, between its markers."""

from __future__ import annotations

from pathlib import Path

from lstm_zoo.records import write_text

RESULTS = Path(__file__).parent / "RESULTS.md"


def write(path: Path, script: str, text: str) -> None:
    """Put `text` between the markers of `script`, at the end where it has none yet."""
    begin, end = f"<!-- benchmarks/{script} -->", f"<!-- end of benchmarks/{script} -->"
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, _, rest = page.partition(begin)
    after = rest.partition(end)[2]
    texts = [before.strip(), f"{begin}\n\n{text.strip()}\n\n{end}", after.strip()]
    write_text(path, "\n\n".join(filter(None, texts)) + "\n")


def table(header: list[str], rows: list[list[str]]) -> str:
    """In Markdown."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
