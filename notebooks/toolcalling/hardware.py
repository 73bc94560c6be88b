"""What this machine can do: device, number format, attention."""

import ctypes
import os
import platform
import re
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec

# Large memory pages on Linux; read by torch once, when it starts. Every step of
# a training on the CPU asks anew for gigabytes, small pages cost it dearly.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# Of several GPUs one process takes the first (Kaggle's two T4): a trainer would
# spread each batch over all of them. Launchers give each process its own.
if "LOCAL_RANK" not in os.environ:
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "0")

import torch  # noqa: E402

from .setup.colab_kaggle import on_kaggle  # noqa: E402


@dataclass(frozen=True)
class Hardware:
    """device: "cuda", "mps" or "cpu". bf16: autocast matmuls to bfloat16.

    attention: what `attn_implementation` should be. memory_gib: of the device.
    The *_reason fields say why, in words.
    """

    device: str
    name: str
    memory_gib: float
    bf16: bool
    bf16_reason: str
    attention: str
    attention_reason: str
    device_reason: str = ""  # why not the GPU that is there

    def __str__(self):
        matmuls = "bfloat16 autocast" if self.bf16 else "float32"
        return (
            f"device     {self.device}: {self.name}, {self.memory_gib:.0f} GiB"
            f"{', ' * bool(self.device_reason)}{self.device_reason}\n"
            f"weights    float32\n"
            f"matmuls    {matmuls}: {self.bf16_reason}\n"
            f"attention  {self.attention}: {self.attention_reason}"
        )

    def free_memory(self):
        """Bytes free on the device right now."""
        if self.device == "cuda":
            return torch.cuda.mem_get_info()[0]
        import psutil

        return psutil.virtual_memory().available

    def autocast(self):
        """Context in which matmuls run in the chosen number format."""
        if self.bf16:
            return torch.autocast(self.device, dtype=torch.bfloat16)
        return nullcontext()


def detect():
    """Look at this machine. Uses one device: the first GPU, else the CPU.

    A GPU that this torch has no kernels for is passed over, and that is printed:
    torch itself says that it is available, and its first computation fails.
    """
    if torch.cuda.is_available():
        problem = _gpu_problem()
        if problem is None:
            return _cuda()
        print(problem)
        name = torch.cuda.get_device_properties(0).name
        return replace(_cpu(), device_reason=f"this torch has no code for the {name}")
    if torch.backends.mps.is_available():
        return Hardware(
            "mps", "Apple GPU", torch.mps.recommended_max_memory() / 2**30,
            False, "bfloat16 on MPS is untested here",
            "sdpa", "flash-attn needs CUDA",
        )  # fmt: skip
    return _cpu()


def _gpu_problem():
    """None where this torch has code for the first GPU, else a sentence."""
    built_for = torch.cuda.get_arch_list()
    capability = torch.cuda.get_device_capability(0)
    codes = [re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", c) for c in built_for]
    codes = [code for code in codes if code]  # a ROCm build names others
    if not codes or any(_runs_on(capability, *code.groups()) for code in codes):
        return None
    version = "{}.{}".format(*capability)
    return (
        f"The CPU is used, for the {torch.cuda.get_device_properties(0).name} has "
        f"compute capability {version}, and this torch {torch.__version__} is built "
        f"for {', '.join(built_for)} only. {_how_to_get_a_gpu(version)}"
    )


def _runs_on(capability, kind, major, minor, suffix):
    """Does CUDA code of that kind and version run on a GPU of that capability?

    sm_: binary code, good within its major version for its minor or later ones.
    compute_: PTX, compiled by the driver for its own and every later capability.
    An "a" ties either to exactly one capability, an "f" to one major version.
    """
    code = int(major), int(minor)
    if suffix == "a":
        return capability == code
    if kind == "compute" and not suffix:
        return capability >= code
    return capability[0] == code[0] and capability[1] >= code[1]


def _how_to_get_a_gpu(version):
    if on_kaggle():
        return "Choose GPU T4 x2 as the accelerator in the notebook's session options."
    return (
        "Choose another accelerator, or install a torch built for "
        f"sm_{version.replace('.', '')} (https://pytorch.org/get-started/previous-versions)."
    )


def _cuda():
    properties = torch.cuda.get_device_properties(0)
    capability = torch.cuda.get_device_capability(0)
    native = capability[0] >= 8
    version = "{}.{}".format(*capability)
    # is_bf16_supported() says yes on a T4, which only emulates it; and float16
    # overflows in Gemma 3. So a T4 computes in float32.
    bf16_reason = (
        f"native from compute capability 8.0, this GPU has {version}"
        if native
        else f"compute capability {version} < 8.0 only emulates bfloat16, and "
        "float16 overflows in Gemma 3"
    )
    if not native:
        attention, why = "sdpa", f"flash-attn needs capability 8.0, this is {version}"
    elif find_spec("flash_attn") is None:
        attention, why = "sdpa", "flash-attn is not installed (optional)"
    else:
        attention, why = _flash_attention()
    return Hardware(
        "cuda", properties.name, properties.total_memory / 2**30,
        native, bf16_reason, attention, why,
    )  # fmt: skip


def _flash_attention():
    try:
        import flash_attn
    except ImportError as error:  # built for another torch or CUDA
        return "sdpa", f"flash-attn is installed but does not import ({error})"
    return "flash_attention_2", f"flash-attn {flash_attn.__version__} imports"


def _cpu():
    import psutil

    can = torch.cpu.get_capabilities()
    native = [k for k in ("amx_bf16", "avx512_bf16") if can.get(k)]
    reason = (
        f"the processor has {native[0]}"
        if native
        else "the processor has neither AVX512-BF16 nor AMX"
    )
    if os.environ.get("TOOLCALLING_KEEP_MEMORY", "1") != "0":
        _keep_freed_memory()
    name = f"{can.get('cpu_name') or can.get('architecture')}, "
    name += f"{can.get('num_physical_cores')} cores"
    memory = psutil.virtual_memory().total / 2**30
    return Hardware(
        "cpu", name, memory, bool(native), reason, "sdpa", "flash-attn needs a GPU"
    )


def _keep_freed_memory():
    """Have glibc reuse what this process frees instead of handing it back.

    A training step frees and asks for gigabytes, which the kernel clears each time:
    up to a third of the step. Costs about a tenth more memory at the peak.
    """
    if platform.libc_ver()[0] == "glibc":
        trim_threshold, mmap_max = -1, -4  # of malloc.h
        libc = ctypes.CDLL(None)
        libc.mallopt(trim_threshold, 2**31 - 1)
        libc.mallopt(mmap_max, 0)


@contextmanager
def out_of_memory_hint():
    """Turn a GPU's out-of-memory error into the next step."""
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise RuntimeError(
            "The GPU's memory is full. Restart this session to free it, halve "
            "per_device_train_batch_size and double gradient_accumulation_steps: "
            "the training stays the same, each step needs less."
        ) from error
