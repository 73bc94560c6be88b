"""SFTTrainer that computes the prompt prefix shared by a batch only once.

Every row of a tool-calling data set begins with the same policy and tool
declarations. Here that prefix is computed once per batch, the rows' suffixes
are packed behind it under a block mask, and only supervised positions are
projected onto the vocabulary. Loss and gradients are those of SFTTrainer.
"""

import torch
from torch.nn.functional import cross_entropy
from trl import SFTTrainer

IGNORED = -100


class SharedPrefixSFTTrainer(SFTTrainer):
    """Same constructor as SFTTrainer. One process, sdpa or eager attention."""

    def compute_loss(
        self, model, inputs, return_outputs=False, num_items_in_batch=None
    ):
        """Mean negative log-likelihood of the supervised tokens, a scalar."""
        packed = pack(
            inputs["input_ids"],
            inputs["attention_mask"].sum(dim=1).tolist(),
            inputs["labels"],
        )
        causal_lm = self.accelerator.unwrap_model(model)
        with self.accelerator.autocast():
            hidden = causal_lm.model(
                input_ids=packed["input_ids"],
                position_ids=packed["position_ids"],
                attention_mask=masks(packed, causal_lm.config.sliding_window),
                use_cache=False,
            ).last_hidden_state[0]
            supervised = packed["labels"] != IGNORED
            logits = causal_lm.lm_head(hidden[supervised])
        total = cross_entropy(
            logits.float(), packed["labels"][supervised], reduction="sum"
        )
        count = supervised.sum() if num_items_in_batch is None else num_items_in_batch
        loss = total / torch.as_tensor(count).clamp(min=1)
        return (loss, {}) if return_outputs else loss


def pack(input_ids, lengths, labels):
    """One sequence of the shared prefix and every row's suffix behind it.

    input_ids, labels: (rows, width), padded right; lengths: tokens per row.
    Returns input_ids and position_ids of shape (1, T); labels of shape (T,),
    shifted: the token each position must predict; block of shape (T,): 0 in the
    prefix, then 1, 2, ... per row.
    """
    shared = _prefix_length(input_ids, lengths, labels)
    ids, positions = [input_ids[0, :shared]], [torch.arange(shared)]
    targets = [torch.full((shared,), IGNORED)]
    block = [torch.zeros(shared, dtype=torch.long)]
    for row, length in enumerate(lengths):
        ids.append(input_ids[row, shared:length])
        positions.append(torch.arange(shared, length))
        end = torch.tensor([IGNORED])
        targets.append(torch.cat([labels[row, shared + 1 : length].cpu(), end]))
        block.append(torch.full((length - shared,), row + 1))
    device = input_ids.device
    return {
        "input_ids": torch.cat(ids)[None],
        "position_ids": torch.cat(positions)[None].to(device),
        "labels": torch.cat(targets).to(device),
        "block": torch.cat(block).to(device),
    }


def _prefix_length(input_ids, lengths, labels):
    """Tokens all rows begin with, ending before anything supervised."""
    width = min(lengths)
    same = (input_ids[:, :width] == input_ids[0, :width]).all(dim=0)
    plain = (labels[:, :width] == IGNORED).all(dim=0)
    # The first suffix token is predicted from the prefix: it must be plain too.
    limit = int((same & plain).long().cumprod(dim=0).sum())
    first = int(plain.long().cumprod(dim=0).sum())
    return max(0, min(limit, first - 1, width - 1))


def masks(packed, window):
    """Attention masks (1, 1, T, T), True where a position may look.

    A row sees the prefix and itself, causally; sliding layers only `window` back.
    """
    block, position = packed["block"], packed["position_ids"][0]
    behind = position[:, None] - position[None, :]
    visible = (block[None, :] == 0) | (block[None, :] == block[:, None])
    full = visible & (behind >= 0)
    sliding = full & (behind < window) if window else full
    return {
        "full_attention": full[None, None],
        "sliding_attention": sliding[None, None],
    }
