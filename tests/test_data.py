"""The frozen rows: counts, labels, families, leaks."""

import json
import re
from collections import Counter

import pytest

from toolcalling import conversations as c
from toolcalling.evaluation import argument_problem

SPLITS = c.load_splits()
EVERY = [(split, row) for split, rows in SPLITS.items() for row in rows]
CUE = re.compile(
    r"\b(our|ours|we|us|my|i|me|we're|we've|we'll|i'm|i've|i'll|company|internal"
    r"|quillhaven|here)\b",
    re.I,
)


@pytest.mark.parametrize(
    ("split", "internal", "public", "none"),
    [("train", 62, 62, 36), ("dev", 17, 17, 6), ("test", 70, 70, 20)],
)
def test_counts(split, internal, public, none):
    counts = Counter(row["tool_name"] for row in SPLITS[split])
    assert counts == {
        "search_knowledge_base": internal,
        "search_google": public,
        None: none,
    }


def test_work_areas_and_slices():
    assert len({row["family"].split("-")[0] for _, row in EVERY}) >= 15
    for rows in SPLITS.values():
        assert {row["slice"] for row in rows} == set(c.SLICES)


def test_arguments_fit_the_schemas(tools):
    schemas = {t["function"]["name"]: t["function"]["parameters"] for t in tools}
    for _, row in EVERY:
        if row["tool_name"]:
            arguments = json.loads(row["tool_arguments"])
            assert argument_problem(arguments, schemas[row["tool_name"]]) is None


def test_families_stay_in_one_split_and_pairs_flip():
    where, labels = {}, {}
    for split, row in EVERY:
        where.setdefault(row["family"], set()).add(split)
        labels.setdefault(row["family"], []).append(row["tool_name"])
    assert all(len(splits) == 1 for splits in where.values())
    pairs = [names for names in labels.values() if len(names) > 1]
    assert all(
        sorted(names) == ["search_google", "search_knowledge_base"] for names in pairs
    )
    assert 2 * len(pairs) > len(EVERY) / 2


def test_slices_say_what_the_words_show():
    for _, row in EVERY:
        cue = bool(CUE.search(row["user_content"]))
        if row["slice"] == "cue_free":
            assert row["tool_name"] == "search_knowledge_base" and not cue, row
        if row["slice"] == "cue_reversed":
            assert row["tool_name"] == "search_google" and cue, row
        assert (row["slice"] == "no_tool") == (row["tool_name"] is None)


def test_queries_keep_the_numbers_of_the_message():
    for _, row in EVERY:
        if row["tool_name"]:
            query = json.loads(row["tool_arguments"])["query"]
            said = set(re.findall(r"\d+", row["user_content"]))
            assert set(re.findall(r"\d+", query)) <= said, row


def test_no_duplicates_and_no_near_duplicates_across_splits():
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = [
        re.sub(r"\W+", " ", row["user_content"].lower()).strip() for _, row in EVERY
    ]
    assert len(set(texts)) == len(texts)
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5)).fit_transform(
        row["user_content"].lower() for _, row in EVERY
    )
    cosine = (vectors @ vectors.T).toarray()
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
