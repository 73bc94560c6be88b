"""On a CUDA GPU: attention kernels agree, the fast paths change nothing.

Skipped where there is none. On a machine with one: pytest tests/gpu
"""

from dataclasses import replace

import pytest
import torch

from toolcalling import hardware, models
from toolcalling.speed import generation
from toolcalling.speed.shared_prefix import SharedPrefixSFTTrainer

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA GPU here"
)


@pytest.fixture(scope="module")
def machine():
    return hardware.detect()


def load(folder, machine, attention):
    if attention == "flash_attention_2":
        pytest.importorskip("flash_attn", reason="flash-attn is not installed")
        if torch.cuda.get_device_capability()[0] < 8:
            pytest.skip("flash-attn needs compute capability 8.0")
    return models.load_model(folder, replace(machine, attention=attention))


@pytest.mark.parametrize("length", [160, 1024, 8192])
@pytest.mark.parametrize("attention", ["sdpa", "flash_attention_2"])
def test_attention_kernels_give_the_same_loss(embedded, machine, attention, length):
    """In bfloat16, against eager attention."""
    ids = torch.randint(
        60, 5000, (1, length), generator=torch.Generator().manual_seed(0)
    ).cuda()
    losses = []
    for kernel in ("eager", attention):
        model, _ = load(embedded, machine, kernel)
        with torch.no_grad(), torch.autocast("cuda", dtype=torch.bfloat16):
            losses.append(model(input_ids=ids, labels=ids).loss.item())
        del model
        torch.cuda.empty_cache()
    assert losses[1] == pytest.approx(losses[0], rel=1e-2)


def test_shared_prefix_equals_stock_in_float32(embedded, machine, task, tmp_path):
    from datasets import Dataset, Features, Json, List
    from trl import SFTConfig, SFTTrainer

    torch.backends.cuda.matmul.allow_tf32 = False
    rows = task.conversations("train")[:8]
    columns = {name: List(Json()) for name in ("prompt", "completion", "tools")}
    found = []
    for kind in (SFTTrainer, SharedPrefixSFTTrainer):
        model, tokenizer = load(embedded, machine, "sdpa")
        trainer = kind(
            model=model, processing_class=tokenizer,
            train_dataset=Dataset.from_list(rows, features=Features(columns)),
            args=SFTConfig(
                output_dir=str(tmp_path), bf16=False, report_to="none",
                activation_checkpointing=False, max_length=512,
            ),
        )  # fmt: skip
        model.train()
        batch = trainer.data_collator([trainer.train_dataset[i] for i in range(8)])
        loss = trainer.compute_loss(model, trainer._prepare_inputs(batch))
        loss.backward()
        found.append((loss.item(), [p.grad.cpu() for p in model.parameters()]))
        del trainer, model
        torch.cuda.empty_cache()
    (stock, expected), (fast, gradients) = found
    assert fast == pytest.approx(stock, rel=1e-5)
    worst = max(
        float((g - e).norm() / e.norm())
        for g, e in zip(gradients, expected, strict=True)
    )
    assert worst < 1e-4  # 270M parameters and another order of summing


def test_replies_equal_those_of_one_prompt_at_a_time(embedded, machine, task):
    model, tokenizer = load(embedded, machine, "sdpa")
    exact = replace(machine, bf16=False)
    asked = task.conversations("dev")[:8]
    batched = generation.generate_replies(model, tokenizer, asked, exact, 8, 24)
    single = [
        generation.generate_replies(model, tokenizer, [one], exact, 1, 24)[0]
        for one in asked
    ]
    assert batched == single


def test_a_training_step_in_bfloat16_is_finite(embedded, machine, task, tmp_path):
    from datasets import Dataset, Features, Json, List
    from trl import SFTConfig, SFTTrainer

    model, tokenizer = load(embedded, machine, machine.attention)
    rows = task.conversations("train")[:8]
    columns = {name: List(Json()) for name in ("prompt", "completion", "tools")}
    trainer = SFTTrainer(
        model=model, processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows, features=Features(columns)),
        args=SFTConfig(
            output_dir=str(tmp_path), bf16=machine.bf16, report_to="none", max_steps=3,
            activation_checkpointing=False, max_length=512, logging_steps=1,
            save_strategy="no", learning_rate=5e-5, completion_only_loss=True,
        ),
    )  # fmt: skip
    trainer.train()
    losses = [e["loss"] for e in trainer.state.log_history if "loss" in e]
    assert losses[-1] < losses[0]
