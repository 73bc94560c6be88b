"""Which attention kernel sdpa takes on a GPU, and which is fastest: measured.

`scaled_dot_product_attention` (sdpa) has several kernels and chooses one by the
card, the number format, the head size and whether there is a mask. Flash attention
is one of them; of a padded batch, which needs a mask, it can compute nothing.
"""

import time
import warnings
from statistics import median

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import TorchDispatchMode

KERNELS = {
    "flash": SDPBackend.FLASH_ATTENTION,
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
    "math": SDPBackend.MATH,
}
LENGTHS = (200, 1000, 8000)  # a prompt of the series; with many tools; the longest
HEADS, KEY_HEADS, HEAD_SIZE = 4, 1, 256  # of Gemma 3 270M
ROWS = 1600  # tokens in a batch, where one row is not longer
NEARLY = 1.1  # as fast as the fastest, within what two measurements differ by


class _Seen(TorchDispatchMode):
    """Notes the names of the operations that run inside it."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.__name__)
        return function(*args, **(kwargs or {}))


def kernel_taken(call):
    """Of KERNELS, the one that sdpa takes in call(); math is made of plain steps."""
    with _Seen() as seen:
        call()
    fused = [name for name in seen.names if "_scaled_dot_product_" in name]
    return next((k for name in fused for k in KERNELS if k in name), "math")


def layer(length, masked, device, dtype):
    """Attention of one layer, forward and backward, as a function without arguments.

    masked: as in a padded batch, with a mask in the place of is_causal and with the
    keys and values repeated for each head, which is what transformers does then.
    """
    rows = max(1, ROWS // length)
    query, key, value = (
        torch.randn(
            (rows, heads, length, HEAD_SIZE),
            device=device, dtype=dtype, requires_grad=True,
        )
        for heads in (HEADS, KEY_HEADS, KEY_HEADS)
    )  # fmt: skip
    how = {"is_causal": True, "enable_gqa": True}
    if masked:
        mask = torch.ones(length, length, dtype=torch.bool, device=device).tril()
        how = {"attn_mask": mask.expand(rows, 1, -1, -1)}

    def run():
        of_heads = HEADS if masked else KEY_HEADS
        k, v = (t.expand(-1, of_heads, -1, -1) for t in (key, value))
        scaled_dot_product_attention(query, k, v, **how).sum().backward()

    return run


def seconds(run, repeats=5, each=10):
    """{"first", "median"}: of the first run, which may prepare; of the later ones."""
    taken = []
    for runs in (1, *[each] * repeats):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(runs):
            run()
        torch.cuda.synchronize()
        taken.append((time.perf_counter() - start) / runs)
    return {"first": taken[0], "median": median(taken[1:])}


def measure(machine, lengths=LENGTHS, layer=layer, seconds=seconds):
    """[{"length", "masked", "taken", "kernels"}] of the first GPU.

    machine: a Hardware; where its device is no CUDA GPU, []. taken: the kernel that
    sdpa takes by itself. kernels: {name: {"first", "median"} seconds}, {name:
    {"reason"}} where this kernel alone cannot compute it.
    """
    found = []
    if machine.device != "cuda":
        return found
    dtype = torch.bfloat16 if machine.bf16 else torch.float32
    for masked in (False, True):
        for length in lengths:
            run, kernels = layer(length, masked, machine.device, dtype), {}
            for name, kernel in KERNELS.items():
                try:
                    with warnings.catch_warnings(), sdpa_kernel(kernel):
                        warnings.simplefilter("ignore")  # each says why not
                        kernels[name] = seconds(run)
                except RuntimeError as error:  # out of memory too
                    kernels[name] = {"reason": str(error).partition("\n")[0]}
            torch.cuda.empty_cache()
            found.append({"length": length, "masked": masked,
                          "taken": kernel_taken(run), "kernels": kernels})  # fmt: skip
    return found


def fastest(entry):
    """The kernel of an entry of measure that is fastest, None where none ran.

    The one that sdpa takes by itself stays where it is nearly as fast.
    """
    times = {n: k["median"] for n, k in entry["kernels"].items() if "median" in k}
    if not times:
        return None
    best, taken = min(times, key=times.get), entry["taken"]
    return taken if times.get(taken, 1e9) <= NEARLY * times[best] else best


def describe(found):
    """What measure found as lines of text, "" where it measured nothing."""
    lines = []
    for entry in found:
        best, times = fastest(entry), []
        for name, kernel in entry["kernels"].items():
            if "median" in kernel:
                times.append(f"{name} {kernel['median'] * 1e3:.2f} ms")
        text = f"sdpa takes {entry['taken']}"
        if best not in (None, entry["taken"]):
            text += f", {best} is faster"
        mask = "padded" if entry["masked"] else "no padding"
        lines.append(
            f"{entry['length']:5,} tokens, {mask:10}  {text}: {', '.join(times)}"
        )
    return "\n".join(lines)
