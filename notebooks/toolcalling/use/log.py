"""What a deployed model did: one row for each question, in an SQLite file.

    log = Log("helpdesk.sqlite")
    log.add(question, outcome, ms=840)
    log.forget(datetime.now(UTC) - timedelta(days=30))

The questions are personal data: people write their names, their logins and their
troubles, and the time tells when they were at work. Tell them that their questions
are kept and for how long, and call forget every day. The answer, the arguments of
the calls and what the tools gave are not kept.
"""

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PATIENCE = 30  # seconds to wait for another program that writes
_MARK = 0x746F6F6C  # SQLite's application_id of such a file
_TABLE = """
CREATE TABLE questions (
  id INTEGER PRIMARY KEY, time TEXT NOT NULL, text TEXT NOT NULL,
  stopped TEXT NOT NULL, kinds TEXT NOT NULL, tools TEXT NOT NULL, ms REAL NOT NULL);
"""
_COLUMNS = "time, text, stopped, kinds, tools, ms"


@dataclass(frozen=True)
class Entry:
    """One question and what came of it.

    time: a datetime in UTC. text: what was asked. stopped: why the loop ended, one of
    outcomes.STOPS. kinds: of its steps, of outcomes.KINDS, in order. tools: the names
    that the model called, in order, those that did not run too. ms: until the answer.
    """

    time: datetime
    text: str
    stopped: str
    kinds: tuple
    tools: tuple
    ms: float

    @property
    def no_call(self):
        """The model called nothing, and did not try to."""
        return not self.tools and "malformed" not in self.kinds

    @property
    def not_run(self):
        """A call was refused, as an unknown tool is, or the reply was malformed."""
        return "refused" in self.kinds or "malformed" in self.kinds


class Log:
    """A log in the file path, made if it is not there.

    Several threads and processes may use the same file; each method is one
    transaction. RuntimeError where the file is no such log, is damaged, or cannot be
    written.
    """

    def __init__(self, path):
        self.path = Path(path)
        with self._transaction() as database:
            (mark,) = database.execute("PRAGMA application_id").fetchone()
            tables = database.execute("SELECT name FROM sqlite_master").fetchall()
            if not mark and not tables:
                database.execute(f"PRAGMA application_id = {_MARK}")
                database.execute(_TABLE)
            elif mark != _MARK or ("questions",) not in tables:
                raise RuntimeError(
                    f"{self.path.name} is another program's database, no log of "
                    "questions. Name another file."
                )

    def add(self, text, outcome, ms, time=None):
        """Log one question.

        outcome: the loop's Outcome. ms: milliseconds until the answer. time: a
        datetime, local time where it has no zone; None for now.
        """
        time = (time or datetime.now(UTC)).astimezone(UTC)
        row = (
            time.isoformat(timespec="milliseconds"),
            text.encode("utf-8", "replace").decode(),  # half a surrogate pair
            outcome.stopped,
            json.dumps([step.kind for step in outcome.steps]),
            json.dumps([step.name for step in outcome.steps if step.name]),
            float(ms),
        )
        with self._transaction() as database:
            database.execute(
                f"INSERT INTO questions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row
            )

    def entries(self):
        """Every Entry, by time."""
        with self._transaction() as database:
            rows = database.execute(
                f"SELECT {_COLUMNS} FROM questions ORDER BY time, id"
            ).fetchall()
        return [
            Entry(datetime.fromisoformat(time), text, stopped,
                  tuple(json.loads(kinds)), tuple(json.loads(tools)), ms)
            for time, text, stopped, kinds, tools, ms in rows
        ]  # fmt: skip

    def forget(self, before):
        """Delete what was asked before a datetime, for good; returns how many."""
        oldest = before.astimezone(UTC).isoformat(timespec="milliseconds")
        with self._transaction() as database:
            return database.execute(
                "DELETE FROM questions WHERE time < ?", (oldest,)
            ).rowcount

    @contextmanager
    def _transaction(self):
        """A connection of its own: none is shared by threads or survives a fork."""
        name = self.path.name
        try:
            with closing(
                sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
            ) as database:
                # What is deleted is overwritten, not only marked as free.
                database.execute("PRAGMA secure_delete = ON")
                database.execute("BEGIN IMMEDIATE")
                yield database
                database.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise RuntimeError(
                f"The log {name} cannot be used ({error}). See that its folder is "
                "there and can be written, and that no program holds the file."
            ) from error
        except sqlite3.DatabaseError as error:
            raise RuntimeError(
                f"{name} is no log of questions, or is damaged ({error}). Move it "
                "away, and a new one is begun."
            ) from error
