"""The rows of data/helpdesk: counts as the data card says, and nothing in two splits."""

from collections import Counter

import pytest

from near import cosines
from toolcalling import tasks, workspace

TASK = tasks.load_task("helpdesk", log=lambda note: None)
KINDS = ("one_call", "two_calls", "ask_back", "no_tool")


@pytest.mark.parametrize("split", tasks.SPLITS)
def test_counts_are_those_of_the_data_card(split):
    rows = TASK.rows[split]
    counts = Counter(row["slice"] for row in rows)
    line = [len(rows), *(counts[kind] for kind in KINDS)]
    card = (workspace.ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert f"| `helpdesk/{split}.jsonl` | {' | '.join(map(str, line))} |" in card


def test_no_message_resembles_one_of_another_split():
    rows = [
        (split, row["user_content"]) for split in TASK.rows for row in TASK.rows[split]
    ]
    cosine = cosines([text for _, text in rows])
    for i, (split, text) in enumerate(rows):
        for j, (other, twin) in enumerate(rows[:i]):
            assert split == other or cosine[i, j] < 0.5, (text, twin)


def test_families_and_what_calls_name_stay_in_one_split():
    families, named = {}, {}
    for split, rows in TASK.rows.items():
        for row in rows:
            families.setdefault(row["family"], set()).add(split)
            for arguments in (call["arguments"] for call in row["calls"]):
                told = [arguments.get("number"), arguments.get("user")]
                for name in (*told, *arguments.get("machines", ())):
                    named.setdefault(str(name).lower(), set()).add(split)
    named.pop("none")
    assert all(len(splits) == 1 for splits in families.values())
    shared = {name: splits for name, splits in named.items() if len(splits) > 1}
    assert not shared
