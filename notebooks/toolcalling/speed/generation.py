"""Greedy replies in batches, behind a prefix cache computed once per tool set."""

import torch

from ..calls import START_CALL
from .prefix_cache import (
    PrefixCache,
    by_tool_set,
    render_prompts,
    token_ids,
)


def generate_replies(
    model, tokenizer, conversations, hardware, batch_size=None, max_new_tokens=None,
    constrained=False, call_line=None,
):  # fmt: skip
    """Greedy replies, one text per conversation, control tokens kept.

    What the prompts of one tool set begin with is computed once. batch_size None lets
    the free memory decide. A batch that does not fit the GPU after all is halved;
    RuntimeError where even one prompt does not fit. In float32 the same tokens as one
    prompt at a time. max_new_tokens: None for what the longest of the replies due
    needs, and half as many again (reply_limit).

    constrained: only text, or calls that the tools of the conversation allow (see
    decoding.grammar); a reply can then be wrong, or cut by the limit, but not
    malformed. ValueError before anything is generated where a grammar cannot express
    the tools.

    call_line: a probability. A reply calls a tool only where the probability that it
    begins with a call is at least this; else the model must answer in words. No
    forward pass more than without. ValueError for what is no probability.
    """
    from tqdm import tqdm

    if not conversations:
        return []
    _processors(tokenizer, conversations, constrained, call_line)  # may raise
    max_new_tokens = max_new_tokens or reply_limit(tokenizer, conversations)
    prompts = token_ids(tokenizer, render_prompts(tokenizer, conversations))
    replies = [""] * len(prompts)
    with tqdm(total=len(prompts), unit="reply") as progress, torch.no_grad():
        for order in by_tool_set(conversations, prompts):
            longest = len(prompts[order[0]]) + max_new_tokens
            size = batch_size or _batch_size(model, hardware, longest)
            with hardware.autocast():
                own = [prompts[i] for i in order]
                prefix = PrefixCache(model, own, max_new_tokens)
            while order:
                batch = prefix.together(order, prompts, size)
                try:
                    with hardware.autocast():
                        found = _generate(
                            model, tokenizer, [prompts[i] for i in batch],
                            prefix, max_new_tokens,
                            _processors(
                                tokenizer, [conversations[i] for i in batch],
                                constrained, call_line,
                            ),
                        )  # fmt: skip
                except torch.cuda.OutOfMemoryError:
                    if len(batch) == 1:
                        raise RuntimeError(
                            "One prompt alone does not fit the GPU's memory. Close "
                            "other programs that use it, or set "
                            "CUDA_VISIBLE_DEVICES='' to run on the CPU."
                        ) from None
                    torch.cuda.empty_cache()
                    size = len(batch) // 2
                    continue
                for index, text in zip(batch, found, strict=True):
                    replies[index] = text
                order = order[len(batch) :]
                progress.update(len(batch))
    return replies


def reply_limit(tokenizer, conversations, least=64):
    """Tokens that a reply may have: half as many again as the longest one due.

    Where no reply is given, or all are short: least.
    """
    due = [
        text[len(prompt) :]
        for text, prompt in zip(
            render_prompts(tokenizer, conversations, replies=True),
            render_prompts(tokenizer, conversations),
            strict=True,
        )
    ]
    longest = max(map(len, token_ids(tokenizer, due)), default=0)
    return max(least, longest + longest // 2)


def _batch_size(model, hardware, length, most=32):
    """Prompts per batch: their keys, values and logits in half the free memory."""
    config = model.config
    per_token = 8 * config.num_hidden_layers * config.num_key_value_heads
    row = length * per_token * config.head_dim + 12 * config.vocab_size
    return max(1, min(most, hardware.free_memory() // 2 // row))


def _processors(tokenizer, conversations, constrained, call_line):
    """What changes the logits of a batch."""
    made = []
    if call_line is not None:  # first: it reads the model's own probability
        from ..decoding.call_line import CallLineLogitsProcessor
        from ..judging.decisions import CallLine

        begin = tokenizer.convert_tokens_to_ids(START_CALL)
        made.append(CallLineLogitsProcessor(begin, CallLine(call_line).high))
    if constrained:
        from ..decoding.constrain import GrammarLogitsProcessor, matchers

        tools = [conversation["tools"] for conversation in conversations]
        made.append(GrammarLogitsProcessor(matchers(tokenizer, tools)))
    return made


def _generate(model, tokenizer, prompts, prefix, max_new_tokens, processors):
    width = max(map(len, prompts))
    ids, seen, padding = prefix.padded(prompts, width, tokenizer.pad_token_id)
    output = model.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(seen, device=model.device),
        past_key_values=prefix.repeated(padding),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        logits_processor=processors,
    )
    stops = set(model.generation_config.eos_token_id)
    replies = []
    for row in output[:, width:].tolist():
        end = next((i + 1 for i, token in enumerate(row) if token in stops), len(row))
        replies.append(tokenizer.decode(row[:end], skip_special_tokens=False))
    return replies
