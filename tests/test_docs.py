"""The documents: what is generated is up to date, commands can be typed, links lead somewhere."""

import importlib.util
import re
import shlex
import unicodedata
from pathlib import Path

import click
import pytest

from lstm_zoo import catalog
from lstm_zoo.cli import cli

ROOT = Path(__file__).parent.parent
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")]


def generator():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_comes_from_the_code_is_up_to_date():
    """If this fails: python docs/generate.py."""
    for path, text in generator().pages().items():
        assert path.read_text() == text, path


@pytest.mark.parametrize("model", catalog.load().of("model"))
def test_every_model_has_its_page_its_picture_and_its_scores(model):
    page = (ROOT / "docs" / "models" / f"{model}.md").read_text()
    picture = ROOT / "docs" / "images" / "models" / f"{model}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"](../images/models/{model}.png)" in page
    assert page.count(f"| {model} | ") >= 3  # datasets it was measured on


def commands():
    """Every line of a page that calls lstm-zoo, by page."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if called := re.search(r"(?:^|&& |\d )\s*(?:\.venv/bin/)?lstm-zoo (.*)", line):
                    yield pytest.param(called[1], id=f"{page.stem}: {called[1][:60]}")


@pytest.mark.parametrize("line", list(commands()))
def test_what_a_page_types_can_be_typed(line):
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|>&;")
    lexer.whitespace_split, words = True, []
    for word in lexer:
        if set(word) <= set("|>&;"):
            break
        words.append(word)
    context = click.Context(cli)
    _, rest, _ = cli.make_parser(context).parse_args(words)
    if rest:
        command = cli.get_command(context, rest[0])
        assert command, rest[0]
        command.make_parser(click.Context(command)).parse_args(rest[1:])


def anchors(page):
    """The places that a page's headings are linked by, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE):
        kept = (c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        yield "".join(kept).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_to_a_page_and_its_heading(page):
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        path, _, place = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        assert other.exists(), target
        if place:
            assert place in set(anchors(other)), target
