"""Colab and Kaggle, played by stand-ins with their real signatures."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import series
from conftest import ROOT
from toolcalling import models, workspace
from toolcalling.setup import bootstrap, colab_kaggle, hub_access, packages

COLAB = ROOT / "tests" / "colab_modules"
KAGGLE = ROOT / "tests" / "kaggle_modules"


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    """Neither; no token, no folders of theirs."""
    for name in ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "HF_TOKEN",
                 "TOOLCALLING_WORKSPACE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(colab_kaggle, "DRIVE", tmp_path / "drive" / "MyDrive")
    monkeypatch.setattr(colab_kaggle, "KAGGLE_OUTPUT", tmp_path / "working")


@pytest.fixture
def colab(monkeypatch):
    """google.colab's drive module, as if this were a Colab runtime."""
    monkeypatch.syspath_prepend(COLAB)
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_20260801")
    yield importlib.import_module("google.colab.drive")
    for name in [n for n in sys.modules if n.startswith("google.colab")]:
        del sys.modules[name]


@pytest.fixture
def kaggle(monkeypatch):
    """kaggle_secrets, as if this were a Kaggle session."""
    monkeypatch.syspath_prepend(KAGGLE)
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    yield importlib.import_module("kaggle_secrets")
    del sys.modules["kaggle_secrets"]


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr(packages, "check", lambda: None)
    bootstrap.prepare(drive=True)
    assert not colab_kaggle.on_colab() and not colab_kaggle.on_kaggle()
    assert "HF_TOKEN" not in os.environ
    assert workspace.base_folder() == ROOT / "artifacts"


# Drive


def test_drive_is_mounted_on_request_and_keeps_the_products(colab, monkeypatch):
    monkeypatch.setattr(packages, "check", lambda: None)
    monkeypatch.setattr(colab_kaggle, "take_token", lambda: None)
    bootstrap.prepare()
    assert not colab.mounted
    assert workspace.base_folder() == ROOT / "artifacts"
    bootstrap.prepare(drive=True)
    bootstrap.prepare(drive=True)
    assert colab.mounted == [str(colab_kaggle.DRIVE.parent)]  # once
    made = colab_kaggle.DRIVE / "toolcalling"
    assert workspace.base_folder() == made
    assert workspace.shown(made / "x") == "Drive/toolcalling/x"


def test_a_chosen_workspace_comes_before_drive(colab, monkeypatch, tmp_path):
    colab_kaggle.mount_drive()
    monkeypatch.setenv("TOOLCALLING_WORKSPACE", str(tmp_path))
    assert workspace.base_folder() == tmp_path


@pytest.mark.parametrize(
    "refusal",
    [ValueError("mount failed"), NotImplementedError("not here"), "message error"],
)
def test_a_refused_drive_says_what_to_do(colab, monkeypatch, refusal):
    if refusal == "message error":  # the reader closed the window
        refusal = importlib.import_module("google.colab.errors").Error("no credentials")
    monkeypatch.setattr(colab, "refusal", refusal)
    with pytest.raises(RuntimeError, match=r"not mounted.*USE_DRIVE = False"):
        colab_kaggle.mount_drive()


# Colab's secrets, asked from within a kernel such as Colab's


SAY_TOKEN = "import os; print('token', os.environ.get('HF_TOKEN'))"


def in_colab_kernel(code, tmp_path, secrets):
    """What the code prints in a kernel that is Colab's by class and modules."""
    outputs = run_in_colab_kernel(code, tmp_path, secrets)
    return "".join(output.get("text", "") for output in outputs)


def run_in_colab_kernel(code, tmp_path, secrets):
    spec = {"display_name": "x", "language": "python", "argv": [
        sys.executable, "-m", "colab_kernel_launcher", "-f", "{connection_file}"]}  # fmt: skip
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps(spec))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    paths = {"JUPYTER_PATH": str(tmp_path / "jupyter"), "PYTHONPATH": str(COLAB)}
    paths["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, **paths, "COLAB_RELEASE_TAG": "x", "HF_HOME": str(tmp_path),
           "COLAB_STUB_SECRETS": json.dumps(secrets)}  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", paths["JUPYTER_PATH"])
        client = NotebookClient(
            book, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        client.execute(env=env)
    return book.cells[0].outputs


TAKE = f"""
import sys
sys.path.insert(0, {str(ROOT / "notebooks")!r})
from toolcalling.setup import colab_kaggle
assert colab_kaggle.on_colab()
colab_kaggle.take_token()
{SAY_TOKEN}
"""


@pytest.mark.parametrize(
    ("secrets", "token", "words"),
    [
        ({"HF_TOKEN": " hf_x\n"}, "hf_x", ""),
        ({}, None, ""),
        ({"HF_TOKEN": None}, None, "not been granted"),
    ],
)
def test_colabs_secret_becomes_the_token(tmp_path, secrets, token, words):
    printed = in_colab_kernel(TAKE, tmp_path, secrets)
    assert f"token {token}" in printed and words in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("secrets", [{"HF_TOKEN": "hf_x"}, {}])
def test_a_notebook_run_from_colab_has_the_token_and_asks_nobody(tmp_path, secrets):
    """Its kernel can't reach the page; asking there would only time out."""
    inner = tmp_path / "inner.ipynb"
    cells = [nbformat.v4.new_code_cell(TAKE)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), inner)
    run = f"""
from toolcalling import workspace
for output in workspace.run_notebook({str(inner)!r}).cells[0].outputs:
    print("inner", output["text"])
"""
    printed = in_colab_kernel(TAKE + run, tmp_path, secrets)
    assert f"inner token {secrets.get('HF_TOKEN')}" in printed
    assert "rror" not in printed


def test_without_one_the_message_names_colabs_secrets(colab, monkeypatch):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    problem = hub_access.access_problem(models.FUNCTIONGEMMA)
    assert "no Hugging Face token" in problem and "key symbol" in problem


def test_tensorboard_shows_itself_in_a_colab_cell(tmp_path):
    """The cell of notebook 05, switched on; off, as it is, it does nothing."""
    book = series.read(series.NOTEBOOKS / "05_training_curves.ipynb")
    cells = [c.source for c in book.cells if "SHOW_TENSORBOARD = " in c.source]
    if not cells:
        pytest.skip("notebook 05 has no such cell")
    (tmp_path / "training" / "runs").mkdir(parents=True)
    lines = [
        f"import pathlib, os, signal; folder = pathlib.Path({str(tmp_path)!r})",
        cells[0].replace("SHOW_TENSORBOARD = False", "SHOW_TENSORBOARD = True"),
        "from tensorboard import manager",
        "for server in manager.get_all():",
        "    if server.logdir == str(folder / 'training' / 'runs'):",
        "        os.kill(server.pid, signal.SIGTERM); print('was up')",
    ]
    book = run_in_colab_kernel("\n".join(lines), tmp_path, {})
    scripts = [o.get("data", {}).get("application/javascript", "") for o in book]
    assert any("kernel.proxyPort" in script for script in scripts), book
    assert "was up" in "".join(o.get("text", "") for o in book)


# Kaggle


def test_kaggles_secret_becomes_the_token(kaggle, monkeypatch):
    monkeypatch.setitem(kaggle.secrets, "HF_TOKEN", "hf_x\n")
    colab_kaggle.take_token()
    assert os.environ["HF_TOKEN"] == "hf_x"
    asked = len(kaggle.asked)
    colab_kaggle.take_token()  # what is there is not asked for again
    assert len(kaggle.asked) == asked


@pytest.mark.parametrize(
    "failure", ["BackendError", "CredentialError", ConnectionError]
)
def test_no_secret_on_kaggle_is_no_error(kaggle, monkeypatch, failure):
    failure = getattr(kaggle, failure) if isinstance(failure, str) else failure
    monkeypatch.setattr(kaggle, "failure", failure("x"))
    colab_kaggle.take_token()
    assert "HF_TOKEN" not in os.environ
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    problem = hub_access.access_problem(models.FUNCTIONGEMMA)
    assert "no Hugging Face token" in problem and "Add-ons" in problem


def test_kaggle_is_not_taken_for_the_colab_it_is_built_on(kaggle, colab):
    assert colab_kaggle.on_kaggle() and not colab_kaggle.on_colab()
    colab_kaggle.mount_drive()
    assert not colab.mounted


def test_kaggle_keeps_the_products_in_its_output(kaggle):
    assert workspace.base_folder() == ROOT / "artifacts"  # no such folder here
    colab_kaggle.KAGGLE_OUTPUT.mkdir()
    made = colab_kaggle.KAGGLE_OUTPUT / "toolcalling"
    assert workspace.base_folder() == made
    assert workspace.shown(made / "x") == "working/toolcalling/x"


def test_without_a_network_kaggle_is_told_of_its_switch(kaggle, monkeypatch):
    def no_answer(*_, **__):
        raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.get_token", lambda: "hf_x")
    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", no_answer)
    assert "Switch Internet on" in hub_access.access_problem("someone/model")
    assert "Switch Internet on" in colab_kaggle.how_to_connect()


@pytest.mark.parametrize(
    ("env", "visible"),
    [
        ({}, "0"),  # of Kaggle's two T4 the first
        ({"CUDA_VISIBLE_DEVICES": "1"}, "1"),
        ({"LOCAL_RANK": "1"}, "None"),  # a launcher's process has its own
    ],
)
def test_of_two_gpus_one_is_used(env, visible):
    code = (
        "import os, sys; from toolcalling import hardware\n"
        "assert 'torch' in sys.modules\n"
        "print(os.environ.get('CUDA_VISIBLE_DEVICES'))"
    )
    clean = {k: v for k, v in os.environ.items()
             if k not in ("CUDA_VISIBLE_DEVICES", "LOCAL_RANK")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "notebooks", env={**clean, **env},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == visible, done.stderr
