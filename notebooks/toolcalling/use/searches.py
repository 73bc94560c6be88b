"""Two searches over short texts, in SQLite's full-text index; no network.

One looks through a company's notes, the other stands in for a search of the web and
knows thirty facts.
"""

import re
import sqlite3
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MOST = 3  # results of a search
_WORDS = (
    "a about an and any are as at be by can did do does for from give had has have how i "
    "if in is it its long me much many my of on or our please remind show tell than that "
    "the their there these this to us was we were what when where which who whose why "
    "will with would you your"
)
_COMMON = frozenset(_WORDS.split())


class TextSearch:
    """An index over texts, {title: text}.

    RuntimeError where this Python's SQLite has no full-text index.
    """

    def __init__(self, texts):
        self.database = sqlite3.connect(":memory:")
        try:
            self.database.execute(
                "CREATE VIRTUAL TABLE texts USING fts5(title, text, tokenize='porter')"
            )
        except sqlite3.OperationalError as error:
            raise RuntimeError(
                f"SQLite has no full-text index here ({error}). Use a Python whose "
                "sqlite3 was built with FTS5, such as python.org's or conda's."
            ) from None
        self.database.executemany("INSERT INTO texts VALUES (?, ?)", texts.items())

    def search(self, query):
        """{"found": true, "results": [{"title", "text"}]}, best first; or {"found":
        false, "query"}.

        A text is found where it holds half of the query's words, common ones aside.
        """
        words = dict.fromkeys(re.findall(r"\w+", query.casefold()))
        words = [w for w in words if w not in _COMMON and len(w) > 1] or list(words)
        held = {}
        for word in words:  # in quotes, so that nothing in it is an operator
            for row, rank in self.database.execute(
                "SELECT rowid, rank FROM texts WHERE texts MATCH ?", (f'"{word}"',)
            ):
                count, ranks = held.get(row, (0, 0))
                held[row] = count + 1, ranks + rank
        enough = [row for row, (count, _) in held.items() if 2 * count >= len(words)]
        best = sorted(enough, key=lambda row: (-held[row][0], held[row][1]))[:MOST]
        if not best:
            return {"found": False, "query": query}
        return {"found": True, "results": [self._text(row) for row in best]}

    def _text(self, row):
        title, text = self.database.execute(
            "SELECT title, text FROM texts WHERE rowid = ?", (row,)
        ).fetchone()
        return {"title": title, "text": text}


def read_texts(path):
    """{title: text} of a file of lines, each "title: text"."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line.strip())


def functions(internal, public):
    """{name: function} of the two searches, under the names that a task gives them."""
    return {
        internal: TextSearch(read_texts(FOLDER / "company_notes.txt")).search,
        public: TextSearch(read_texts(FOLDER / "public_facts.txt")).search,
    }
