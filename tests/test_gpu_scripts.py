"""What travels to a GPU machine, and how its steps go on; the steps are stubs here."""

import json
import time
import zipfile

import pytest
from packaging.requirements import Requirement

import collect
import run
import steps

UNPACK = run.unpack


def wheel(folder, name, needs=(), version="1.0"):
    """A wheel of one empty module."""
    path = folder / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    lines = [f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {needed}" for needed in needs]
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(f"{name}.py", "")
        made.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", *lines]))
        made.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")  # fmt: skip
        made.writestr(f"{info}/RECORD", "")
    return path


def test_what_the_machine_lacks_and_what_that_needs(tmp_path, monkeypatch):
    needs = {
        "trl": ["datasets>=4", 'old; python_version < "3.12"', 'more; extra == "x"'],
        "datasets": ["pyarrow", "numpy>=2"], "jupyterlab": ["tornado"],
        "numpy": [], "transformers": [], "more": [],
    }  # fmt: skip
    asked_for = []

    def download(requirements, pins, python, folder):
        asked_for.extend(str(r) for r in requirements)
        return {n: wheel(tmp_path, n, needed) for n, needed in needs.items()}

    monkeypatch.setattr(collect, "download", download)
    ships = {"python": "3.12", "pyarrow": None, "numpy": "1.26", "transformers": "5.17"}
    wanted = ["trl[x]", "transformers>=5.20", "jupyterlab", "pyarrow>=21"]
    found = collect.lacking(list(map(Requirement, wanted)), ships, {}, tmp_path)
    # pyarrow is there in a version unknown, numpy and transformers in an old one.
    assert set(found) == set(needs)
    assert len(asked_for) == len(set(asked_for)) == len(needs)


def test_parts_fit_and_the_weights_come_last():
    weights = {f"{collect.WEIGHTS}{n}": 50 for n in (1, 2)}
    parts = collect.in_parts({**weights, "zstd": 30, "trl": 20, "gguf": 40}, 60)
    sizes = {**weights, "zstd": 30, "trl": 20, "gguf": 40}
    assert all(sum(sizes[name] for name in part) <= 60 for part in parts)
    assert sorted(sum(parts, [])) == sorted(sizes)
    assert [part[0] in weights for part in parts] == [False, False, True, True]
    with pytest.raises(ValueError, match="torch has 70 bytes"):
        collect.in_parts({"torch": 70}, 60)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A GPU machine of stubs: its results and what the steps did."""
    home, carried = tmp_path / "home", tmp_path / "carried"
    carried.mkdir()
    done = {"card": {"gpu": "X"}, "asked": [], "fails": set(), "home": home}
    for name, value in (("HOME", home), ("OUT", home / "out"), ("CARRIED", carried)):
        monkeypatch.setattr(run, name, value)
    monkeypatch.setattr(run, "unpack", lambda: ([], []))
    # A call's time begins with its process, and that of these tests is an old one.
    monkeypatch.setattr(run, "START", time.monotonic())

    def ask(step, env, seconds):
        if step == "card":
            return dict(done["card"])
        done["asked"].append(step)
        return {"error": "1"} if step in done["fails"] else {"seconds": seconds}

    monkeypatch.setattr(run, "ask", ask)
    monkeypatch.setattr(steps, "STEPS", {"attention": 60, "tests": 60, "trainers": 60})
    return done


def test_parts_are_unpacked_once_and_those_to_come_leave_the_first_step(
    machine, capsys, monkeypatch
):
    monkeypatch.setattr(run, "unpack", UNPACK)
    with pytest.raises(SystemExit, match="part-1 is not here"):
        run.main(9, dry=False)
    for number, name in enumerate(("one", "two"), 1):
        part = run.CARRIED / f"part-{number}"
        part.mkdir()
        wheel(part, name)
        (part / "parts.json").write_text(json.dumps({"part-1": [], "part-2": []}))
        run.main(9, dry=False)
        printed = capsys.readouterr().out
        assert f"unpacked part-{number}" in printed
        assert (run.HOME / "site" / part.name / f"{name}.py").is_file()
        if number == 1:
            assert machine["asked"] == ["attention"]
            assert "Still to come: part-2" in printed
    assert machine["asked"] == ["attention", "tests", "trainers"]
    assert "unpacked part-1" not in printed


def test_a_call_begins_nothing_that_may_take_longer_and_the_next_goes_on(machine):
    machine["fails"] = {"attention"}
    run.main(9, dry=False)
    assert machine["asked"] == ["attention", "tests", "trainers"]
    machine["fails"] = set()
    run.main(9, dry=False)  # what failed, and nothing that is done
    assert machine["asked"][3:] == ["attention"]
    steps.STEPS.update({"replies": 600, "kernels": 60})
    run.main(9, dry=False)
    assert len(machine["asked"]) == 4
    found = json.loads((machine["home"] / "out" / "gpu.json").read_text())
    assert found["run"] == {"gpu": "X"} and set(found) == {"run", "attention", "tests", "trainers"}  # fmt: skip


@pytest.mark.parametrize(("card", "again"), [("X", ["trainers"]), ("Y", None)])
def test_another_machine_goes_on_where_its_card_is_the_same(machine, card, again):
    done = {
        "run": {"gpu": "X"},
        "attention": {},
        "tests": {},
        "trainers": {"error": ""},
    }
    (run.CARRIED / "gpu.json").write_text(json.dumps(done))
    machine["card"]["gpu"] = card
    run.main(9, dry=False)
    assert machine["asked"] == (again or list(steps.STEPS))


def test_without_a_gpu_one_line(machine, capsys):
    machine["card"] = {}
    run.main(9, dry=False)
    assert machine["asked"] == []
    assert capsys.readouterr().out.splitlines()[-1].startswith("There is no CUDA GPU")


def test_a_step_that_fails_or_takes_too_long_leaves_its_reason(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "HOME", tmp_path)
    monkeypatch.setattr(run, "OUT", tmp_path)
    step = tmp_path / "steps.py"
    monkeypatch.setattr(steps, "__file__", str(step))
    step.write_text("print('words'); print('{\"seconds\": 1}')")
    assert run.ask("x", None, 60) == {"seconds": 1}
    step.write_text("raise ValueError('what is wrong')")
    assert "what is wrong" in run.ask("x", None, 60)["error"]
    step.write_text("import time; time.sleep(60)")
    assert "its time was over" in run.ask("x", None, 1)["error"]
    assert "== x\nwords" in (tmp_path / "log.txt").read_text()
