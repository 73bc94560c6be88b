"""Folders without dev or test file: split off by family."""

import pytest

from own_task import answer, calling, load, long, result, short, user, words, write
from toolcalling.rows.splitting import SHARE, split_by_family
from toolcalling.tasks import load_task

NO_SPLITS = {"dev": None, "test": None}


def families(task):
    return {split: {r["family"] for r in rows} for split, rows in task.rows.items()}


def test_split_by_family(tmp_path):
    rows = [
        (short(f"m{i}", title="a") if i % 2 else words(f"m{i}")) | {"family": f"f{i // 4}"}
        for i in range(80)
    ]  # fmt: skip
    said = []
    task = load_task(write(tmp_path, rows, **NO_SPLITS), log=said.append)
    own = families(task)
    assert (
        not own["train"] & own["dev"]
        | own["train"] & own["test"]
        | own["dev"] & own["test"]
    )
    assert len(task.rows["test"]) == 16 and len(task.rows["dev"]) == 12
    assert (
        sum("split by family, with a fixed seed; rows: test 16" in s for s in said) == 1
    )
    assert load(tmp_path, rows, **NO_SPLITS).rows == task.rows
    one = load(tmp_path, rows, dev=[words("x")], test=None)
    assert len(one.rows["dev"]) == 1 and len(one.rows["test"]) == 16


@pytest.mark.parametrize(
    "sizes", [(1, 1, 1), (50, 1, 1), (1, 50, 1), (1, 1, 90), (9, 9, 1)]
)
def test_every_split_gets_rows(tmp_path, sizes):
    rows = [
        words(f"{f} {i}") | {"family": f"f{f}"}
        for f, n in enumerate(sizes)
        for i in range(n)
    ]
    task = load(tmp_path, rows, **NO_SPLITS)
    assert all(task.rows.values()) and sum(map(len, task.rows.values())) == sum(sizes)


def test_same_question_never_lands_in_two_splits(tmp_path):
    rows = [words(f"m{i // 2}") | {"family": f"f{i}"} for i in range(40)]
    task = load(tmp_path, rows, **NO_SPLITS)
    said = {s: {r["user_content"] for r in rows} for s, rows in task.rows.items()}
    assert not said["train"] & said["test"] and not said["train"] & said["dev"]


@pytest.mark.parametrize(
    "rows", [[words()], [words("a"), words("a.")], [words("a"), words("b")]]
)
def test_too_few_families(tmp_path, rows):
    with pytest.raises(
        ValueError, match="too few to split off test and dev. Write more"
    ):
        load(tmp_path, rows, **NO_SPLITS)


def test_conversations_that_open_alike(tmp_path):
    rows = [
        long(user("Hi"), answer("Hello!") | {"weight": 0}, user(f"q{i}"), answer())
        for i in range(20)
    ]
    task = load(tmp_path, rows, **NO_SPLITS)
    assert len(task.rows["train"]) == 13 and len(task.rows["test"]) == 4
    greeted = [
        {
            "messages": [
                m | {"weight": 1} if m["role"] == "assistant" else m
                for m in r["messages"]
            ]
        }
        for r in rows
    ]
    with pytest.raises(ValueError, match="same message"):
        load(tmp_path, greeted[:5], dev=greeted[5:])


def test_what_rows_lack_or_bring_is_said(tmp_path):
    system = {"role": "system", "content": "Another policy."}
    rows = [
        long(system, user(f"ping {i}"), calling(("ping", {})), result(), answer())
        for i in range(6)
    ]
    said = []
    load_task(write(tmp_path, rows), log=said.append)
    told = " ".join(said)
    assert "12 rows have a system message of their own" in told
    assert "give 6 more rows" in told
    assert "no train row is due ticket." in told
    assert "no test row is due ticket, ping." in told


@pytest.mark.parametrize(
    "counts",
    [(13, 12, 9, 6), (50, 50, 50, 50), (300, 100), (40, 40, 20), (3, 30), (7, 4)],
)
def test_each_split_has_its_share_of_every_label(counts):
    placed = [
        (None, {"family": f"{label} {i}", "tool_name": label})
        for label, count in enumerate(counts)
        for i in range(count)
    ]
    parts = split_by_family(placed, ("test", "dev"), lambda example: example["family"])
    for label, count in enumerate(counts):
        own = {
            split: sum(example["tool_name"] == label for _, example in rows)
            for split, rows in parts.items()
        }
        assert min(own.values()) >= 1 and sum(own.values()) == count
        for split, share in SHARE.items():
            assert abs(own[split] - share * count) <= 1


def test_a_split_that_lacks_a_label_is_told(tmp_path):
    rows = [short(f"m{i}", title="a") for i in range(20)] + [words("x")]
    said = []
    load_task(write(tmp_path, rows, **NO_SPLITS), log=said.append)
    told = " ".join(said)
    assert "no dev row goes without a call." in told
    assert "no test row goes without a call." in told and "train row goes" not in told
