"""The log of a deployed model: what is kept, for how long, by whom it can be used."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import series
from toolcalling.use.log import Log
from toolcalling.use.outcomes import Outcome, Step

NOON = datetime(2020, 11, 9, 12, tzinfo=UTC)


def outcome(*steps, stopped="answer"):
    return Outcome("Done.", "model", stopped, steps, {"prompt": [], "tools": []})


SECRET = {"user": "s.ecret"}
RAN = Step(1, "ran", "", "reset_password", SECRET, SECRET)
REFUSED = Step(2, "refused", "", "fly_home", SECRET, SECRET, "not allowed")
ANSWER = Step(3, "answer", "Done.")
MALFORMED = Step(1, "malformed", "", why="no brace")


@pytest.fixture
def log(tmp_path):
    return Log(tmp_path / "log.sqlite")


def test_what_is_kept(log):
    log.add("Naïve \ud83d question", outcome(RAN, REFUSED, ANSWER), 12.5, NOON)
    log.add("Hi", outcome(ANSWER), 3, NOON - timedelta(hours=1))
    log.add("?", outcome(MALFORMED, stopped="malformed"), 3)
    first, second, third = Log(log.path).entries()
    assert (second.time, second.text, second.ms) == (NOON, "Naïve ? question", 12.5)
    assert second.kinds == ("ran", "refused", "answer") and second.stopped == "answer"
    assert second.tools == ("reset_password", "fly_home")
    assert [e.no_call for e in (first, second, third)] == [True, False, False]
    assert [e.not_run for e in (first, second, third)] == [False, True, True]
    assert abs(third.time - datetime.now(UTC)) < timedelta(minutes=10)
    assert b"s.ecret" not in log.path.read_bytes()


def test_forgotten_questions_leave_nothing_in_the_file(log):
    for hours in range(4):
        at = NOON + timedelta(hours=hours)
        log.add(f"login number {hours}", outcome(RAN), 1, at)
    there = datetime.fromtimestamp((NOON + timedelta(hours=2)).timestamp())  # no zone
    assert log.forget(there) == 2 and log.forget(there) == 0
    assert [e.text for e in log.entries()] == ["login number 2", "login number 3"]
    held = log.path.read_bytes()
    assert b"number 1" not in held and b"number 2" in held


WRITER = """
import sys; sys.path.insert(0, sys.argv[3])
from toolcalling.use.log import Log; from toolcalling.use.outcomes import Outcome
done = Outcome("", None, "answer", (), {})
for n in range(25): Log(sys.argv[1]).add(sys.argv[2], done, n)
"""


def test_threads_and_processes_write_at_once(tmp_path):
    path = tmp_path / "log.sqlite"
    package = str(series.PACKAGE.parent)
    others = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), name, package])
        for name in "ab"
    ]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: Log(path).add("c", outcome(), n), range(50)))
    assert [other.wait() for other in others] == [0, 0]
    texts = [entry.text for entry in Log(path).entries()]
    assert [texts.count(name) for name in "abc"] == [25, 25, 50]


def test_another_file_is_not_touched(tmp_path):
    broken, foreign = tmp_path / "notes.txt", tmp_path / "shop.sqlite"
    broken.write_text("Buy milk. " * 200)
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE orders (id)")
    database.close()
    for path, said in (
        (broken, "no log of questions, or is dam"),
        (foreign, "another"),
    ):
        before = path.read_bytes()
        with pytest.raises(RuntimeError, match=said):
            Log(path)
        assert path.read_bytes() == before
    with pytest.raises(RuntimeError, match="its folder"):
        Log(tmp_path / "nowhere" / "log.sqlite")


def test_a_log_that_is_damaged_later(log):
    log.add("Hi", outcome(), 1, NOON)
    log.path.write_bytes(b"damaged" + log.path.read_bytes()[7:])
    with pytest.raises(RuntimeError, match="is damaged.*Move it away"):
        log.add("Hi", outcome(), 1)
