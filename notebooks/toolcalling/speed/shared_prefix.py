"""SFTTrainer that computes the prompt prefix shared by a batch only once.

Every row of a tool-calling data set begins with the same policy and tool
declarations. Here that prefix is computed once per batch, the rows' suffixes
are packed behind it under a block mask, and only supervised positions are
projected onto the vocabulary. Loss and gradients are those of SFTTrainer.
"""

import torch
from trl import SFTTrainer
from trl.trainer.sft_trainer import DataCollatorForLanguageModeling

IGNORED = -100
LONGEST = 32_768  # the masks grow with the square of the packed length
CHUNK = 64  # positions whose scores are turned to float32 at a time


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
        tied = self.model.config.get_text_config().tie_word_embeddings
        if self.args.device.type == "cpu" and self.args.world_size == 1 and tied:
            # Few rows of the matrix are read; a dense gradient of the reading would
            # be zeros by the gigabyte, to be added to that of the scores.
            self.model.get_input_embeddings().sparse = True

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
        packed = fill(pack(inputs["input_ids"], lengths, inputs["labels"]))
        targets, weights = packed["targets"], packed["weights"]
        logits = model(
            input_ids=packed["input_ids"],
            position_ids=packed["position_ids"],
            attention_mask=masks(packed, self.model.config, self.model.dtype),
            logits_to_keep=packed["supervised"],
            use_cache=False,
        ).logits.squeeze(0)  # not [0], whose gradient is a second tensor of this size
        right = weights[logits.argmax(dim=-1) == targets].sum()
        total = NegativeLogLikelihood.apply(logits, targets, weights)
        count = weights.sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(count).clamp(min=1)
        if self.args.average_tokens_across_devices and num_items_in_batch is not None:
            loss = loss * self.accelerator.num_processes  # DDP averages gradients
        self._note(right, weights.sum(), sum(lengths))
        return loss

    @torch.no_grad()
    def _note(self, right, supervised, tokens):
        """SFTTrainer's own log entries: token accuracy and tokens seen."""
        counts = [[int(right), int(supervised), tokens]]
        counts = torch.tensor(counts, device=right.device)
        counts = self.accelerator.gather_for_metrics(counts)
        right, supervised, tokens = counts.sum(dim=0).tolist()
        mode = "train" if self.model.training else "eval"
        if mode == "train":
            self._total_train_tokens += tokens
        metrics = self._metrics[mode]
        metrics["mean_token_accuracy"].append(right / max(supervised, 1))
        metrics["num_tokens"] = [self._total_train_tokens]


class NegativeLogLikelihood(torch.autograd.Function):
    """Sum over positions of -weight * log softmax(logits)[target], in float32.

    logits: (positions, vocabulary); targets, weights: (positions,). Through
    logsumexp and not log_softmax, which on a CPU loses a digit over a vocabulary of
    this size. Little memory: in chunks, and each makes its gradient at once, in
    the place of the logits, which are lost by that (nothing else may need them).
    """

    @staticmethod
    def forward(ctx, logits, targets, weights):
        total = torch.zeros((), device=logits.device)
        gradient = logits.detach()
        columns = (targets[:, None], weights[:, None].float())
        for part, target, weight, out in zip(
            *(tensor.split(CHUNK) for tensor in (logits, *columns, gradient)),
            strict=True,
        ):
            scores = part.float()
            sums = scores.logsumexp(dim=-1, keepdim=True)
            total += (weight * (sums - scores.gather(1, target))).sum()
            slope = scores.sub_(sums).exp_().mul_(weight)
            out.copy_(slope.scatter_add_(1, target, -weight))
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx, upstream):
        (gradient,) = ctx.saved_tensors
        return gradient.mul_(upstream), None, None


def pack(input_ids, lengths, labels):
    """One sequence of the shared prefix and every row's suffix behind it.

    input_ids, labels: (rows, width), padded right; lengths: tokens per row.
    Returns input_ids, position_ids of shape (1, T); block of shape (T,): 0 in the
    prefix, then 1, 2, ... per row; and of shape (S,) what is supervised:
    supervised, the position that predicts; targets, the token it must predict;
    weights, the rows that this stands for. The prefix's last position predicts
    each row's first own token. ValueError where T is above LONGEST.
    """
    shared = prefix_length(input_ids, lengths, labels)
    if (total := shared + sum(n - shared for n in lengths)) > LONGEST:
        raise ValueError(
            f"{len(lengths)} rows make {total} tokens in one pass, more than "
            f"{LONGEST}. Lower per_device_train_batch_size (and the eval one), raise "
            "gradient_accumulation_steps in step."
        )
    ids, position = [input_ids[0, :shared]], [torch.arange(shared)]
    block = [torch.zeros(shared, dtype=torch.long)]
    at, targets = [torch.arange(max(shared - 1, 0))], [labels[0, 1:shared]]
    weights, start = [torch.full((max(shared - 1, 0),), len(lengths))], shared
    for row, length in enumerate(lengths):
        own = length - shared
        ids.append(input_ids[row, shared:length])
        position.append(torch.arange(shared, length))
        block.append(torch.full((own,), row + 1))
        at.append(torch.arange(start - 1, start - 1 + own))
        at[-1][0] = shared - 1  # where nothing is shared: nobody predicts it
        targets.append(labels[row, shared:length])
        weights.append(torch.ones(own, dtype=torch.long))
        start += own
    at, weights = (torch.cat(x).to(labels.device) for x in (at, weights))
    targets = torch.cat(targets)
    kept = (targets != IGNORED) & (at >= 0)
    return {
        "input_ids": torch.cat(ids)[None],
        "position_ids": torch.cat(position)[None].to(labels.device),
        "block": torch.cat(block).to(labels.device),
        "supervised": at[kept],
        "targets": targets[kept],
        "weights": weights[kept],
    }


def fill(packed, multiple=64):
    """What pack gives, T and S filled up to a multiple; loss and gradients stay.

    Few different lengths, so that the memory of one step fits the next. Positions
    are added as a block of their own, predictions with weight 0.
    """
    filler = {"block": int(packed["block"].max()) + 1}
    return {
        name: torch.nn.functional.pad(
            values, (0, -values.shape[-1] % multiple), value=filler.get(name, 0)
        )
        for name, values in packed.items()
    }


def prefix_length(input_ids, lengths, labels):
    """Tokens that all rows begin with, supervised alike; a token per row is left."""
    width = min(lengths)
    same = (input_ids[:, :width] == input_ids[0, :width]).all(dim=0)
    alike = (labels[:, :width] == labels[0, :width]).all(dim=0)
    shared = int((same & alike).long().cumprod(dim=0).sum())
    return min(shared, width - 1)


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
    reached = window is None or behind.shape[0] <= window
    sliding = full if reached else full & (behind < window)
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
