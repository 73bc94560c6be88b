"""Generated rows: the same everywhere, and every label is right."""

import hashlib
import json
import re
import zipfile
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from dateutil import parser as dateutil
from scipy.stats import chisquare
from transformers.utils.chat_template_utils import render_jinja_template

from toolcalling import general
from toolcalling.calls import START_CALL, parse_reply
from toolcalling.general import catalogue, duplicates, policies, small_talk
from toolcalling.general.grammar import pools
from toolcalling.judging.arguments import argument_problems
from toolcalling.setup.embedded_model import TEMPLATE
from toolcalling.tasks import FUNCTION_CALLING

SHARES = {
    "one": 0.13, "near": 0.19, "swapped": 0.10, "taken": 0.11, "talk": 0.12,
    "ask": 0.07, "answered": 0.03, "several": 0.07, "response": 0.06, "policy": 0.12,
}  # fmt: skip
CALLING = {"one", "near", "swapped", "answered", "several"}


@pytest.fixture(scope="module")
def made():
    return general.rows(7, 5000)


def calls(row):
    tool_calls = row["completion"][0].get("tool_calls", ())
    return [call["function"] for call in tool_calls]


def said_by_user(row):
    return [m["content"] for m in row["prompt"] if m["role"] == "user"]


def message(row):
    return said_by_user(row)[-1]


def declared(row):
    return {tool["function"]["name"]: tool["function"] for tool in row["tools"]}


def test_the_same_rows_for_the_same_seed_everywhere():
    rows = general.rows(1, 64)
    assert rows == general.rows(1, 64) != general.rows(2, 64)
    text = json.dumps(rows, sort_keys=True, ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "7fcd92e000941e57"


def test_two_hundred_tools_of_twenty_five_fields_each_named_once():
    tools = catalogue.tools()
    assert len(tools) >= 200 and len({tool.field for tool in tools}) >= 25
    names = Counter(word for tool in tools for word in tool.words)
    assert max(names.values()) == 1
    assert {len(tool.parameters) for tool in tools} == set(range(7))
    kinds = {p.spec.split()[0] for tool in tools for p in tool.parameters}
    assert {"text", "int", "num", "bool", "enum", "date", "list", "obj"} <= kinds


def test_shares_are_as_asked(made):
    found = Counter(row["kind"] for row in made)
    for kind, share in SHARES.items():
        assert abs(found[kind] / len(made) - share) < 0.005, kind
    other = general.rows(3, 400, policy=0, taken=0, talk=1.0)
    found = Counter(row["kind"] for row in other)
    assert not found["policy"] + found["taken"]
    assert abs(found["talk"] / 400 - 1 / 1.65) < 0.01
    with pytest.raises(ValueError, match="negative"):
        general.rows(1, 8, talk=-1)


@pytest.mark.parametrize("count", [0, 1, 3, 8, 9, 17, 50])
def test_any_count(count):
    assert len(general.rows(4, count)) == count


def test_eight_rows_stand_together_and_share_a_prompts_beginning(made):
    sets = defaultdict(list)
    for row in made:
        sets[row["set"]].append(row)
    assert {len(rows) for rows in sets.values()} == {8}
    assert [row["set"] for row in made] == [
        name for name, rows in sets.items() for _ in rows
    ]
    for rows in sets.values():
        assert all(row["tools"] == rows[0]["tools"] for row in rows)
        assert all(row["prompt"][0] == rows[0]["prompt"][0] for row in rows)
        assert 1 <= len(rows[0]["tools"]) <= 8
    assert {len(rows[0]["tools"]) for rows in sets.values()} == set(range(1, 9))


def test_renders_and_reads_back_and_is_allowed(made):
    source = TEMPLATE.read_text()
    for row in made[:1500]:
        assert row["prompt"][0]["role"] == "developer"
        assert row["prompt"][0]["content"].startswith(FUNCTION_CALLING)
        both = render_jinja_template(
            conversations=[row["prompt"], row["prompt"] + row["completion"]],
            tools=row["tools"], chat_template=source, bos_token="<bos>",
            add_generation_prompt=False,
        )[0]  # fmt: skip
        prompt, whole = both
        assert whole.startswith(prompt)
        reply = whole[len(prompt) :].removeprefix("<start_of_turn>model\n")
        read = parse_reply(reply)
        assert not read.problems
        due = [(call["name"], call["arguments"]) for call in calls(row)]
        assert [(c.name, c.arguments) for c in read.calls] == due
        assert bool(read.content.strip()) == (not due)
        assert (START_CALL in reply) == bool(due)


def test_arguments_are_allowed_and_complete(made):
    for row in made:
        for call in calls(row):
            schema = declared(row)[call["name"]]["parameters"]
            assert not argument_problems(call["arguments"], schema), row
            assert set(schema.get("required", ())) <= call["arguments"].keys()


# ---- every value is in the message, or what the message says instead ----


def options(kind):
    """{value of an enum, upper case too: what people say for it} over the catalogue."""
    found = defaultdict(set)
    parameters = [p for tool in catalogue.tools() for p in tool.parameters]
    parameters += [p for family in policies.families() for p in family.parameters]
    for parameter in parameters:
        spec = parameter.spec.removeprefix("list ")
        if spec.startswith(f"{kind} "):
            for option in spec.removeprefix(f"{kind} ").split(";"):
                value, _, words = option.partition("=")
                said = {w.strip() for w in words.split("/") if w.strip()}
                found[value.strip()] |= said or {value.strip().replace("_", " ")}
    return found


ENUMS = options("enum")
YES, NO = set(), set()
for _tool in catalogue.tools():
    for _p in _tool.parameters:
        if _p.spec.startswith("bool "):
            _yes, _, _no = _p.spec.removeprefix("bool ").partition(";")
            YES |= {word.strip() for word in _yes.split("/")}
            NO |= {word.strip() for word in _no.split("/")}
NUMBERS = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6,
    "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12,
    "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "seventeen": 17,
    "eighteen": 18, "nineteen": 19, "twenty": 20,
}  # fmt: skip
WEEKDAYS = [
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]  # fmt: skip
MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August",
    "September", "October", "November", "December",
]  # fmt: skip
CODES = defaultdict(set)
for _pool in ("language", "currency", "country"):
    for _entry in pools()[_pool]:
        _words, _code = (part.strip() for part in _entry.split(","))
        CODES[_words] |= {_words, _code}


def number_in(words):
    """The number that words begin with, digits or not; halves too."""
    words = words.lower().replace("€", "").replace("£", "").replace("$", "").strip()
    if digits := re.match(r"-?\d+(\.\d+)?", words):
        return float(digits[0])
    first = words.split()[0]
    if first in NUMBERS:
        return NUMBERS[first] + 0.5 * ("and a half" in words)
    return None


def minutes_in(words):
    """A duration in minutes."""
    words = words.lower()
    if words == "half an hour":
        return 30
    if words == "a quarter of an hour":
        return 15
    if words == "an hour and a half":
        return 90
    total = 0
    for count, unit in re.findall(r"(\w+)(?: and a half)? (h\b|hour|min)", words):
        number = 1 if count in ("an", "one") else NUMBERS.get(count)
        total += (int(count) if number is None else number) * (
            1 if unit == "min" else 60
        )
    return total + 30 * ("and a half hours" in words)


def clock_in(words):
    """A time of day as HH:MM."""
    words = words.lower()
    if words == "noon":
        return "12:00"
    if found := re.match(r"(?:(half|quarter) (past|to) )?(\w+) in the (\w+)", words):
        part, way, face, when = found.groups()
        hour = NUMBERS[face] % 12
        minutes = {"half": 30, "quarter": 15, None: 0}[part]
        total = hour * 60 + (minutes if way != "to" else -minutes)
        # "Quarter to one" is said of the hour that it still is.
        late = when != "morning"
        return f"{total % 720 // 60 + 12 * late:02d}:{total % 60:02d}"
    return dateutil.parse(words).strftime("%H:%M")


def day_in(words, today):
    """A day; today is the date that the conversation tells, or None."""
    words = words.lower().removeprefix("on ")
    near = {"today": 0, "tomorrow": 1, "yesterday": -1}
    if words in near:
        return today + timedelta(near[words])
    if found := re.fullmatch(r"(?:in )?(\w+) days( ago)?", words):
        count = NUMBERS.get(found[1]) or int(found[1])
        return today + timedelta(-count if found[2] else count)
    name = words.split()[-1]
    if name in WEEKDAYS:
        way = -1 if words.startswith("last") else 1
        return next(
            day for n in range(1, 8)
            if (day := today + timedelta(way * n)).weekday() == WEEKDAYS.index(name)
        )  # fmt: skip
    if re.fullmatch(r"\d{4}-\d\d-\d\d", words):
        return date.fromisoformat(words)
    default = None if today is None else dateutil.parse(f"{today.year}-01-01")
    assert today is not None or re.search(r"\d{4}", words), words
    words = words.replace("the ", "").replace(" of ", " ")
    return dateutil.parse(words, default=default, dayfirst=True).date()


def written_days(value):
    """The days that a written date can mean, in the formats that are told."""
    for pattern, order in (
        (r"(\d{4})-(\d\d)-(\d\d)", "ymd"), (r"(\d{4})(\d\d)(\d\d)", "ymd"),
        (r"(\d\d)/(\d\d)/(\d{4})", "dmy"), (r"(\d\d)\.(\d\d)\.(\d{4})", "dmy"),
        (r"(\d\d)/(\d\d)/(\d{4})", "mdy"),
    ):  # fmt: skip
        if found := re.fullmatch(pattern, value):
            parts = dict(zip(order, map(int, found.groups())))
            if parts["m"] <= 12:
                yield date(parts["y"], parts["m"], parts["d"])
    if re.fullmatch(r"\d{1,2} [A-Z][a-z]+ \d{4}", value):
        yield dateutil.parse(value).date()


def told_day(row):
    """The date in the developer message, or None."""
    text = row["prompt"][0]["content"].splitlines()[-1]
    if found := re.search(r"\d{4}-\d\d-\d\d", text):
        return date.fromisoformat(found[0])
    if re.match(r"Today is|It is [A-Z][a-z]+day", text):
        return dateutil.parse(text.split(",", 1)[1].rstrip(".")).date()
    return None


def grounded(value, words, schema, row):
    """Do the words in the message say this value, as its description wants it?"""
    note = schema.get("description", "").lower()
    if isinstance(value, bool):
        return words.lower() in {w.lower() for w in (YES if value else NO)}
    if isinstance(value, (int, float)):
        if re.search(r"in (minutes|hours|seconds)", note) and minutes_in(words):
            unit = re.search(r"in (minutes|hours|seconds)", note)[1]
            times = {"minutes": 1, "hours": 1 / 60, "seconds": 60}[unit]
            if abs(minutes_in(words) * times - value) < 1e-6:
                return True
        if words.removeprefix("in ") in MONTHS:
            return MONTHS.index(words.removeprefix("in ")) + 1 == value
        number = number_in(words)
        times = [1]
        if "%" in words or "percent" in words:
            times = [0.01] if re.search(r"fraction|between 0 and 1", note) else [1]
        elif re.search(r"in (cents|pence)", note):
            times = [100]
        elif re.search(r"in (grams|millilitres)\b", note) and re.search(
            r"kg|kilo|\bl\b|litre", words
        ):
            times = [1000] if not re.search(r"\bml\b|milli", words) else [1]
        elif re.search(r"in centimetres", note) and re.search(
            r"\d m\b|\bmetres?\b", words
        ):
            times = [100]
        elif re.search(r"in metres", note) and re.search(r"km|kilometre", words):
            times = [1000]
        return number is not None and any(abs(number * t - value) < 1e-6 for t in times)
    if isinstance(value, list):
        inner = {**schema.get("items", {}), "description": note}
        parts = re.split(r", | and | & ", words)
        if len(parts) == len(value):
            return all(grounded(v, p, inner, row) for v, p in zip(value, parts))
        return all(str(v).lower() in words.lower() for v in value)
    if isinstance(value, dict):
        parts = re.split(r"[(),]| in | by | over | (?=\d)", words)
        parts += re.findall(r"\d+(?:\.\d+)?(?: \w+)?", words)
        return all(
            any(
                grounded(v, part.strip(), schema["properties"][key], row)
                for part in parts
                if part.strip()
            )
            for key, v in value.items()
        )
    if words.lower() in {w.lower() for w in ENUMS.get(value.lower(), ())}:
        return True
    plain, low = value.lower(), words.lower().removeprefix("on ").removeprefix("in ")
    low = re.sub("^(the|an?) (?=[^ ])", "", low) if plain != low else low
    if plain == low or (low in plain and re.fullmatch(r"[a-z]+-?\d+", plain)):
        return True  # a code, whose beginning only the description tells
    if low[:3] == plain and low in WEEKDAYS:
        return True
    if ", " in value:
        last, first = value.split(", ", 1)
        if (
            f"{first} {last}".lower() == low
            or last.lower() == re.split(r",| in ", low)[0]
        ):
            return True
    if value in CODES.get(words, ()):
        return True
    if re.sub(r"[^a-z0-9]+", "-", low.replace("'", "")).strip("-") == plain:
        return True
    days = list(written_days(value))
    if days:
        return day_in(words, told_day(row)) in days
    if re.fullmatch(r"\d\d:?\d\d|\d{1,2}:\d\d [AP]M", value):
        wanted = value if ":" in value else f"{value[:2]}:{value[2:]}"
        return clock_in(words) == dateutil.parse(wanted).strftime("%H:%M")
    return False


def ungrounded(row):
    """[(name, value, words)] of arguments that the message does not say."""
    text = " ".join(said_by_user(row)).lower()
    found = []
    for number, call in enumerate(calls(row)):
        schema = declared(row)[call["name"]]["parameters"]["properties"]
        for name, value in call["arguments"].items():
            words = row["said"].get(f"{number}.{name}")
            said = words is not None and words.lower() in text
            if not said or not grounded(value, words, schema[name], row):
                found.append((name, value, words))
    return found


def test_every_value_is_said_in_the_message(made):
    for row in made:
        assert not ungrounded(row), (ungrounded(row), row["prompt"], calls(row))
        keys = {f"{n}.{a}" for n, c in enumerate(calls(row)) for a in c["arguments"]}
        assert row["said"].keys() == keys


def test_an_article_of_a_message_is_not_of_the_value(made):
    """People say "the Puffin", and the boat's name is Puffin. Titles keep theirs."""
    said = [
        (words, call["arguments"][name])
        for row in made for n, call in enumerate(calls(row))
        for name in call["arguments"]
        if (words := row["said"][f"{n}.{name}"]).startswith(("the ", "a ", "an "))
        and isinstance(call["arguments"][name], str)
    ]  # fmt: skip
    assert len(said) > 50
    assert not [v for _, v in said if v.startswith(("the ", "a ", "an "))]


def test_a_value_that_is_not_said_is_seen(made):
    """The check above can fail: exchanged, foreign and wrongly formatted values."""
    seen = tried = 0
    for row in made[:1500]:
        for call in calls(row):
            for name, value in call["arguments"].items():
                changed = {
                    str: lambda v: v[::-1] + "x", bool: lambda v: not v,
                    int: lambda v: v + 1, float: lambda v: v + 0.3,
                    list: lambda v: [*v, v[0]], dict: lambda v: dict.fromkeys(v, 7),
                }[type(value)](value)  # fmt: skip
                call["arguments"][name] = changed
                tried += 1
                seen += bool(ungrounded(row))
                call["arguments"][name] = value
    assert tried > 1500 and seen / tried > 0.98


# ---- each kind ----


def test_ask_back_rows_lack_what_is_asked_for(made):
    rows = [row for row in made if row["kind"] == "ask"]
    assert len(rows) > 300
    for row in rows:
        assert not calls(row) and row["completion"][0]["content"].strip()
    nouns = {
        p.noun for tool in catalogue.tools() for p in tool.parameters if p.required
    }
    for row in rows:
        reply = row["completion"][0]["content"].lower()
        assert any(
            noun.lower() in reply or noun.removeprefix("number of ").lower() in reply
            for noun in nouns
        ), reply


def test_a_late_value_is_in_the_second_message_only(made):
    for row in made:
        if row["kind"] == "answered":
            first, last = said_by_user(row)
            late = [w for w in row["said"].values() if w.lower() not in first.lower()]
            assert len(calls(row)) == 1
            assert any(w in last for w in row["said"].values())
            assert len(late) <= 1
            roles = [m["role"] for m in row["prompt"]]
            assert roles == ["developer", "user", "assistant", "user"]


def test_no_call_where_none_is_due(made):
    for row in made:
        due = calls(row)
        if row["kind"] in ("taken", "talk", "ask", "response"):
            assert not due and row["completion"][0]["content"].strip()
        if row["kind"] in CALLING:
            assert len(due) == 1 or (row["kind"] == "several" and len(due) in (2, 3))


def test_what_is_declined_is_not_declared(made):
    """The words of the request belong to a tool that none of those shown is."""
    by_says = {says.rstrip("."): t for t in catalogue.tools() for says in t.says}
    specific = 0
    for row in made:
        if row["kind"] != "taken":
            continue
        reply = row["completion"][0]["content"].lower()
        shown = " ".join(t["function"]["description"] for t in row["tools"]).lower()
        for says, tool in by_says.items():
            if says.lower() in reply:
                specific += 1
                assert not any(s.rstrip(".").lower() in shown for s in tool.says)
    assert specific > 100


def test_near_rows_have_neighbours_and_others_have_none(made):
    field = {s: t.field for t in catalogue.tools() for s in t.says}

    def fields(row):
        return [
            next(
                (f for s, f in field.items() if s.rstrip(".").lower()
                 in t["function"]["description"].lower()), None)
            for t in row["tools"]
        ]  # fmt: skip

    for row in made:
        if row["kind"] in ("near", "one"):
            names = [t["function"]["name"] for t in row["tools"]]
            every = fields(row)
            own = every[names.index(calls(row)[0]["name"])]
            assert own and (every.count(own) > 1) == (row["kind"] == "near")


def test_swapped_rows_exchange_two_values(made):
    sets = defaultdict(list)
    for row in made:
        if row["kind"] == "swapped":
            sets[row["set"]].append(calls(row)[0])
    exchanged = pairs = 0
    for found in sets.values():
        for first, second in zip(found[::2], found[1::2]):
            pairs += 1
            assert first["name"] == second["name"]
            values = [json.dumps(v) for v in first["arguments"].values()]
            others = second["arguments"]
            changed = [
                name for name, value in first["arguments"].items()
                if name in others and others[name] != value
            ]  # fmt: skip
            exchanged += len(changed) == 2 and len(values) >= 2
    assert pairs > 200 and exchanged / pairs > 0.6


def test_positions_say_nothing(made):
    for size in range(2, 9):
        counts = [0] * size
        for row in made:
            names = [tool["function"]["name"] for tool in row["tools"]]
            if len(names) == size and row["kind"] in CALLING and len(calls(row)) == 1:
                counts[names.index(calls(row)[0]["name"])] += 1
        assert chisquare(counts).pvalue > 1e-4, (size, counts)


def test_messages_hardly_repeat(made):
    counts = Counter(message(row).lower() for row in made if row["kind"] != "answered")
    total = sum(counts.values())
    assert sum(n - 1 for n in counts.values()) / total < 0.02
    talk = [message(row) for row in made if row["kind"] == "talk"]
    assert len(set(talk)) / len(talk) > 0.9
    assert len(small_talk.lines()) > 60


def test_answers_come_from_the_response(made):
    told = 0
    for row in made:
        if row["kind"] != "response":
            continue
        tool = row["prompt"][-1]
        assert tool["role"] == "tool" and tool["name"] in declared(row)
        answer = row["completion"][0]["content"]
        known = " ".join([*said_by_user(row), json.dumps(tool["content"])]).lower()
        numbers = re.findall(r"\d+(?:[.:]\d+)*", answer)
        assert all(number in known for number in numbers), (answer, known)
        told += bool(numbers)
    assert told > 100


def test_policies_decide(made):
    """The same words before a decisive value go to both tools, by the message alone."""
    rows = [row for row in made if row["kind"] == "policy"]
    sets = defaultdict(set)
    for row in rows:
        names = [call["name"] for call in calls(row)]
        sets[row["set"]] |= {n for n in names if n in row["prompt"][0]["content"]}
    assert sum(len(names) == 2 for names in sets.values()) / len(sets) > 0.95
    assert len(policies.families()) >= 15
    none = sum(not calls(row) for row in rows) / len(rows)
    assert 0.1 < none < 0.3


def test_limits_and_lists_of_a_policy_are_kept():
    """What the developer message says is what the rows do, read back from it."""
    families = {w: f for f in policies.families() for s in "AB" for w in f.words[s]}
    kept = Counter()
    for row in general.rows(11, 4800, **dict.fromkeys(SHARES, 0) | {"policy": 1}):
        text = row["prompt"][0]["content"]
        rule = re.search(r"Use (\S+) for (.+?) and (\S+) for (.+?)[.\n]", text)
        for call in calls(row) if rule else ():
            family = families.get(call["name"].split(".")[-1])
            if family is None or family.split[0] not in ("over", "list"):
                continue
            key = family.split[1].split()[0]
            words = next(p.words for p in family.parameters if p.key == key)
            value = next(v for k, v in call["arguments"].items() if k in words)
            own = rule[2] if call["name"] == rule[1] else rule[4]
            if family.split[0] == "list":
                assert value in own, (text, call)
            else:
                limit = int(re.search(r"\d+", own)[0])
                below = re.search("up to|at most|or less|or before|or younger", own)
                assert (value <= limit) == bool(below), (text, call)
            kept[family.split[0]] += 1
    assert kept["list"] > 20 and kept["over"] > 20


def test_names_tell_nothing_only_later_and_seldom():
    rows = general.rows(5, 8000, empty_names=0.1)
    empty = [
        bool(re.fullmatch(r"[a-z]+_?\d+", row["tools"][0]["function"]["name"]))
        for row in rows
    ]
    early, late = sum(empty[:1600]) / 1600, sum(empty[-1600:]) / 1600
    assert early < 0.08 < late < 0.4


# ---- near duplicates ----


def test_near_duplicates_are_dropped_and_reported():
    rows = general.rows(6, 64)
    kept, dropped = duplicates.without_near(rows, ["Nothing like any of them, surely."])
    assert kept == rows and not dropped
    copied = message(rows[10])
    kept, dropped = duplicates.without_near(rows, ["something else", copied + "!"])
    assert rows[10] not in kept and len(kept) + len(dropped) == 64
    assert any(r is rows[10] and text == copied + "!" and cosine > 0.8
               for r, text, cosine in dropped)  # fmt: skip


def test_what_is_judged_with_is_read(tmp_path):
    texts = duplicates.judged_texts()
    assert len(texts) > 1000 and "Play Miles Davis." in texts
    said = [[{"role": "user", "content": "How far is the moon?"}]]
    with zipfile.ZipFile(tmp_path / "bfcl.whl", "w") as wheel:
        row = json.dumps({"id": "a", "question": said})
        wheel.writestr("bfcl_eval/data/BFCL_v4_simple.json", row + "\n{\n")
    more = duplicates.judged_texts(tmp_path / "bfcl.whl")
    assert set(more) - set(texts) == {"How far is the moon?"}


def test_hardly_any_row_resembles_what_is_judged_with(made):
    texts = duplicates.judged_texts()
    _, dropped = duplicates.without_near(made[:2000], texts)
    assert len(dropped) / 2000 < 0.01
