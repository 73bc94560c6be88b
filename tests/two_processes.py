"""Train a few steps and print the losses; run by test_launch.py under torchrun."""

import json
import os
import sys

from datasets import load_dataset
from transformers import Gemma3ForCausalLM
from trl import SFTConfig, SFTTrainer

sys.path.insert(0, sys.argv[1])

from toolcalling.models import load_tokenizer  # noqa: E402
from toolcalling.speed.shared_prefix import SharedPrefixSFTTrainer  # noqa: E402

_, _, model, data, output, kind, batch = sys.argv
trainer = (SharedPrefixSFTTrainer if kind == "shared" else SFTTrainer)(
    model=Gemma3ForCausalLM.from_pretrained(model, dtype="float32"),
    args=SFTConfig(
        output_dir=output, max_steps=4, optim="sgd", learning_rate=0.5, bf16=False,
        use_cpu=True, per_device_train_batch_size=int(batch), logging_steps=1,
        train_sampling_strategy="sequential", report_to="none", save_strategy="no",
        activation_checkpointing=False, max_grad_norm=0.0, disable_tqdm=True,
        lr_scheduler_type="constant", per_device_eval_batch_size=int(batch),
    ),
    train_dataset=load_dataset(data, split="train"),
    eval_dataset=load_dataset(data, split="validation"),
    processing_class=load_tokenizer(model),
)  # fmt: skip
trainer.train()
found = {
    "processes": trainer.accelerator.num_processes,
    "loss": [e["loss"] for e in trainer.state.log_history if "loss" in e],
    "eval": trainer.evaluate()["eval_loss"],
}
if trainer.accelerator.is_main_process:
    print(json.dumps(found))
    sys.stdout.flush()
# What is tested is printed. Leave at once: gloo's threads may abort the
# interpreter while it takes itself apart.
trainer.accelerator.wait_for_everyone()
os._exit(0)
