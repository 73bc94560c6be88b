"""Attention kernels on a CUDA GPU, in training steps of several lengths.

What is not installed or not possible on the card stands with its reason, not with a
figure.
"""

import gc
from dataclasses import replace

import torch

import bench

LENGTHS = (160, 1024, 8192)
TOKENS = 16_384  # per step, whatever the length


def peak():
    """bfloat16 GFLOP/s of a large square product."""
    n = 8192
    a = torch.randn(n, n, dtype=torch.bfloat16, device="cuda")
    times = bench.interleaved(run=lambda: a @ a)["run"]
    return 2 * n**3 / min(times) / 1e9


def kernels(machine):
    """{kernel: {length: figures of a training step, or the reason for none}}"""
    found = {}
    for kernel in ("eager", "sdpa", "flash_attention_2"):
        reason = _missing(kernel)
        found[kernel] = {"reason": reason} if reason else {}
        for length in () if reason else LENGTHS:
            try:
                found[kernel][length] = _step(kernel, length, machine)
            except torch.cuda.OutOfMemoryError:
                found[kernel][length] = {"reason": "out of memory"}
            gc.collect()
            torch.cuda.empty_cache()
    return found


def _missing(kernel):
    if kernel != "flash_attention_2":
        return None
    if torch.cuda.get_device_capability()[0] < 8:
        return "needs compute capability 8.0"
    try:
        import flash_attn  # noqa: F401
    except ImportError:
        return "flash-attn is not installed"
    return None


def _step(kernel, length, machine):
    model, _ = bench.load(replace(machine, attention=kernel))
    model.train()
    ids = torch.randint(60, 5000, (TOKENS // length, length), device="cuda")
    keep = torch.arange(length - 20, length, device="cuda")  # as a completion's
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    losses = []

    def run():
        with machine.autocast():
            logits = model(input_ids=ids, logits_to_keep=keep).logits
            loss = torch.nn.functional.cross_entropy(
                logits[:, :-1].float().flatten(0, 1), ids[:, keep[1:]].flatten()
            )
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())

    torch.cuda.reset_peak_memory_stats()
    times = bench.interleaved(run=run)["run"]
    head = model.config.vocab_size * model.config.hidden_size
    body = sum(p.numel() for p in model.parameters()) - head
    flops = 6 * (body * ids.numel() + head * len(ids) * len(keep))
    return {
        **bench.spread(times),
        "tokens_per_second": ids.numel() / bench.spread(times)["median"],
        "gflops": flops / bench.spread(times)["median"] / 1e9,
        "peak_gib": torch.cuda.max_memory_allocated() / 2**30,
        "first_loss": losses[0],
    }
