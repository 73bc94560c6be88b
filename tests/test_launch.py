"""The same training with two processes, and from the command line."""

import json
import os
import subprocess
import sys

import pytest
import yaml
from datasets import Dataset, Features, Json, List, load_dataset
from trl import SFTConfig

from conftest import ROOT
from toolcalling.share import launch

FEATURES = Features({name: List(Json()) for name in ("prompt", "completion", "tools")})


@pytest.fixture(scope="module")
def rows(task):
    return {
        split: Dataset.from_list(task.conversations(split)[:16], features=FEATURES)
        for split in ("train", "dev")
    }


@pytest.fixture
def job(rows, tiny, tmp_path):
    config = SFTConfig(
        output_dir=str(tmp_path / "notebook"), learning_rate=5e-4, bf16=False,
        per_device_train_batch_size=4, max_length=512, report_to="none",
        activation_checkpointing=False, eval_strategy="epoch", logging_steps=1,
        num_train_epochs=1, completion_only_loss=True, use_cpu=True,
    )  # fmt: skip
    path = launch.write_job(
        tmp_path / "job", config, tiny, "sdpa", rows["train"], rows["dev"]
    )
    return config, path


def run(*command, **environment):
    environment = {"HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True, text=True, env=os.environ | environment, timeout=540,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_yaml_holds_the_notebooks_settings(job, rows):
    config, path = job
    written = yaml.safe_load(path.read_text())
    for name in ("learning_rate", "per_device_train_batch_size", "max_length",
                 "completion_only_loss", "eval_strategy"):  # fmt: skip
        assert written[name] == getattr(config, name), name
    assert "use_cpu" not in written and "warmup_steps" not in written
    read = load_dataset(str(path.parent / "data"), split="train")
    assert read[:] == rows["train"][:]


def test_trl_sft_trains_from_the_yaml(job):
    _, path = job
    run("-m", "trl.scripts.sft", "--config", path, "--use_cpu", "true",
        "--bf16", "false")  # fmt: skip
    model = path.parent / "model"
    state = json.loads(next(model.glob("checkpoint-*/trainer_state.json")).read_text())
    assert state["global_step"] == 4 and (model / "model.safetensors").is_file()
    assert any("eval_loss" in entry for entry in state["log_history"])


@pytest.mark.parametrize("kind", ["stock", "shared"])
def test_two_processes_get_the_loss_of_one(job, tiny, tmp_path, kind):
    script = ROOT / "tests" / "two_processes.py"
    rest = (ROOT / "notebooks", tiny, job[1].parent / "data", tmp_path / "out", kind)
    one = json.loads(run(script, *rest, 4).splitlines()[-1])
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", 2)
    two = json.loads(run(*launcher, script, *rest, 2).splitlines()[-1])
    assert (one["processes"], two["processes"]) == (1, 2)
    assert len(one["loss"]) == 4 and one["loss"][0] > one["loss"][-1]
    assert two["loss"] == pytest.approx(one["loss"], rel=1e-4)
    assert two["eval"] == pytest.approx(one["eval"], rel=1e-2)
