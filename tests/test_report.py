"""`report`: pages of comparisons and runs that are really trained once for this file."""

import html
import json
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lstm_zoo.__main__ import run as lstm_zoo
from lstm_zoo.reporting import markdown, page
from lstm_zoo.reporting.page.chart import Chart, Grid, blank, label, style
from lstm_zoo.reporting.page.classes import calibration
from lstm_zoo.reporting.page.curves import learning_curves
from lstm_zoo.reporting.page.material import Group
from lstm_zoo.reporting.page.parts import Part, Report
from lstm_zoo.reporting.page.scores import differences_chart
from lstm_zoo.reporting.sentences import number, told
from lstm_zoo.runs import Run, list_runs

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
HOSTILE = "<script>alert(1)</script>"
HALF = "\ud800"  # of a character, which UTF-8 can't hold

slow = pytest.mark.slow
in_browser = pytest.mark.skipif(not CHROMIUM, reason=f"none of {', '.join(NAMES)} is installed")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with a comparison on digits, one on a series, and their runs."""
    folder = tmp_path_factory.mktemp("made")
    walk = 100 + np.cumsum(np.random.default_rng(0).normal(size=300))
    lines = [f"{np.datetime64('2020-01-01') + day},{value}" for day, value in enumerate(walk)]
    (folder / "walk.csv").write_text("\n".join(["Date,Close", *lines]) + "\n")
    digits = ["simple-rnn", "lstm", "--dataset", "digits"]
    series = ["simple-rnn", "lstm:units=8", "--csv", folder / "walk.csv", "--data", "window=10"]
    shared = ["--seeds", "2", "--epochs", "2", "-q", "--jobs", "1"]  # in a known order
    shared += ["--runs", folder / "runs", "-o"]
    for asked, name in ((digits, "digits"), (series, "series")):
        arguments = ["compare", *asked, *shared, folder / f"{name}.json"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lstm_zoo.rehearsal.measured", lambda *_: 0.0)
            assert lstm_zoo([str(argument) for argument in arguments]) == 0
    return folder


@pytest.fixture
def runs(made):
    return list_runs(made / "runs")


@pytest.fixture
def report(zoo, made, tmp_path):
    """`report(SOURCE, …)` makes a page and returns its path."""

    def call(*sources, output="page.html"):
        done = zoo("report", *sources, "--runs", made / "runs", "-o", output)
        assert (done.code, done.out) == (0, ""), done.err
        return tmp_path / output

    return call


@pytest.fixture
def opened(tmp_path):
    """`opened(PATH)` is a DOM after its scripts ran without a network, and the console."""

    def call(path, *options):
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", *options]
        command += [f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr"]
        command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=10000"]
        command += ["--dump-dom", path.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        errors = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        return SimpleNamespace(dom=done.stdout, console=errors)

    return call


def read(path):
    return json.loads(path.read_text())


def text(markup):
    return html.unescape(re.sub(r"<[^>]*>", "", markup))


def tables(dom):
    """Every table by its caption: the rows' cells, the header first."""
    found = {}
    for table in re.findall(r"<table>.*?</table>", dom, re.S):
        caption = text(re.search(r"<caption>(.*?)</caption>", table, re.S)[1])
        rows = re.findall(r"<tr>.*?</tr>", table, re.S)
        found[caption] = [
            [text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
            for row in rows
        ]
    return found


def plots(dom):
    """What stands in the page of each chart."""
    return re.findall(r'<div class="plot.*?<script type="application/json">', dom, re.S)


def figures(dom):
    """What Plotly was given for each chart."""
    pattern = r'<script type="application/json">(.*?)</script>'
    return [json.loads(text, parse_constant=pytest.fail) for text in re.findall(pattern, dom, re.S)]


@slow
@in_browser
@pytest.mark.parametrize(("name", "charts"), [("digits", 9), ("series", 6)])
def test_every_chart_is_drawn_without_a_word_on_the_console(made, report, opened, name, charts):
    seen = opened(report(made / f"{name}.json"))
    assert seen.console == []
    drawn = [plot for plot in plots(seen.dom) if re.search(r'class="(trace scatter|hm")', plot)]
    assert len(drawn) == len(plots(seen.dom)) == seen.dom.count("<figure") == charts


@slow
@in_browser
def test_a_fault_of_the_page_is_seen(tmp_path, opened):
    (tmp_path / "bad.html").write_text("<script>Plotly.newPlot()</script>")
    assert "Plotly is not defined" in opened(tmp_path / "bad.html").console[0]


@slow
@in_browser
def test_what_the_page_shows_is_what_results_json_holds(made, report, opened):
    results = read(made / "digits.json")
    dom = opened(report(made / "digits.json")).dom
    shown = tables(dom)
    for sentence in told(results):
        assert f"<p>{html.escape(sentence, quote=False)}</p>" in dom
    for row, model in zip(
        shown["Every model on the test part"][1:], results["models"], strict=True
    ):
        assert row[:3] == [model["name"], number(model["mean"]), number(model["std"])]
    trials = [(m["name"], trial) for m in results["models"] for trial in m["trials"]]
    for row, (name, trial) in zip(
        shown["Every trial's metrics on the test part"][1:], trials, strict=True
    ):
        assert row[:2] == [name, str(trial["seed"])]
        assert row[2:5] == [number(value) for value in trial["metrics"].values()]
    (pair,) = results["pairs"]
    expected = [number(pair[key]) for key in ("difference", "p_value", "p_adjusted")]
    row = shown["Every pair's test over the seeds"][1]
    assert [row[1], row[3], row[4], row[5]] == [*expected, pair["verdict"]]


@slow
def test_the_scores_are_drawn_where_they_are(made, report):
    results = read(made / "digits.json")
    scores = figures(report(made / "digits.json").read_text())[0]
    drawn = [trace["x"] for trace in scores["data"]]
    assert drawn[::2] == [[t["score"] for t in model["trials"]] for model in results["models"]]
    assert drawn[1::2] == [[model["mean"]] for model in results["models"]]
    low, high = (scores["data"][1]["error_x"][side][0] for side in ("arrayminus", "array"))
    mean, ci95 = (results["models"][0][key] for key in ("mean", "ci95"))
    assert [mean - low, mean + high] == pytest.approx(ci95)
    assert scores["layout"]["shapes"][0]["x0"] == results["floor"]["value"]


@slow
def test_the_costs_are_those_of_the_models(made, report):
    results = read(made / "digits.json")
    parameters, seconds = figures(report(made / "digits.json").read_text())[2:4]
    for trace, model in zip(parameters["data"], results["models"], strict=True):
        assert (trace["x"], trace["y"]) == ([model["parameters"]], [model["mean"]])
    for trace, model in zip(seconds["data"], results["models"], strict=True):
        assert trace["x"] == [np.mean([trial["train_seconds"] for trial in model["trials"]])]


@slow
def test_curves_confusion_and_calibration_are_those_of_the_runs(made, report, runs):
    shown = tables(report(made / "digits.json").read_text())
    lstm = [run for run in runs if run.config.variant == "lstm" and run.config.dataset == "digits"]
    matrix = shown["lstm: the true class by row, the answered class by column"][1:]
    right = sum(int(row[place + 1]) for place, row in enumerate(matrix))
    examples = sum(int(cell) for row in matrix for cell in row[1:])
    assert right / examples == pytest.approx(np.mean([r.metrics["test"]["accuracy"] for r in lstm]))
    counts = [int(row[2]) for row in shown["Answers by the probability given to them"][1:]]
    assert sum(counts) == 2 * examples
    first = next(run for run in lstm if run.config.seed == 0)
    last = (first.folder / "history.csv").read_text().splitlines()[-1].split(",")
    header, *rows = shown["The loss after each epoch"]
    column = header.index("lstm, seed 0, validation part")
    assert rows[-1][column] == number(float(last[3]))


@slow
def test_a_forecast_stands_beside_what_came(made, report, runs):
    shown = tables(report(made / "series.json").read_text())
    header, *rows = shown["Close, every value of the test part"]
    assert header == ["when", "actual", "simple-rnn", "lstm:units=8", "last known value"]
    rnn = [r for r in runs if r.config.variant == "simple-rnn" and r.config.dataset == "prices"]
    better = min(rnn, key=lambda run: run.metrics["test"]["rmse"])
    with np.load(better.folder / "predictions.npz") as arrays:
        expected = [arrays[name][-1].item() for name in ("y_true", "y_pred", "last")]
        date = str(arrays["dates"][-1, 0])[:10]
    row = rows[-1]
    assert [row[0], row[1], row[2], row[4]] == [date, *map(number, expected)]


@slow
@in_browser
def test_the_page_of_a_run_has_its_scores_by_part(report, opened, runs):
    seen = opened(report(runs[0].folder))
    record = runs[0].metrics
    row = next(row for row in tables(seen.dom)["Scores by part"] if row[0] == "accuracy")
    parts = [record[part]["accuracy"] for part in ("train", "validation", "test")]
    parts.append(record["floor"]["scores"]["accuracy"])
    assert row[1:] == [number(value) for value in parts]
    assert seen.console == []
    assert len(plots(seen.dom)) == 4
    assert "The command that made it" in seen.dom


@slow
def test_a_run_is_named_by_path_name_or_last(made, report, runs):
    for source in (runs[-1].folder, runs[-1].name, "last"):
        assert "<h1>lstm:units=8 on prices, seed 1</h1>" in report(source).read_text()


@slow
def test_several_sources_stand_one_after_another(made, report):
    content = report(made / "digits.json", "last").read_text()
    assert re.findall(r"<h2[^>]*>(.*?)</h2>", content) == [
        "simple-rnn and lstm on digits",
        "lstm:units=8 on prices, seed 1",
    ]
    assert content.count("plotly.js v") == 1
    assert content.count('<a href="#report-') == 2


@slow
@in_browser
def test_a_hostile_name_shows_as_text(made, report, opened, tmp_path):
    renamed = (made / "digits.json").read_text().replace('"lstm"', json.dumps(HOSTILE))
    (tmp_path / "hostile.json").write_text(renamed)
    path = report(tmp_path / "hostile.json")
    seen = opened(path)
    assert seen.console == []
    assert HOSTILE not in seen.dom and HOSTILE not in path.read_text()
    assert HOSTILE in [row[0] for row in tables(seen.dom)["Every model on the test part"]]
    labels = [text(tick) for tick in re.findall(r'<g class="ytick">.*?</g>', seen.dom, re.S)]
    assert HOSTILE in labels


@pytest.fixture
def widths(opened, tmp_path):
    """`widths(CONTENT, PIXELS, SELECTOR)`: what an element of a page so wide needs, and has."""

    def call(content, pixels, selector):
        (tmp_path / "framed.html").write_text(
            f'<iframe id="page" style="width: {pixels}px; height: 900px; border: 0" '
            f'srcdoc="{html.escape(content)}"></iframe><script>setTimeout(() => {{ '
            "const found = document.getElementById('page').contentDocument"
            f".querySelector('{selector}'); document.title = "
            "found.scrollWidth + ' of ' + found.clientWidth; }, 5000)</script>"
        )
        dom = opened(tmp_path / "framed.html").dom
        return tuple(map(int, re.search(r"<title>(\d+) of (\d+)</title>", dom).groups()))

    return call


@slow
@in_browser
@pytest.mark.parametrize(("name", "fits"), [("digits", True), ("series", True), ("wide", False)])
def test_the_page_fits_a_telephone(made, report, widths, name, fits):
    content = report(made / f"{name.replace('wide', 'digits')}.json").read_text()
    if not fits:
        content = content.replace("<main>", '<main><div style="width: 600px">wide</div>')
    needed, there = widths(content, 390, "html")
    assert 300 < there <= 390
    assert (needed <= there) == fits


@slow
@in_browser
@pytest.mark.parametrize(("pixels", "fits"), [(1280, True), (500, False)])
def test_the_scores_of_a_long_name_fit_a_screen(made, report, widths, pixels, fits):
    content = report(made / "series.json").read_text().replace("lstm:units=8<", f"{'lstm' * 11}<")
    needed, there = widths(content, pixels, ".scroll")
    assert (needed <= there) == fits


@slow
def test_every_chart_has_a_table_and_every_table_its_headers(made, report):
    content = report(made / "digits.json").read_text()
    for figure in re.findall(r"<figure.*?</figure>", content, re.S):
        assert re.search(r"<figcaption>.+?</figcaption>.*<details>.*<table>", figure, re.S)
        assert re.search(r'role="img" aria-label="[^"]+"', figure)
    for table in re.findall(r"<table>.*?</table>", content, re.S):
        assert '<th scope="col">' in table and '<th scope="row">' in table
    levels = [int(level) for level in re.findall(r"<h(\d)", content.split("<script>/**")[0])]
    assert levels[0] == 1 and set(levels[1:]) == {2}


@slow
def test_the_page_names_no_other_place(made, report):
    content = re.sub(
        r"<script>.*?</script>", "", report(made / "digits.json").read_text(), flags=re.S
    )
    assert not re.search(r"""(src|href)=["'](?!#)|url\(|@import|https?://""", content)
    assert "default-src 'none'" in content


@slow
def test_runs_that_are_elsewhere_are_left_out_with_a_sentence(zoo, made, tmp_path):
    results = (made / "digits.json").read_text().replace(str(made), "/elsewhere")
    (tmp_path / "digits.json").write_text(results)
    assert zoo("report", "digits.json", "-o", "page.html").code == 0
    content = (tmp_path / "page.html").read_text()
    assert "run folders of 4 of 4 trials are not here" in content
    assert "<h2>Scores</h2>" in content and "<h2>Learning curves</h2>" not in content


@slow
def test_markdown_has_the_sentences_the_scores_and_the_command(made, report):
    results = read(made / "digits.json")
    content = report(made / "digits.json", "last", output="page.md").read_text()
    for sentence in told(results):
        assert sentence in content
    model = results["models"][0]
    assert f"| {model['name']} | {number(model['mean'])} | {number(model['std'])} |" in content
    assert f"```sh\n{results['environment']['command']}\n```" in content
    assert "## lstm:units=8 on prices, seed 1" in content
    assert "| rmse | " in content


@slow
def test_a_report_imports_no_keras(made, tmp_path):
    script = (
        "import sys; from lstm_zoo.__main__ import run; code = run(sys.argv[1:]);"
        "print([name for name in ('keras', 'tensorflow', 'jax', 'torch') if name in sys.modules]);"
        "sys.exit(code)"
    )
    sources = [made / "digits.json", "last", "--runs", made / "runs"]
    for output in ("page.html", "page.md"):
        command = [sys.executable, "-c", script, "report", *sources, "-o", tmp_path / output]
        done = subprocess.run(map(str, command), capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n"


@slow
@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("metrics.json", lambda path: path.write_text(path.read_text()[:200])),
        ("metrics.json", lambda path: path.write_text("{}")),
        ("config.json", lambda path: path.write_text('{"schema": 1}')),
        ("history.csv", lambda path: path.write_text("epoch,loss\n1,none\n")),
        ("history.csv", lambda path: path.write_text("")),
        ("predictions.npz", lambda path: path.write_bytes(path.read_bytes()[:300])),
        ("predictions.npz", lambda path: np.savez(path, y_true=np.array([{}]), y_pred=np.eye(1))),
        ("predictions.npz", lambda path: np.savez(path, y_true=np.arange(3), y_pred=np.eye(2))),
        ("predictions.npz", lambda path: np.savez(path, y_true=np.array([2]), y_pred=np.eye(1))),
        ("predictions.npz", lambda path: path.unlink()),
        ("preprocessing.json", lambda path: path.write_text('{"series": {"columns": []}}')),
        ("environment.json", lambda path: path.unlink()),
    ],
)
def test_a_damaged_run_is_a_sentence(zoo, runs, tmp_path, file, damage):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0].folder, copy)
    damage(copy / file)
    done = zoo("report", copy, "-o", "page.html")
    assert done.code == 1
    assert file in done.err and done.err.count("\n") == 1
    assert not re.search(r"[A-Z][a-z]+Error|None|object is not", done.err)
    assert not (tmp_path / "page.html").exists()


def other_score(folder):
    metrics = Run(folder).metrics
    metrics["test"]["accuracy"] = 0.5
    (folder / "metrics.json").write_text(json.dumps(metrics))


def shorter(folder):
    with np.load(folder / "predictions.npz") as arrays:
        half = {name: values[::2] for name, values in arrays.items()}
    np.savez(folder / "predictions.npz", **half)


@slow
@pytest.mark.parametrize(
    ("change", "says"), [(other_score, "contradict each other"), (shorter, "different test parts")]
)
def test_a_run_that_is_not_the_one_compared_is_a_sentence(zoo, made, tmp_path, change, says):
    shutil.copytree(made, tmp_path / "made")
    results = (made / "digits.json").read_text().replace(str(made), str(tmp_path / "made"))
    (tmp_path / "digits.json").write_text(results)
    change(next((tmp_path / "made" / "runs").glob("lstm-digits-s0-*")))
    done = zoo("report", "digits.json", "-o", "page.html")
    assert done.code == 1
    assert says in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["last", "-o", "page.pdf"], 2, "'page.pdf' is neither"),
        (["last", "-o", "page"], 2, "'page' is neither"),
        (["last"], 2, "--output"),
        (["-o", "page.html"], 2, "RESULTS.json"),
        (["last", "-o", "page.html"], 1, "There is no run"),
        (["", "-o", "page.html"], 2, "RUN|RESULTS.json is empty"),
        (["none.json", "-o", "page.html"], 1, "There is no none.json"),
        (["prices.csv", "-o", "page.html"], 1, "prices.csv is no results.json"),
        (["cut.json", "-o", "page.html"], 1, "cut.json is damaged"),
        (["cut.json", "-o", "nowhere/page.html"], 1, "nowhere can't be written"),
    ],
)
def test_wrong_input_is_a_sentence(zoo, tmp_path, arguments, code, says):
    (tmp_path / "cut.json").write_text('{"schema": 1, "models": [')
    (tmp_path / "prices.csv").write_text("Date,Close\n2020-01-01,1\n")
    done = zoo("report", *arguments)
    assert done.code == code
    assert says in done.err and done.err.count("\n") == 1


def test_calibration_by_hand():
    truth = np.array([0, 1, 0, 0])
    answer = np.array([[0.9, 0.1], [0.85, 0.15], [0.4, 0.6], [1.0, 0.0]])
    found = calibration(truth, answer)
    assert found.counts.tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]
    assert found.confidence[8] == pytest.approx(0.875)
    assert found.accuracy[[5, 8, 9]].tolist() == [0, 0.5, 1]
    assert found.error == pytest.approx((0.6 + 2 * 0.375 + 0) / 4)


def test_a_name_is_escaped_and_cut_where_it_may_be():
    assert label("lstm:units=64,dropout=0.5") == "lstm:units=64,<br>dropout=0.5"
    assert label("<b>\n") == "&lt;b&gt;"


def test_models_look_different():
    assert len({(style(place).colour, style(place).symbol) for place in range(42)}) == 42
    assert len({(style(place).colour, style(place).dash) for place in range(24)}) == 24
    assert len({style(place).line_key("lstm") for place in range(24)}) == 24


def compared(name, seeds=2):
    """A run of a model as far as learning curves ask, and its group."""
    config = SimpleNamespace(seed=0)
    run = SimpleNamespace(config=config, history={"epoch": [1.0], "loss": [0.5]})
    return [Group(f"{name}-{place}", place, [run]) for place in range(seeds)]


def test_the_7th_models_lines_are_dashed_in_the_chart_and_its_legend():
    (chart,) = learning_curves(compared("lstm", 7))
    first, *_, last = chart.figure.data
    assert first.line.color == last.line.color
    assert (first.line.dash, last.line.dash) == ("solid", "dash")
    assert chart.keys[0].colour == chart.keys[6].colour
    assert chart.keys[0].sign != chart.keys[6].sign


def pair(**changes):
    names = ("p_value", "p_adjusted", "seeds_needed", "ci95", "equal")
    own = {"a": "lstm", "b": "gru", "difference": 0.01, "verdict": "inconclusive"}
    return dict.fromkeys(names) | own | changes


@pytest.mark.parametrize(
    ("one", "seeds"),
    [
        (pair(p_value=0.9), "over 1,000"),
        (pair(p_value=0.9, seeds_needed=40), "40"),
        (pair(p_value=1.0, difference=0.0), "–"),
        (pair(), "–"),
    ],
)
def test_the_differences_say_how_many_seeds_and_which_side_is_better(one, seeds):
    for better, side in (("higher", "right"), ("lower", "left")):
        metric = {"name": "accuracy", "better": better}
        chart = differences_chart({"metric": metric, "pairs": [one], "margin": None})
        assert (
            dict(zip(chart.grid.header, chart.grid.rows[0], strict=True))["seeds needed"] == seeds
        )
        assert f"To the {side} of zero, the first of the two is the better one." in chart.caption


def test_only_numbers_stand_to_the_right():
    rows = [["lstm", "0.9 to 1", "–", "pass"], ["9-gru", "-0.1", "3 of 5", "–"]]
    rule = markdown.table(["model", "a", "b", "c"], rows).splitlines()[1]
    assert rule == "| --- | ---: | ---: | --- |"


def test_markup_and_missing_numbers_stay_harmless_in_the_page():
    figure = blank(HOSTILE)
    figure.add_scatter(x=[float("nan")], y=[1.0], hovertext=["</script>"])
    chart = Chart(HOSTILE, HOSTILE, figure, Grid(HOSTILE, ["a", "b"], [[HOSTILE, HOSTILE]]))
    parts = [Part(HOSTILE, [chart], note=HOSTILE)]
    environment = {"command": HOSTILE, "platform": f"{HOSTILE}{HALF}"}
    told_ = Report(HOSTILE, [HOSTILE, HALF], chart.grid, parts, environment, "", [HOSTILE])
    content = page.html([told_])
    assert content.encode() and page.markdown([told_]).encode()
    assert "platform &lt;script>" in page.markdown([told_])
    assert HOSTILE not in content
    assert content.count(html.escape(HOSTILE)) > 10
    (drawn,) = figures(content)
    assert drawn["data"][0]["x"] == [None]
    assert drawn["data"][0]["hovertext"] == ["</script>"]
