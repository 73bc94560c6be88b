"""The figures and tables of the series."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from toolcalling import charts
from toolcalling.calls import parse_reply
from toolcalling.statistics import rate

CALL = "<start_function_call>call:note{text:<escape>a b<escape>,n:3}<end_function_call>"


def line(name, before, after, due="note"):
    return {
        "message": name, "due": due, "before": f"{before} x", "after": f"{after} y"
    }  # fmt: skip


def test_a_reply_in_short():
    assert charts.brief(parse_reply(CALL)) == "note(a b, 3)"
    assert (
        charts.brief(parse_reply(CALL + CALL), True) == "✓ note(a b, 3) + note(a b, 3)"
    )
    assert charts.brief(parse_reply("so\nmany words"), False, 8) == "✗ so …"
    assert charts.clip("漢字" * 40, 10) == "漢字" * 4 + " …"


def test_the_story_takes_turns_and_keeps_its_order():
    lines = [line(f"a{i}", "✗", "✓") for i in range(9)]
    lines += [line(f"b{i}", "✗", "✓", "other") for i in range(2)]
    lines += [line("lost", "✓", "✗"), *(line(f"c{i}", "✗", "✗") for i in range(3))]
    names = [chosen["message"] for chosen in charts.story(lines)]
    assert names == ["a0", "b0", "a1", "b1", "a2", "a3", "lost", "c0", "c1"]
    assert charts.story([]) == []


def test_a_table_shows_texts_as_they_are():
    html = charts.table([{"a<b": "1 < 2\nx", "n": 3}]).data
    assert "a&lt;b" in html and "1 &lt; 2<br>x" in html and ">3<" in html
    assert charts.table([]).data
    assert "1 of 2" in charts.rates({"half": rate([True, False])}).data


def test_figures_fit_a_phone_with_letters_of_their_size():
    charts.style()
    assert plt.rcParams["font.size"] >= 11
    results = {name: rate([True, False]) for name in ("after", "tfidf", "own")}
    figure, ax = plt.subplots()
    charts.forest(ax, results)
    other, ax = plt.subplots()
    charts.slices(ax, {name: {"all": cell} for name, cell in results.items()})
    third = charts.curves([(0.5, 2.0)], [(1, 1.0)], [(1, 0.5)], kept=1)
    for drawn in (figure, other, third):
        assert drawn.get_figwidth() <= 4.5
        drawn.canvas.draw()
        plt.close(drawn)
