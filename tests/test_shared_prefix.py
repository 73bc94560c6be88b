"""The same loss, gradients and training as the stock trainer, in float32."""

from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset, Features, Json, List
from transformers import Gemma3ForCausalLM
from trl import SFTConfig, SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

from toolcalling.models import load_tokenizer
from toolcalling.speed.frozen_embeddings import freeze_embeddings
from toolcalling.speed.shared_prefix import (
    NegativeLogLikelihood,
    SharedPrefixSFTTrainer,
    fill,
    masks,
    pack,
)

FEATURES = Features({name: List(Json()) for name in ("prompt", "completion", "tools")})


@pytest.fixture(scope="module")
def data(task):
    rows = task.conversations("train")[:12]
    return Dataset.from_list(rows, features=FEATURES)


@pytest.fixture
def make(tiny, data, tmp_path):
    def make(
        kind, attention="sdpa", window=64, data=data, trainer=None, freeze=False,
        **options,
    ):  # fmt: skip
        model = Gemma3ForCausalLM.from_pretrained(
            tiny,
            dtype="float32",
            attn_implementation=attention,
            query_pre_attn_scalar=256,  # soft attention: less rounding to compare
        )
        for layer in model.model.layers:
            layer.self_attn.sliding_window = window
        model.config.sliding_window = window
        if freeze:
            freeze_embeddings(model)
        settings = {
            "bf16": False, "use_cpu": True, "report_to": "none", "save_strategy": "no",
            "activation_checkpointing": False, "per_device_train_batch_size": 4,
            "per_device_eval_batch_size": 4, "max_length": 512, "logging_steps": 1,
            "disable_tqdm": True,
        }  # fmt: skip
        config = SFTConfig(output_dir=str(tmp_path), **{**settings, **options})
        return kind(
            model=model, args=config, train_dataset=data, eval_dataset=data,
            processing_class=load_tokenizer(tiny), **(trainer or {}),
        )  # fmt: skip

    return make


def batch(prefix, lengths, supervised):
    """Random rows that share `prefix` tokens; the last `supervised` carry loss."""
    generator = torch.Generator().manual_seed(1)
    width = max(lengths)
    ids = torch.randint(53, 6000, (len(lengths), width), generator=generator)
    ids[:, :prefix] = ids[0, :prefix].clone()
    for row in range(len(lengths)):
        ids[row, prefix] = 100 + row  # surely different from here on
    seen = torch.arange(width)[None] < torch.tensor(lengths)[:, None]
    from_ = torch.tensor(lengths)[:, None] - (supervised or width)
    labels = torch.where(seen & (torch.arange(width)[None] >= from_), ids, -100)
    return {"input_ids": ids * seen, "attention_mask": seen.long(), "labels": labels}


def loss_and_gradients(trainer, inputs):
    loss = trainer.compute_loss(trainer.model, dict(inputs))
    loss.backward()
    return loss.item(), {n: p.grad for n, p in trainer.model.named_parameters()}


@pytest.mark.parametrize(
    ("prefix", "lengths", "supervised", "options"),
    [
        (40, [60], 12, {}),
        (40, [60, 48], 7, {}),
        (40, [60, 41, 55, 52, 47, 60, 44, 58], 4, {}),
        (0, [30, 20, 25], 5, {}),  # nothing in common
        (1, [30, 20, 25], 5, {}),
        (90, [120, 99], 6, {}),  # the prefix fills the window of 64
        (600, [640, 620, 655], 9, {"window": 512}),
        (40, [60, 52, 90], None, {}),  # every token supervised
        (0, [30, 20, 25], None, {}),
        (90, [120, 99], 6, {"attention": "eager"}),
    ],
)
def test_loss_and_gradients_equal_to_stock(make, prefix, lengths, supervised, options):
    inputs = batch(prefix, lengths, supervised)
    stock, expected = loss_and_gradients(make(SFTTrainer, **options), inputs)
    fast, found = loss_and_gradients(make(SharedPrefixSFTTrainer, **options), inputs)
    assert fast == pytest.approx(stock, rel=1e-5)
    for name, gradient in expected.items():
        difference = (found[name] - gradient).norm() / gradient.norm()
        assert difference < 1e-5, (name, difference)


def test_a_large_vocabulary_loses_no_digits():
    """Gemma's, where torch's log_softmax on a CPU is off by 5e-5."""
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(100, 262_144, generator=generator)  # more than a chunk
    targets = torch.randint(262_144, (100,), generator=generator)
    weights = torch.randint(1, 5, (100,), generator=generator)
    found = []
    for kind, scores in ((torch.float64, logits.double()), (torch.float32, logits)):
        scores.requires_grad_()
        if kind is torch.float32:
            loss = NegativeLogLikelihood.apply(scores, targets, weights)
        else:
            chosen = scores.log_softmax(-1).gather(1, targets[:, None]).squeeze(1)
            loss = -(weights * chosen).sum()
        (loss / 7).backward()
        found.append((loss.item(), scores.grad))
    (expected, exact), (loss, gradient) = found
    assert loss == pytest.approx(expected, rel=1e-6)
    assert (gradient - exact).norm() / exact.norm() < 1e-5


def test_with_frozen_embeddings_equal_to_whole_training(make):
    inputs = batch(40, [60, 48, 55], 7)
    loss, whole = loss_and_gradients(make(SharedPrefixSFTTrainer), inputs)
    trainer = make(SharedPrefixSFTTrainer, freeze=True)
    same, frozen = loss_and_gradients(trainer, inputs)
    assert same == pytest.approx(loss, rel=1e-6)
    assert frozen["model.embed_tokens.weight"] is None
    for name, gradient in frozen.items():
        if name in whole and gradient is not None:
            difference = (gradient - whole[name]).norm() / whole[name].norm()
            assert difference < 1e-5, name


def test_checkpointed_activations_change_nothing(make):
    inputs, found = batch(40, [60, 48, 55], 7), []
    for recomputed in (False, True):
        trainer = make(SharedPrefixSFTTrainer)
        trainer.model.train()
        if recomputed:  # as Trainer does where activation_checkpointing=True
            trainer.model.activation_checkpointing_enable()
        assert trainer.model.is_activation_checkpointing == recomputed
        found.append(loss_and_gradients(trainer, inputs))
    (loss, expected), (same, gradients) = found
    assert same == pytest.approx(loss, rel=1e-6)
    for name, gradient in expected.items():
        difference = (gradients[name] - gradient).norm() / gradient.norm()
        assert difference < 1e-5, name


def test_the_stock_trainer_refuses_frozen_embeddings(make):
    """It multiplies with the matrix itself and would miss what was learnt."""
    inputs = batch(40, [60, 48], 7)
    with pytest.raises(ValueError, match="SharedPrefixSFTTrainer"):
        loss_and_gradients(make(SFTTrainer, freeze=True), inputs)


def test_the_prefix_is_there_once():
    inputs, lengths = batch(40, [60, 41, 55], 1), [60, 41, 55]
    packed = pack(inputs["input_ids"], lengths, inputs["labels"])
    assert packed["input_ids"].shape == (1, sum(lengths) - 2 * 40)
    assert packed["block"].unique().tolist() == [0, 1, 2, 3]
    assert packed["position_ids"].max() == 59
    # one token a row; the second row's is predicted by the prefix's last position
    assert packed["supervised"].tolist() == [58, 39, 74]
    assert packed["weights"].tolist() == [1, 1, 1]


def test_a_supervised_prefix_is_projected_once():
    inputs, lengths = batch(40, [60, 41, 55], None), [60, 41, 55]
    packed = pack(inputs["input_ids"], lengths, inputs["labels"])
    assert len(packed["supervised"]) == 39 + sum(lengths) - 3 * 40
    assert int(packed["weights"].sum()) == sum(lengths) - 3


def trained(trainer):
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    return losses, {n: p.detach() for n, p in trainer.model.named_parameters()}


@pytest.mark.parametrize("completion_only", [True, False])
def test_training_with_accumulation_and_evaluation_equal_to_stock(
    make, completion_only
):
    options = {
        "gradient_accumulation_steps": 2, "max_steps": 3, "optim": "sgd",
        "learning_rate": 0.5, "completion_only_loss": completion_only,
        "per_device_train_batch_size": 2, "max_grad_norm": 0.0,
    }  # fmt: skip
    stock = make(SFTTrainer, **options)
    fast = make(SharedPrefixSFTTrainer, **options)
    (expected, weights), (found, moved) = trained(stock), trained(fast)
    assert found == pytest.approx(expected, rel=1e-5)
    for name, weight in weights.items():
        assert (moved[name] - weight).norm() / weight.norm() < 1e-5, name
    expected, found = stock.evaluate(), fast.evaluate()
    for name in ("eval_loss", "eval_mean_token_accuracy", "eval_num_tokens"):
        assert found[name] == pytest.approx(expected[name], rel=1e-5), name


def test_resumed_training_is_the_same(make):
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2}
    whole = make(SharedPrefixSFTTrainer, **options)
    whole.train()
    resumed = make(SharedPrefixSFTTrainer, **options)
    resumed.train(resume_from_checkpoint=f"{whole.args.output_dir}/checkpoint-2")
    for (name, a), b in zip(
        whole.model.named_parameters(), resumed.model.parameters(), strict=True
    ):
        assert torch.equal(a, b), name


class Collator(DataCollatorForLanguageModeling):
    """A collator of one's own."""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"packing": True}, "packing=True"),
        ({"trainer": {"data_collator": Collator(0)}}, "data collator Collator"),
        ({"loss_type": "dft"}, "loss_type='dft'"),
        ({"label_smoothing_factor": 0.1}, "label smoothing"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(make, options, message):
    with pytest.raises(ValueError, match=f"does not work with .*{message}"):
        make(SharedPrefixSFTTrainer, **options)


def test_too_many_tokens_in_one_pass_is_one_clear_error():
    ids = torch.zeros(9, 4000, dtype=torch.long)
    ids[:, 1] = torch.arange(9)
    with pytest.raises(ValueError, match="Lower per_device_train_batch_size"):
        pack(ids, [4000] * 9, torch.full_like(ids, -100))


def test_what_is_filled_up_carries_no_loss_and_is_seen_by_nobody():
    inputs, lengths = batch(40, [60, 41, 55], 1), [60, 41, 55]
    packed = pack(inputs["input_ids"], lengths, inputs["labels"])
    filled, own = fill(packed), packed["input_ids"].shape[1]
    assert filled["input_ids"].shape == (1, 128) and len(filled["targets"]) == 64
    assert filled["weights"].sum() == packed["weights"].sum()
    assert torch.equal(filled["input_ids"][:, :own], packed["input_ids"])
    config = SimpleNamespace(sliding_window=None, _attn_implementation="sdpa")
    mask = masks(filled, config, torch.float32)["full_attention"][0, 0]
    assert not mask[:own, own:].any()
    assert mask.any(dim=1).all()  # a row that sees nothing would be NaN
