"""The examples do what they say, and the README's own claims hold."""

import subprocess
import sys
from pathlib import Path

import pytest

from lstm_zoo.runs import list_runs

pytestmark = pytest.mark.tensorflow

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_quickstart_runs_as_a_plain_script(tmp_path):
    script = [sys.executable, ROOT / "examples" / "quickstart.py"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert sum(run.finished for run in list_runs(tmp_path / "runs")) == 4
    assert "gru:units=32" in done.stdout
    assert " on digits, seed " in done.stdout


@pytest.mark.slow
def test_the_notebook_runs_in_a_kernel(tmp_path):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    notebook = nbformat.read(ROOT / "examples" / "quickstart.ipynb", 4)
    assert not any(cell.get("outputs") for cell in notebook.cells)  # as they change with each run
    resources = {"metadata": {"path": tmp_path}}
    nbclient.NotebookClient(notebook, timeout=300, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    results, *_, ahead = [
        o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {})
    ]
    assert '<td style="text-align: left">gru:units=32</td>' in results
    assert "Intervals of nominal 90 %" in ahead
    assert "data:image/png;base64," in ahead
    assert any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs)
    streams = {output["name"] for output in outputs if output["output_type"] == "stream"}
    assert streams == {"stderr"}
    assert "\x1b" not in "".join(o["text"] for o in outputs if o["output_type"] == "stream")


def test_every_link_of_the_documents_leads_somewhere():
    import re

    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_is_in_the_documents_guide():
    from lstm_zoo.cli import cli

    guide = (ROOT / "docs" / "README.md").read_text()
    assert [name for name in cli.commands if f"lstm-zoo {name}" not in guide] == []
