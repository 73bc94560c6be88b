"""The help desk's tools, and the two searches."""

import datetime
import inspect
import re

import pytest

from toolcalling import tasks
from toolcalling.use import searches
from toolcalling.use.helpdesk_tools import READ_ONLY, HelpDesk

ROWS = tasks.load_task("helpdesk_answers", log=lambda note: None)
HELPDESK = tasks.load_task("helpdesk", log=lambda note: None)


def one(desk, query, *values):
    """The first row that a query gives, as a dict."""
    return dict(desk.database.execute(query, values).fetchone())


def everything(desk):
    tables = [r[0] for r in desk.database.execute("SELECT name FROM sqlite_master "
                                                  "WHERE type = 'table'")]  # fmt: skip
    return {
        t: list(map(tuple, desk.database.execute(f"SELECT * FROM {t}"))) for t in tables
    }


def test_the_same_seed_gives_the_same_desk_and_another_another():
    assert everything(HelpDesk("a")) == everything(HelpDesk("a"))
    assert everything(HelpDesk("a")) != everything(HelpDesk("b"))
    used = HelpDesk("a")
    used.open_ticket("it smokes", "hardware")
    assert everything(HelpDesk("a")) == everything(HelpDesk("a")) != everything(used)


def test_a_desk_has_a_few_dozen_of_everything():
    found = everything(HelpDesk())
    assert len(found["tickets"]) == 40 and len(found["machines"]) >= 24
    assert len(found["users"]) >= 24 and len(found["devices"]) >= 8


def test_the_functions_take_what_is_declared():
    functions = HelpDesk().functions()
    assert list(functions) == ROWS.tool_names == HELPDESK.tool_names
    assert ROWS.tools == HELPDESK.tools and ROWS.developer == HELPDESK.developer
    for tool in ROWS.tools:
        schema = tool["function"]["parameters"]
        inspect.signature(functions[tool["function"]["name"]]).bind(
            **{name: None for name in schema["properties"]}
        )
    assert functions.keys() > READ_ONLY


def test_read_only_changes_nothing():
    desk = HelpDesk("a")
    before = everything(desk)
    number = one(desk, "SELECT number FROM tickets")["number"]
    desk.check_ticket(number), desk.check_ticket(-1)
    assert everything(desk) == before


def test_a_ticket_that_was_opened_can_be_checked():
    desk = HelpDesk("a")
    first = desk.open_ticket("the scanner is dead", "hardware")
    second = desk.open_ticket("no network", "network", "high")
    assert second["ticket"] == first["ticket"] + 1
    assert desk.check_ticket(first["ticket"]) == {
        "found": True, "summary": "the scanner is dead", "state": "in progress",
        "technician": first["technician"], "due": first["due"],
    }  # fmt: skip
    assert desk.check_ticket(1) == {"found": False, "number": 1}


def test_urgency_decides_when():
    low, none = (
        HelpDesk("a").open_ticket("x y z", "printing", u) for u in ("low", None)
    )
    assert none["due"] < low["due"]
    high = HelpDesk("a").open_ticket("x y z", "printing", "high")
    assert re.fullmatch(r"\d\d:\d\d", high["calls_at"])


@pytest.mark.parametrize("state", ["open", "in progress", "waiting for parts",
                                   "waiting for you", "solved", "merged"])  # fmt: skip
def test_each_state_of_a_ticket_says_what_goes_with_it(state):
    desk = HelpDesk("train-001")
    number = one(desk, "SELECT number FROM tickets WHERE state = ?", state)["number"]
    shown = desk.check_ticket(number)
    extra = {"open": {"place_in_queue"}, "in progress": {"technician", "due"},
             "waiting for parts": {"part", "due"}, "waiting for you":
             {"technician", "needs"}, "solved": {"solved_on", "fix"},
             "merged": {"merged_into"}}[state]  # fmt: skip
    assert shown.keys() - {"found", "summary", "state"} == extra


def test_a_password_is_reset_once_a_day_and_never_shown():
    desk = HelpDesk("a")
    account = one(desk, "SELECT a.login, system FROM accounts a JOIN users u ON "
                  "a.login = u.login WHERE again_after IS NULL AND needs_manager = 0 AND "
                  "disabled_since IS NULL")  # fmt: skip
    user, system = account["login"], account["system"]
    first = desk.reset_password(user, system)
    assert first.keys() == {"done", "code_sent_to", "valid_minutes"} and first["done"]
    second = desk.reset_password(user, system)
    assert second["error"] == "already reset today" and not second["done"]
    assert desk.reset_password("nobody.here", system) == {
        "found": False, "user": "nobody.here"}  # fmt: skip
    assert desk.reset_password(user, "crm")["error"] == f"{user} has no crm account"


def test_a_disabled_account_stays_disabled():
    desk = HelpDesk("train-012")
    before = everything(desk)
    assert desk.reset_password("yuki.marsh", "wiki")["error"] == "account disabled"
    assert everything(desk) == before


def test_a_device_is_lent_to_one_at_a_time():
    desk, days = HelpDesk("a"), 5
    start = (desk.today + datetime.timedelta(400)).isoformat()
    count = one(desk, "SELECT count(*) n FROM devices WHERE device = 'laptop'")["n"]
    lent = [desk.lend_device("laptop", start, days) for _ in range(count)]
    assert all(r["lent"] for r in lent) and len({r["asset"] for r in lent}) == count
    last = datetime.date.fromisoformat(start) + datetime.timedelta(days - 1)
    assert {r["return_by"] for r in lent} == {last.isoformat()}
    refused = desk.lend_device("laptop", start, days)
    free = (last + datetime.timedelta(1)).isoformat()
    assert refused == {"lent": False, "error": "no laptop free then", "free_from": free}
    assert desk.lend_device("laptop", free, days)["lent"]


@pytest.mark.parametrize(
    ("device", "start", "days", "error"),
    [
        ("laptop", "2027-02-30", 1, "2027-02-30 is no date"),
        ("laptop", "next Monday", 1, "next Monday is no date"),
        ("laptop", "9999-12-31", 3, "9999-12-31 is no date"),
        ("laptop", "2020-01-01", 1, "start is in the past"),
        ("laptop", "2028-01-01", 0, "one day is the least"),
        ("laptop", "2028-01-01", 10**9, "too many days"),
        ("tablet", "2028-01-01", 1, "the pool has no tablet"),
    ],
)
def test_a_loan_that_cannot_be_is_refused_in_words(device, start, days, error):
    desk = HelpDesk("a")
    before = everything(desk)
    refused = desk.lend_device(device, start, days)
    assert not refused["lent"] and refused["error"] == error
    assert everything(desk) == before


def test_programs_go_only_where_they_can():
    desk = HelpDesk("a")
    tags = [r[0] for r in desk.database.execute("SELECT tag FROM machines")]
    program = one(desk, "SELECT name FROM programs WHERE approver IS NULL AND licences "
                  "= 2")["name"]  # fmt: skip
    has = {r[0] for r in desk.database.execute("SELECT tag FROM installs WHERE program = ?",
                                               (program,))}  # fmt: skip
    new = [tag for tag in tags if tag not in has]
    assert desk.install_software("Nonesuch", new[:1]) == {
        "found": False, "program": "Nonesuch"}  # fmt: skip
    too_few = desk.install_software(program, new[:3])
    assert too_few["error"] == "too few licences" and too_few["licences_left"] == 2
    mixed = desk.install_software(program.upper(), [new[0], *sorted(has)[:1], "XX-1"])
    assert mixed["installing_on"] == new[:1] and mixed["already_on"] == sorted(has)[:1]
    assert mixed["unknown_machines"] == ["XX-1"]
    assert desk.install_software(program, new[:1])["already_on"] == new[:1]
    assert desk.install_software(program, new[1:3])["licences_left"] == 1


@pytest.mark.parametrize("text", ["'; DROP TABLE tickets; --", '" OR 1=1', "%", "\0"])
def test_values_are_never_part_of_a_query(text):
    desk = HelpDesk("a")
    before = everything(desk)
    assert desk.reset_password(text, text) == {"found": False, "user": text}
    assert desk.install_software(text, [text]) == {"found": False, "program": text}
    assert desk.lend_device(text, text, 1)["error"] == f"the pool has no {text}"
    assert everything(desk) == before
    number = desk.open_ticket(text, "network")["ticket"]
    assert desk.check_ticket(number)["summary"] == text


def test_the_searches_find_what_is_there_and_say_so_where_nothing_is():
    functions = searches.functions("inside", "outside")
    inside, outside = functions["inside"], functions["outside"]
    assert "cage 7" in inside("where spares Flint press kept")["results"][0]["text"]
    assert "RFC 8446" in outside("TLS 1.3 published")["results"][0]["text"]
    assert outside("spares Flint press") == {
        "found": False, "query": "spares Flint press"}  # fmt: skip
    assert not inside("boiling point of acetone at sea level, degrees")["found"]


@pytest.mark.parametrize(
    "query", ["", " ", '"', "a OR b", "NEAR(x", "title:*", "-", "é"]
)
def test_a_query_is_never_an_operator(query):
    search = searches.TextSearch({"one": "nothing of it"}).search
    assert search(query) == {"found": False, "query": query}


def test_there_are_thirty_texts_of_each():
    for name in ("company_notes.txt", "public_facts.txt"):
        texts = searches.read_texts(searches.FOLDER / name)
        assert len(texts) == 30 and all(len(t) < 120 for t in texts.values())
