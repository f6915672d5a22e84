"""The examples do what they say, and the README's own claims hold."""

import runpy
from pathlib import Path

import pytest

from lstm_zoo.runs import Run

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_the_quickstart_trains(tmp_path, capsys):
    folder = runpy.run_path(ROOT / "examples" / "quickstart.py")["main"](epochs=1, runs=tmp_path)
    assert Run(folder).finished
    assert "gru:units=32 on digits" in capsys.readouterr().out


def test_every_link_of_the_documents_leads_somewhere():
    import re

    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_command_is_in_the_readme():
    from lstm_zoo.cli import cli

    readme = (ROOT / "README.md").read_text()
    assert [name for name in cli.commands if f"lstm-zoo {name}" not in readme] == []
