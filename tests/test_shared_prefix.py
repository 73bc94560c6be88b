"""The same loss and gradients as the stock trainer, in float32."""

import pytest
from datasets import Dataset, Features, Json, List
from trl import SFTConfig, SFTTrainer

from toolcalling.conversations import load_splits, to_conversation
from toolcalling.models import load_model
from toolcalling.shared_prefix import SharedPrefixSFTTrainer

FEATURES = Features({name: List(Json()) for name in ("prompt", "completion", "tools")})


def loss_and_gradients(kind, tiny, machine, rows, tools, folder, **options):
    model, tokenizer = load_model(tiny, machine)
    data = Dataset.from_list(
        [to_conversation(r, tools) for r in rows], features=FEATURES
    )
    config = SFTConfig(
        output_dir=str(folder), max_length=512, bf16=False, use_cpu=True,
        report_to="none", per_device_train_batch_size=len(rows),
        activation_checkpointing=False, **options,
    )  # fmt: skip
    trainer = kind(
        model=model, args=config, train_dataset=data, processing_class=tokenizer
    )
    batch = trainer.data_collator([trainer.train_dataset[i] for i in range(len(rows))])
    loss = trainer.compute_loss(trainer.model, batch)
    loss.backward()
    return loss.item(), {n: p.grad for n, p in trainer.model.named_parameters()}


@pytest.mark.parametrize("rows", [slice(0, 1), slice(0, 2), slice(3, 11)])
@pytest.mark.parametrize("completion_only", [True, False])
def test_equal_to_stock(tiny, tiny_loaded, tools, tmp_path, rows, completion_only):
    from dataclasses import replace

    machine = replace(tiny_loaded[2], bf16=False, device="cpu")
    rows = load_splits()["train"][rows]
    run = (tiny, machine, rows, tools, tmp_path)
    options = {"completion_only_loss": completion_only}
    stock, expected = loss_and_gradients(SFTTrainer, *run, **options)
    fast, found = loss_and_gradients(SharedPrefixSFTTrainer, *run, **options)
    assert fast == pytest.approx(stock, rel=1e-5)
    for name, gradient in expected.items():
        difference = (found[name] - gradient).norm() / gradient.norm().clamp(min=1e-12)
        assert difference < 1e-4, name
