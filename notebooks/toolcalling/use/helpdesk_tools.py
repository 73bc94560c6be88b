"""The five tools of data/helpdesk, each with a database behind it.

    desk = HelpDesk(seed="a")
    desk.functions()["check_ticket"](number=4471)

Every function returns a small dict. What is not there is {"found": false, ...}; what
the desk refuses has an "error" in words. Dates are YYYY-MM-DD, times HH:MM.
"""

import datetime
import sqlite3

from .helpdesk_data import fill

# Those that change nothing.
READ_ONLY = frozenset({"check_ticket"})


class HelpDesk:
    """A help desk in memory. The same seed gives the same desk, whatever was done
    with another one."""

    def __init__(self, seed=0):
        self.database = sqlite3.connect(":memory:")
        self.database.row_factory = sqlite3.Row
        fill(self.database, seed)

    def functions(self):
        """{name: function}, as data/helpdesk declares them."""
        return {
            "open_ticket": self.open_ticket,
            "check_ticket": self.check_ticket,
            "reset_password": self.reset_password,
            "lend_device": self.lend_device,
            "install_software": self.install_software,
        }

    @property
    def today(self):
        """The desk's own date; it stands still."""
        return datetime.date.fromisoformat(self._row("SELECT * FROM desk")["today"])

    def open_ticket(self, summary, category, urgency=None):
        """Its number, and who will do what by when: sooner for what is urgent."""
        desk = self._row("SELECT * FROM desk")
        named = self._row("SELECT name FROM technicians WHERE category = ?", category)
        if named is None:
            return {"opened": False, "error": f"no category {category}"}
        number, technician = desk["next_ticket"], named["name"]
        wait = {"low": 9, "high": 0}.get(urgency, 3) + number % 3
        due = (self.today + datetime.timedelta(wait)).isoformat()
        with self.database as change:
            change.execute("UPDATE desk SET next_ticket = next_ticket + 1")
            change.execute(
                "INSERT INTO tickets (number, summary, category, urgency, state, "
                "technician, due) VALUES (?, ?, ?, ?, 'in progress', ?, ?)",
                (number, summary, category, urgency, technician, due),
            )
        if urgency == "high":
            calls_at = _later(desk["now"], 15 + 5 * (number % 7))
            return {"ticket": number, "technician": technician, "calls_at": calls_at}
        if urgency == "low":
            return {"ticket": number, "due": due}
        return {"ticket": number, "technician": technician, "due": due}

    def check_ticket(self, number):
        """Its state, and what goes with that state."""
        row = self._row("SELECT * FROM tickets WHERE number = ?", number)
        if row is None:
            return {"found": False, "number": number}
        shown = ("summary", "state", "technician", "due", "place_in_queue", "part",
                 "needs", "solved_on", "fix", "merged_into")  # fmt: skip
        kept = {key: row[key] for key in shown if row[key] is not None}
        return {"found": True, **kept}

    def reset_password(self, user, system):
        """To which phone the code went; the code itself is never returned."""
        person = self._row("SELECT * FROM users WHERE login = ?", user)
        if person is None:
            return {"found": False, "user": user}
        if person["disabled_since"]:
            return {"done": False, "error": "account disabled",
                    "since": person["disabled_since"]}  # fmt: skip
        account = self._row(
            "SELECT * FROM accounts WHERE login = ? AND system = ?", user, system
        )
        if account is None:
            return {"done": False, "error": f"{user} has no {system} account"}
        if account["needs_manager"]:
            return {"done": False, "error": "manager must approve",
                    "manager": person["manager"]}  # fmt: skip
        if account["again_after"]:
            return {"done": False, "error": "already reset today",
                    "again_after": account["again_after"]}  # fmt: skip
        with self.database as change:
            change.execute(
                "UPDATE accounts SET again_after = '18:00' WHERE login = ? AND "
                "system = ?", (user, system),
            )  # fmt: skip
        minutes = 10 + person["phone_end"] % 5 * 5
        return {"done": True, "code_sent_to": f"phone ending {person['phone_end']}",
                "valid_minutes": minutes}  # fmt: skip

    def lend_device(self, device, start, days):
        """Which one, where to collect it, its last day; or when one is free."""
        kind = self._row("SELECT * FROM kinds WHERE device = ?", device)
        if kind is None:
            return {"lent": False, "error": f"the pool has no {device}"}
        if days < 1:
            return {"lent": False, "error": "one day is the least"}
        if days > kind["most_days"]:
            return {"lent": False, "error": "too many days",
                    "most_days": kind["most_days"]}  # fmt: skip
        try:
            first = datetime.date.fromisoformat(start)
            last = first + datetime.timedelta(days - 1)
        except (ValueError, OverflowError):
            return {"lent": False, "error": f"{start} is no date"}
        if first < self.today:
            return {"lent": False, "error": "start is in the past",
                    "today": self.today.isoformat()}  # fmt: skip
        asset = self._free(device, first, last)
        if asset is None:
            while self._free(device, first, last) is None:
                first, last = (day + datetime.timedelta(1) for day in (first, last))
            return {"lent": False, "error": f"no {device} free then",
                    "free_from": first.isoformat()}  # fmt: skip
        with self.database as change:
            change.execute(
                "INSERT INTO loans VALUES (?, ?, ?)",
                (asset, first.isoformat(), last.isoformat()),
            )
        place = self._row("SELECT * FROM desk")["collect_at"]
        return {"lent": True, "asset": asset, "collect_at": place,
                "return_by": last.isoformat()}  # fmt: skip

    def install_software(self, program, machines):
        """On which machines it will be, from when; which have it; which are unknown."""
        found = self._row("SELECT * FROM programs WHERE name = ?", program)
        if found is None:
            return {"found": False, "program": program}
        if found["approver"]:
            return {"done": False, "error": "needs approval",
                    "approver": found["approver"]}  # fmt: skip
        new, there, unknown = [], [], []
        for tag in dict.fromkeys(machines):
            if self._row("SELECT tag FROM machines WHERE tag = ?", tag) is None:
                unknown.append(tag)
            elif self._row(
                "SELECT tag FROM installs WHERE tag = ? COLLATE NOCASE AND program = ?",
                tag, found["name"],
            ):  # fmt: skip
                there.append(tag)
            else:
                new.append(tag)
        left, result = found["licences"], {}
        if new and left is not None and left < len(new):
            return {"done": False, "error": "too few licences", "licences_left": left}
        if new:
            with self.database as change:
                change.executemany(
                    "INSERT INTO installs VALUES (?, ?)",
                    [(tag, found["name"]) for tag in new],
                )
                change.execute(
                    "UPDATE programs SET licences = licences - ? WHERE name = ?",
                    (len(new), found["name"]),
                )
            now = self._row("SELECT * FROM desk")["now"]
            result = {"installing_on": new, "ready_at": _later(now, 40 + len(program))}
        if there:
            result["already_on"] = there
        if unknown:
            result["unknown_machines"] = unknown
        return result or {"done": False, "error": "no machine was named"}

    def _row(self, query, *values):
        """The first row, or None. Values never stand in the query's own text."""
        return self.database.execute(query, values).fetchone()

    def _free(self, device, first, last):
        """The first device of a kind that nobody has in these days, or None."""
        row = self._row(
            "SELECT asset FROM devices WHERE device = ? AND asset NOT IN (SELECT asset "
            "FROM loans WHERE first <= ? AND last >= ?) ORDER BY asset",
            device, last.isoformat(), first.isoformat(),
        )  # fmt: skip
        return row and row["asset"]


def _later(time, minutes):
    """A time of the day, so many minutes on."""
    at = datetime.datetime.strptime(time, "%H:%M") + datetime.timedelta(minutes=minutes)
    return at.strftime("%H:%M")
