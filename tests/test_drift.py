"""The drift check: a drift is found and told, an ordinary week is left alone."""

import matplotlib.pyplot as plt
import pytest

from toolcalling import charts, tasks
from toolcalling.use.drift import CHECKS, Nearest, Reference, training_questions
from toolcalling.use.drift_picture import picture
from toolcalling.use.log import Log
from toolcalling.use.outcomes import Outcome, Step
from toolcalling.use.simulated_week import (
    MONDAY,
    shift_app_questions,
    simulated_week,
)

NEW = shift_app_questions()


@pytest.fixture(scope="module")
def desk():
    return tasks.load_task("helpdesk", log=lambda note: None)


def replies(task):
    """A model that is right about the task's rows and calls nothing for the rest."""
    calls = {
        row["messages"][-1]["content"]: row["calls"]
        for split in ("dev", "test")
        for row in task.rows[split]
    }

    def reply(texts):
        return [
            outcome(*(("ran", call["name"]) for call in calls.get(text, ())))
            for text in texts
        ]

    return reply


def outcome(*steps):
    made = [Step(1, kind, "", name) for kind, name in steps] or [Step(1, "answer", "")]
    return Outcome("", None, "answer", tuple(made), {})


@pytest.fixture
def week(desk, tmp_path):
    """Days of a week, its reference, all by seed."""

    def week(seed, new=(), reply=None):
        log = Log(tmp_path / f"{seed}.sqlite")
        trial, entries = simulated_week(
            desk, reply or replies(desk), log, new=new, seed=seed
        )
        reference = Reference(desk, trial)
        return reference, reference.days(entries)

    return week


def test_a_week_is_seven_days_of_twenty(week):
    _, days = week(1, NEW)
    assert [day.n for day in days] == [20] * 7
    assert days[0].date == MONDAY.date() and f"{days[4].date:%A}" == "Friday"


@pytest.mark.parametrize("seed", range(3))
def test_new_questions_are_found_and_named(week, seed):
    _, days = week(seed, NEW)
    assert not any(day.alarms for day in days[:4])
    assert any(day.alarms for day in days[4:6])
    day = next(day for day in days if day.alarms)
    said = str(day)
    assert "ALARM" in said and "without a call" in said
    assert len(day.far) == 5 and all(text in said for _, text, _ in day.far)
    assert sum(text in NEW for _, text, _ in day.far) >= 3


@pytest.mark.parametrize("seed", range(3))
def test_an_ordinary_week_raises_no_alarm(week, seed):
    _, days = week(seed)
    assert [day.alarms for day in days] == [[]] * 7
    assert str(days[0]) == "Monday 09 November, 20 questions: no alarm."


def test_calls_that_do_not_run_are_found(week, desk):
    right, asked = replies(desk), []

    def reply(texts):
        asked.append(texts)
        wrong = [outcome(("refused", "fly_home"))] * 10 if len(asked) == 4 else []
        return wrong + right(texts)[len(wrong) :]

    _, days = week(0, reply=reply)
    found = {n: day.alarms for n, day in enumerate(days) if day.alarms}
    assert list(found) == [2] and "not_run" in found[2]
    check = days[2].checks["not_run"]
    assert check.value == 0.5 and check.interval[0] < 0.5 < check.interval[1]
    assert "More calls that did not run: 50%, usual 0%" in str(days[2])


def test_a_share_is_an_alarm_where_it_leaves_the_band(week, desk):
    """The picture's band and the test agree, for a check that is alone in its day."""
    reference, days = week(0)
    low, high = days[0].checks["not_run"].band
    assert low == 0 and 0 < high < 0.5


def test_distance(desk):
    nearest = Nearest(training_questions(desk))
    first = training_questions(desk)[0]
    near, far, empty = nearest([f"{first}!", "Ω≈ç√∫˜µ≤", ""])
    assert near[0] < 0.1 and near[1] == first
    assert far[0] > 0.95 and empty[0] == 1
    # n-grams that no training question has count too
    assert nearest([f"{first} {'zqx ' * 40}"])[0][0] > 0.5


def test_a_reference_of_too_few_questions(desk):
    with pytest.raises(ValueError, match="30 at least"):
        Reference(desk, [])


def test_too_few_questions_for_a_week(desk, tmp_path):
    there = len(desk.rows["dev"]) + len(desk.rows["test"])
    with pytest.raises(ValueError, match=f"42 new ones; there are {there} and 3"):
        simulated_week(desk, None, Log(tmp_path / "log"), new=["a", "b", "c"])


def test_the_picture_marks_the_days_with_an_alarm(week):
    _, days = week(0, NEW)
    figure = picture(days)
    for ax, name in zip(figure.axes, CHECKS, strict=True):
        squares = [line for line in ax.lines if line.get_marker() == "s"]
        marked = [line.get_xdata()[0] for line in squares]
        assert marked == [n for n, day in enumerate(days) if name in day.alarms]
        assert all(line.get_color() == charts.NEUTRAL for line in squares)
    assert [t.get_text() for t in figure.axes[-1].get_xticklabels()][4] == "Fri"
    plt.close(figure)
