"""Drops generated rows that resemble texts which a model is judged by.

Character 3- to 5-grams, weighted by TF-IDF; a cosine of 0.5 is a near duplicate.
Needs scikit-learn, as the notebooks do.
"""

import json
import re
import zipfile

from ..workspace import ROOT

LIMIT = 0.5
_AT_ONCE = 1000  # rows: bounds the memory for the cosines


def judged_texts(wheel=None):
    """What users say in the task folders of data/, in its unseen tools and in BFCL.

    wheel: bfcl-eval's, whose questions are read; None leaves BFCL out.
    """
    files = sorted(ROOT.glob("data/*/*.jsonl"))
    texts = [
        file.read_text(encoding="utf-8")
        for file in files
        if file.parent.name != "results"
    ]
    if wheel:
        with zipfile.ZipFile(wheel) as archive:
            texts += [
                archive.read(name).decode("utf-8")
                for name in sorted(archive.namelist())
                if re.fullmatch(r"bfcl_eval/data/BFCL_\w+\.json", name)
            ]
    found = {}
    for text in texts:
        for line in text.splitlines():
            if line.startswith('{"'):  # one file of BFCL's has no rows
                found |= dict.fromkeys(_said(json.loads(line)))
    return list(found)


def _said(row):
    """What a user says in a row of a task folder or of BFCL."""
    if "user_content" in row:
        yield row["user_content"]
    turns = row.get("question") if isinstance(row.get("question"), list) else ()
    for message in [*row.get("messages", ()), *(m for turn in turns for m in turn)]:
        if message["role"] == "user" and message.get("content", "").strip():
            yield message["content"]


def without_near(rows, texts, limit=LIMIT):
    """(rows kept, [(row, the text it resembles, cosine)] of those dropped).

    rows: as rows.rows gives them; any of a row's user messages counts. texts: what
    they must not resemble. A set of which a row is dropped is shorter than others.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    said = [
        (number, message["content"])
        for number, row in enumerate(rows)
        for message in row["prompt"]
        if message["role"] == "user"
    ]
    if not said or not texts:
        return list(rows), []
    counter = TfidfVectorizer(analyzer="char", ngram_range=(3, 5), min_df=1)
    # Fitted on both: a row's own n-grams have to count in its length.
    counter.fit([*texts, *(text for _, text in said)])
    known = counter.transform(texts).T.tocsr()
    nearest = {}
    for start in range(0, len(said), _AT_ONCE):
        part = said[start : start + _AT_ONCE]
        cosines = (counter.transform([text for _, text in part]) @ known).tocsr()
        for (number, _), first, last in zip(part, cosines.indptr, cosines.indptr[1:]):
            if first == last:
                continue
            at = first + int(cosines.data[first:last].argmax())
            found = (float(cosines.data[at]), texts[cosines.indices[at]])
            if found[0] >= limit and found > nearest.get(number, (0.0, "")):
                nearest[number] = found
    kept = [row for number, row in enumerate(rows) if number not in nearest]
    dropped = [(rows[n], text, cosine) for n, (cosine, text) in nearest.items()]
    return kept, dropped
