"""SFTTrainer that computes the prompt prefix shared by a batch only once.

Every row of a tool-calling data set begins with the same policy and tool
declarations. Here that prefix is computed once per batch, the rows' suffixes
are packed behind it under a block mask, and only supervised positions are
projected onto the vocabulary. Loss and gradients are those of SFTTrainer.
"""

import torch
from torch.nn.functional import cross_entropy
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

IGNORED = -100
LONGEST = 32_768  # the masks grow with the square of the packed length


class SharedPrefixSFTTrainer(SFTTrainer):
    """Same constructor as SFTTrainer, same loss and gradients.

    Works in one process or several (DDP), with sdpa or eager attention. Logs
    all that SFTTrainer logs but the entropy. Raises ValueError for what does not
    fit: another collator, packing, a loss other than "nll", flash attention.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        obstacle = next((text for bad, text in self._obstacles() if bad), None)
        if obstacle:
            raise ValueError(
                f"SharedPrefixSFTTrainer does not work with {obstacle}. Change that, "
                "or train with trl.SFTTrainer."
            )

    def _obstacles(self):
        yield self.args.packing, "packing=True"
        collator = self.data_collator
        known = type(collator) is DataCollatorForLanguageModeling
        yield not known, f"the data collator {type(collator).__name__}"
        yield collator.padding_free, "padding_free=True"
        yield self.args.loss_type != "nll", f"loss_type={self.args.loss_type!r}"
        own_loss = (
            self.compute_loss_func or self.label_smoother or self.aux_loss_enabled
        )
        yield own_loss, "label smoothing, an auxiliary loss or a loss function of yours"
        yield self.args.use_liger_kernel, "use_liger_kernel=True"
        attention = self.model.config._attn_implementation
        fits = attention in ("sdpa", "eager")
        yield not fits, f"attn_implementation={attention!r} (load with 'sdpa')"

    def compute_loss(
        self, model, inputs, return_outputs=False, num_items_in_batch=None
    ):
        """Mean negative log-likelihood of the supervised tokens, a scalar."""
        if return_outputs:  # logits of every position: nothing to save
            return super().compute_loss(model, inputs, True, num_items_in_batch)
        lengths = inputs["attention_mask"].sum(dim=1).tolist()
        packed = pack(inputs["input_ids"], lengths, inputs["labels"])
        supervised = (packed["labels"] != IGNORED).nonzero().squeeze(1)
        logits = model(
            input_ids=packed["input_ids"],
            position_ids=packed["position_ids"],
            attention_mask=masks(packed, self.model.config, self.model.dtype),
            logits_to_keep=supervised,
            use_cache=False,
        ).logits[0]
        targets = packed["labels"][supervised]
        total = cross_entropy(logits.float(), targets, reduction="sum")
        count = len(targets) if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(count).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # DDP averages gradients
        self._note(logits, targets, sum(lengths))
        return loss

    @torch.no_grad()
    def _note(self, logits, targets, tokens):
        """SFTTrainer's own log entries: token accuracy and tokens seen."""
        right = int((logits.argmax(dim=-1) == targets).sum())
        counts = torch.tensor([[right, len(targets), tokens]], device=logits.device)
        counts = self.accelerator.gather_for_metrics(counts)
        right, supervised, tokens = counts.sum(dim=0).tolist()
        mode = "train" if self.model.training else "eval"
        if mode == "train":
            self._total_train_tokens += tokens
        metrics = self._metrics[mode]
        metrics["mean_token_accuracy"].append(right / max(supervised, 1))
        metrics["num_tokens"] = [self._total_train_tokens]


def pack(input_ids, lengths, labels):
    """One sequence of the shared prefix and every row's suffix behind it.

    input_ids, labels: (rows, width), padded right; lengths: tokens per row.
    Returns input_ids and position_ids of shape (1, T); labels of shape (T,),
    shifted: the token each position must predict; block of shape (T,): 0 in the
    prefix, then 1, 2, ... per row. ValueError where T is above LONGEST.
    """
    shared = prefix_length(input_ids, lengths, labels)
    if (total := shared + sum(n - shared for n in lengths)) > LONGEST:
        raise ValueError(
            f"{len(lengths)} rows make {total} tokens in one pass, more than "
            f"{LONGEST}. Lower per_device_train_batch_size (and the eval one), raise "
            "gradient_accumulation_steps in step."
        )
    device = input_ids.device
    ids, positions = [input_ids[0, :shared]], [torch.arange(shared)]
    targets = [labels.new_full((shared,), IGNORED)]
    block = [torch.zeros(shared, dtype=torch.long)]
    for row, length in enumerate(lengths):
        ids.append(input_ids[row, shared:length])
        positions.append(torch.arange(shared, length))
        targets.append(labels[row, shared + 1 : length])
        targets.append(labels.new_full((1,), IGNORED))
        block.append(torch.full((length - shared,), row + 1))
    return {
        "input_ids": torch.cat(ids)[None],
        "position_ids": torch.cat(positions)[None].to(device),
        "labels": torch.cat(targets),
        "block": torch.cat(block).to(device),
    }


def prefix_length(input_ids, lengths, labels):
    """Tokens all rows begin with, ending before anything supervised."""
    width = min(lengths)
    same = (input_ids[:, :width] == input_ids[0, :width]).all(dim=0)
    plain = (labels[:, :width] == IGNORED).all(dim=0)
    shared = int((same & plain).long().cumprod(dim=0).sum())
    # A row's first own token is predicted from the prefix's last position, of
    # which there is one for all rows: so it must not be supervised.
    first = int(plain.long().cumprod(dim=0).sum())
    return max(0, min(shared, first - 1, width - 1))


def masks(packed, config, dtype):
    """Attention masks (1, 1, T, T) of full and sliding layers.

    A row sees the prefix and itself, causally; sliding layers only
    config.sliding_window tokens back. True where a position may look, for sdpa;
    0 and the lowest number of dtype, for eager attention.
    """
    block, position = packed["block"], packed["position_ids"][0]
    behind = position[:, None] - position[None, :]
    visible = (block[None, :] == 0) | (block[None, :] == block[:, None])
    full = (visible & (behind >= 0))[None, None]
    window = config.sliding_window
    sliding = full & (behind < window) if window else full
    found = {"full_attention": full, "sliding_attention": sliding}
    if config._attn_implementation == "eager":
        lowest = torch.finfo(dtype).min
        found = {
            name: torch.zeros(mask.shape, dtype=dtype, device=mask.device).masked_fill(
                ~mask, lowest
            )
            for name, mask in found.items()
        }
    return found
