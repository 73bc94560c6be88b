"""The frozen rows: counts, labels, families, leaks."""

import re
from collections import Counter

import pytest

from near import cosines
from toolcalling import tasks

TASK = tasks.load_task(tasks.BUILT_IN)
SPLITS = TASK.rows
EVERY = [(split, row) for split, rows in SPLITS.items() for row in rows]
CUE = re.compile(
    r"\b(our|ours|we|us|my|i|me|we're|we've|we'll|i'm|i've|i'll|company|internal"
    r"|quillhaven|here)\b",
    re.I,
)


@pytest.mark.parametrize(
    ("split", "internal", "public", "none"),
    [("train", 480, 480, 240), ("dev", 111, 69, 60), ("test", 120, 120, 60)],
)
def test_counts(split, internal, public, none):
    counts = Counter(row["tool_name"] for row in SPLITS[split])
    assert counts == {
        "search_knowledge_base": internal,
        "search_google": public,
        None: none,
    }


@pytest.mark.parametrize("size", [20, 40, 80, 160, 400, 1200])
def test_the_first_rows_of_train_are_a_balanced_subset(size):
    rows = SPLITS["train"][:size]
    counts = Counter(row["tool_name"] for row in rows)
    assert counts["search_knowledge_base"] == counts["search_google"]
    assert 0.1 < counts[None] / size < 0.25
    later = {row["family"] for row in SPLITS["train"][size:]}
    assert not later & {row["family"] for row in rows}


def test_work_areas_and_slices():
    assert len({row["family"].split("-")[0] for _, row in EVERY}) >= 15
    assert {row["slice"] for row in SPLITS["test"]} == set(TASK.slices)
    for split in ("train", "dev"):
        slices = {row["slice"] for row in SPLITS[split]}
        assert slices == set(TASK.slices) - {"paraphrase"}
    tool = [row["family"] for row in SPLITS["test"] if row["tool_name"]]
    assert (len(tool), len(set(tool))) == (240, 120)


def families():
    """{family: its rows}, paraphrases left out."""
    found = {}
    for _, row in EVERY:
        if row["slice"] != "paraphrase":
            found.setdefault(row["family"], []).append(row)
    return found


def test_families_stay_in_one_split_and_flip_the_label():
    where = {}
    for split, row in EVERY:
        where.setdefault(row["family"], set()).add(split)
    assert all(len(splits) == 1 for splits in where.values())
    sizes = Counter()
    for rows in families().values():
        names = {row["tool_name"] for row in rows}
        sizes[len(rows)] += len(rows)
        assert len(rows) in (1, 2, 3)
        assert len(rows) == 1 or names == {"search_google", "search_knowledge_base"}
    assert sizes[2] + sizes[3] > len(EVERY) / 2


def test_slices_say_what_the_words_show():
    for rows in families().values():
        cued = {row["tool_name"]: bool(CUE.search(row["user_content"])) for row in rows}
        internal, public = cued.get("search_knowledge_base"), cued.get("search_google")
        for row in rows:
            if row["tool_name"] is None:
                expected = "no_tool"
            elif len(rows) == 3:
                expected = "triple"
            elif len(rows) == 2:
                expected = "plain" if internal and not public else "contrast"
            elif row["tool_name"] == "search_google":
                expected = "cue_reversed" if public else "plain"
            else:
                expected = "plain" if internal else "cue_free"
            assert row["slice"] == expected, row


def test_paraphrases_ask_what_their_family_asks():
    originals = families()
    for split, row in EVERY:
        if row["slice"] == "paraphrase":
            assert split == "test"
            labels = {r["tool_name"] for r in originals[row["family"]]}
            assert row["tool_name"] in labels


def test_queries_keep_the_numbers_of_the_message():
    for _, row in EVERY:
        if row["tool_name"]:
            query = row["calls"][0]["arguments"]["query"]
            said = set(re.findall(r"\d+", row["user_content"]))
            assert set(re.findall(r"\d+", query)) == said, row


def test_no_duplicates_and_no_near_duplicates_across_splits():
    texts = [
        re.sub(r"\W+", " ", row["user_content"].lower()).strip() for _, row in EVERY
    ]
    assert len(set(texts)) == len(texts)
    cosine = cosines([row["user_content"] for _, row in EVERY])
    for i, (split, row) in enumerate(EVERY):
        for j, (other, twin) in enumerate(EVERY[:i]):
            assert split == other or cosine[i, j] < 0.5, (row, twin)


def test_label_cannot_be_told_by_one_cue_word():
    for rows in SPLITS.values():
        tool = [r for r in rows if r["tool_name"]]
        cued = [r for r in tool if CUE.search(r["user_content"])]
        for part in (cued, [r for r in tool if r not in cued]):
            share = sum(r["tool_name"] == "search_google" for r in part) / len(part)
            assert 0.25 < share < 0.75


def classifiers():
    """What a label could be told by without understanding."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    first = CountVectorizer(tokenizer=lambda text: text.split()[:1], token_pattern=None)
    length = FunctionTransformer(lambda texts: [[len(t.split())] for t in texts])
    return {
        "TF-IDF": make_pipeline(TfidfVectorizer(), LogisticRegression()),
        "first word": make_pipeline(first, LogisticRegression()),
        "length": make_pipeline(length, LogisticRegression()),
    }


def test_contrast_cannot_be_solved_by_words():
    train = SPLITS["train"]
    contrast = [row for row in SPLITS["test"] if row["slice"] == "contrast"]
    for name, model in classifiers().items():
        model.fit(
            [r["user_content"] for r in train], [str(r["tool_name"]) for r in train]
        )
        guesses = model.predict([row["user_content"] for row in contrast])
        right = sum(g == str(r["tool_name"]) for g, r in zip(guesses, contrast))
        assert right / len(contrast) <= 0.65, name


def test_tools_cannot_be_told_by_first_word_or_length():
    """Grouped cross-validation over all tool rows: near what guessing gives."""
    from sklearn.model_selection import GroupKFold, cross_val_score

    rows = [row for _, row in EVERY if row["tool_name"]]
    models = classifiers()
    for name, limit in (("first word", 0.6), ("length", 0.6), ("TF-IDF", 0.75)):
        scores = cross_val_score(
            models[name], [r["user_content"] for r in rows],
            [r["tool_name"] for r in rows], groups=[r["family"] for r in rows],
            cv=GroupKFold(5),
        )  # fmt: skip
        assert scores.mean() <= limit, (name, scores)
