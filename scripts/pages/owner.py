"""The repository's name in every file that gives it. Standard library only.

`owner.py owner/name` puts it in the place of the template's; a repository that has a
name of its own is left alone. .github/workflows/set-owner.yml calls it.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLACEHOLDER = "OWNER"
FILES = ("*.md", "*.cff", ".github/*.md", "docs/**/*.md", "notebooks/*.ipynb")
_REPOSITORY = re.compile(r"git clone https://github\.com/([\w.-]+/[\w.-]+)")


def repository(root=ROOT):
    """owner/name as the README's links give it."""
    return _REPOSITORY.search((root / "README.md").read_text(encoding="utf-8"))[1]


def rename(new, root=ROOT):
    """Exchange the repository's name in every file that gives it."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", new):
        raise SystemExit(f"REPO must be owner/name, not {new!r}.")
    old = repository(root)
    for pattern in FILES:
        for path in sorted(root.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(old, new), encoding="utf-8")


if __name__ == "__main__":
    if repository().partition("/")[0] == PLACEHOLDER:
        rename(sys.argv[1])
