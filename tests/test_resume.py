"""A training that was stopped goes on, and ends as if it had not been."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from transformers import TrainerCallback
from trl import SFTConfig

from toolcalling import models, tasks, training

MADE_OF = {"data": "abc", "learning_rate": 5e-4}


class Stop(TrainerCallback):
    """Ends the session while the second epoch runs."""

    def on_step_begin(self, args, state, control, **_):
        if state.global_step == 3:
            raise KeyboardInterrupt


@pytest.fixture
def train(tiny, task, tmp_path):
    """train(folder, *callbacks) -> (model, pick): two epochs of 16 rows, or what
    is left of them."""
    rows = {s: task.rows[s][:n] for s, n in (("train", 16), ("dev", 4), ("test", 4))}
    few = replace(task, rows=rows)
    machine = SimpleNamespace(device="cpu", bf16=False, attention="sdpa")

    def run(name, *callbacks):
        model, tokenizer = models.load_model(models.choose_model(str(tiny)), machine)
        data = [tasks.dataset(few.conversations(s)) for s in ("train", "dev")]
        data[0] = data[0].add_column("family", [r["family"] for r in rows["train"]])
        folder = tmp_path / name
        config = SFTConfig(
            output_dir=str(folder), save_strategy="epoch", save_total_limit=1,
            eval_strategy="epoch", num_train_epochs=2, learning_rate=5e-4,
            per_device_train_batch_size=8, max_length=512, bf16=False, use_cpu=True,
            completion_only_loss=True, activation_checkpointing=False,
            report_to="none", disable_tqdm=True, seed=42,
        )  # fmt: skip
        pick = training.PickOnDev(tokenizer, few, machine)
        trainer = training.CPUTrainer(
            model=model, args=config, train_dataset=data[0], eval_dataset=data[1],
            processing_class=tokenizer, callbacks=[pick, *callbacks],
        )  # fmt: skip
        trainer.train(resume_from_checkpoint=training.last_checkpoint(folder, MADE_OF))
        return model, pick

    return run


def test_it_goes_on_from_the_last_epoch(train, tmp_path, monkeypatch):
    monkeypatch.setattr(training.evaluation, "generate_replies", lambda *_: ["no"] * 4)
    whole, kept = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("stopped", Stop())
    assert training.last_checkpoint(tmp_path / "stopped", MADE_OF).name.endswith("-2")
    resumed, again = train("stopped")
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    assert again.epochs == kept.epochs and again.epoch == kept.epoch
    assert again.weights.keys() == kept.weights.keys()
    assert all(torch.equal(again.weights[n], t) for n, t in kept.weights.items())


def test_checkpoints_of_another_run_are_removed(tmp_path):
    def write(step, whole=True):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        if whole:
            (folder / training.PickOnDev.FILE).touch()

    assert training.last_checkpoint(tmp_path, MADE_OF) is None
    write(9), write(10), write(11, whole=False)  # died while it was written
    assert training.last_checkpoint(tmp_path, MADE_OF).name == "checkpoint-10"
    assert training.last_checkpoint(tmp_path, MADE_OF | {"data": "abd"}) is None
    assert not list(tmp_path.glob("checkpoint-*"))
