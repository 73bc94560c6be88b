"""A tiny random Gemma 3 with the real tokenizer, so that tests take minutes."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [
    str(ROOT / folder)
    for folder in ("notebooks", "scripts", "scripts/gpu", "scripts/pages")
]


def pytest_ignore_collect(collection_path, config):
    """tests/browser has requirements of its own: only where it is asked for."""
    if collection_path.name == "browser":
        return not any("browser" in argument for argument in config.args) or None


@pytest.fixture(scope="session")
def embedded():
    """Folder of the embedded model, made on first use (about a minute)."""
    from filelock import FileLock

    from toolcalling.setup.embedded_model import embedded_model

    with FileLock(Path(tempfile.gettempdir(), "toolcalling-embedded.lock")):
        return embedded_model()  # once, whichever of the test processes is first


def shrink_tokenizer(folder, keep=6144):
    """Cut a tokenizer.json to its first ids and the ASCII characters.

    On a CPU the loss is taken over the whole vocabulary at every position; with
    262,144 entries even a tiny model would train for minutes. Returns the size.
    """
    path = folder / "tokenizer.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    vocab = {t: i for t, i in data["model"]["vocab"].items() if i < keep}
    for character in [chr(i) for i in range(33, 127)] + ["\u2581"]:
        vocab.setdefault(character, len(vocab))
    data["model"]["vocab"] = vocab
    data["model"]["merges"] = [
        [a, b]
        for a, b in data["model"]["merges"]
        if a in vocab and b in vocab and a + b in vocab
    ]
    data["added_tokens"] = [t for t in data["added_tokens"] if t["id"] < keep]
    path.write_text(json.dumps(data), encoding="utf-8")
    return len(vocab)


@pytest.fixture(scope="session")
def tiny(embedded, tmp_path_factory):
    """Folder of a random two-layer Gemma 3 with a cut of the embedded tokenizer."""
    return make_tiny(embedded, tmp_path_factory.mktemp("model"))


def make_tiny(embedded, parent):
    """The same, made in a folder of one's own."""
    import torch
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    torch.manual_seed(0)
    folder = parent / "tiny-random-gemma3"
    folder.mkdir()
    for file in embedded.glob("*"):
        if file.name.startswith("tokenizer") or file.suffix == ".jinja":
            shutil.copy(file, folder)
    config = Gemma3TextConfig(
        vocab_size=shrink_tokenizer(folder),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
        query_pre_attn_scalar=8,
        sliding_window=64,
        layer_types=["sliding_attention", "full_attention"],
    )
    Gemma3ForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def executed(tiny, tmp_path_factory):
    """The workspace after `record.py run` on the tiny model, and what it printed."""
    space = tmp_path_factory.mktemp("space")
    env = {**os.environ, "TOOLCALLING_MODEL": str(tiny),
           "TOOLCALLING_WORKSPACE": str(space), "TOOLCALLING_EPOCHS": "1"}  # fmt: skip
    command = [sys.executable, str(ROOT / "scripts" / "record.py"), "run"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return space, done.stdout


@pytest.fixture(scope="session")
def tiny_loaded(tiny):
    """(model, tokenizer, hardware) of the tiny model."""
    from toolcalling import hardware, models

    machine = hardware.detect()
    return *models.load_model(tiny, machine), machine


@pytest.fixture(scope="session")
def taught(tiny, tmp_path_factory):
    """A folder as notebook 04 saves it, of a tiny model that knows taught.TURNS."""
    import taught
    from toolcalling import hardware, models

    model, tokenizer = models.load_model(tiny, hardware.detect())
    taught.teach(model, tokenizer)
    folder = tmp_path_factory.mktemp("taught") / "finetuned"
    models.save_model(model, tokenizer, folder, {"base": "tiny"})
    return folder


@pytest.fixture(scope="session")
def task():
    """The built-in task."""
    from toolcalling import tasks

    return tasks.load_task(tasks.BUILT_IN)


@pytest.fixture(scope="session")
def tools(task):
    return list(task.tools)


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: about half a minute; -m 'not slow'")
