"""The Berkeley Function-Calling Leaderboard's questions, as they lie in its package.

bfcl-eval's wheel carries them (Apache 2.0; ShishirPatil/gorilla). It is fetched when
asked for and read as an archive: nothing of it is installed, trained on or tuned to.
"""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

from ..calls import neutralise
from ..tasks import FUNCTION_CALLING
from ..workspace import ROOT

PACKAGE = "bfcl-eval==2026.3.23"
FOLDER = ROOT / "artifacts" / "bfcl"
PARTS = (
    "simple_python", "multiple", "parallel", "irrelevance", "live_simple",
    "live_multiple",
)  # fmt: skip
# BFCL's names of types, as JSON schema has them; "any" is left out.
_TYPES = {"dict": "object", "float": "number", "tuple": "array", "any": None}


def fetch(folder=FOLDER):
    """Path of bfcl-eval's wheel, from the package index on first use.

    RuntimeError with pip's last line where it can't be had.
    """
    folder = Path(folder)
    if not (found := sorted(folder.glob("bfcl_eval-*.whl"))):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        done = subprocess.run(
            [*pip, "--dest", str(folder), PACKAGE], capture_output=True, text=True
        )
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["pip failed"]
            raise RuntimeError(f"{PACKAGE} can't be had: {last[0]}")
        found = sorted(folder.glob("bfcl_eval-*.whl"))
    return found[0]


def load_part(part, wheel=None):
    """[{"id", "prompt", "tools", "accepted"}] of one of PARTS, in BFCL's order.

    accepted: as matching.check takes them; empty where no call is due.
    """
    with zipfile.ZipFile(wheel or fetch()) as archive:
        rows = _lines(archive, f"bfcl_eval/data/BFCL_v4_{part}.json")
        due = {}
        if "irrelevance" not in part:
            name = f"bfcl_eval/data/possible_answer/BFCL_v4_{part}.json"
            due = {r["id"]: r["ground_truth"] for r in _lines(archive, name)}
    return [
        {
            "id": row["id"],
            "prompt": [
                {"role": "developer", "content": FUNCTION_CALLING},
                *(
                    {"role": _role(m["role"]), "content": neutralise(m["content"])}
                    for m in row["question"][0]
                ),
            ],
            "tools": [_tool(function) for function in row["function"]],
            "accepted": [
                {"name": name, "arguments": arguments}
                for call in due.get(row["id"], ())
                for name, arguments in call.items()
            ],
        }
        for row in rows
    ]


def _lines(archive, name):
    text = archive.read(name).decode("utf-8")
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _role(role):
    """The chat template knows no second developer turn: instructions are the user's."""
    return "user" if role == "system" else role


def _tool(function):
    parameters = _schema(function["parameters"])
    return {
        "type": "function",
        "function": {
            "name": function["name"],
            "description": function["description"],
            "parameters": parameters,
        },
    }


def _schema(schema):
    """BFCL's schema with JSON schema's names of types."""
    found = dict(schema)
    if "type" in found:
        found["type"] = _TYPES.get(found["type"], found["type"])
        if found["type"] is None:
            del found["type"]
    if "properties" in found:
        found["properties"] = {
            name: _schema(inner) for name, inner in found["properties"].items()
        }
    if isinstance(found.get("items"), dict):
        found["items"] = _schema(found["items"])
    return found
