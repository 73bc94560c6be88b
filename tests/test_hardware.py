"""What is chosen on machines we don't have, from what torch says of them."""

import os
import platform
import subprocess
import sys
from collections import namedtuple
from types import ModuleType

import pytest
import torch

from conftest import ROOT
from toolcalling import hardware

GPU = namedtuple("GPU", "name total_memory")


def gpu(monkeypatch, capability, flash=None, built_for=()):
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(built_for))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: GPU("X", 2**34))
    monkeypatch.setattr(hardware, "find_spec", lambda _: flash)
    if flash == "works":
        module = ModuleType("flash_attn")
        module.__version__ = "2.8.3"
        monkeypatch.setitem(sys.modules, "flash_attn", module)
    elif flash == "broken":
        monkeypatch.setitem(sys.modules, "flash_attn", None)
    return hardware.detect()


def test_t4_computes_in_float32(monkeypatch):
    found = gpu(monkeypatch, (7, 5), flash="works")
    assert (found.device, found.bf16, found.attention) == ("cuda", False, "sdpa")
    assert "emulates" in found.bf16_reason and "7.5" in str(found)


@pytest.mark.parametrize(
    ("flash", "attention"),
    [(None, "sdpa"), ("broken", "sdpa"), ("works", "flash_attention_2")],
)
def test_flash_attention_only_where_it_imports(monkeypatch, flash, attention):
    found = gpu(monkeypatch, (8, 0), flash)
    assert (found.bf16, found.attention) == (True, attention)


BINARIES = "sm_70 sm_75 sm_80 sm_86 sm_90 sm_100 sm_120"  # as wheels have them


@pytest.mark.parametrize(
    ("capability", "built_for", "device"),
    [
        ((6, 0), BINARIES, "cpu"),  # Kaggle's P100
        ((6, 0), BINARIES + " compute_120", "cpu"),
        ((6, 1), "sm_50 sm_60 sm_70", "cuda"),  # the same major version, later minor
        ((6, 0), "sm_61", "cpu"),  # earlier minor
        ((3, 7), "sm_50 compute_50", "cpu"),  # Colab's former K80
        ((7, 5), BINARIES, "cuda"),
        ((8, 9), BINARIES, "cuda"),
        ((9, 0), "sm_80", "cpu"),  # a later major version needs PTX
        ((9, 0), "sm_80 compute_80", "cuda"),
        ((12, 1), BINARIES, "cuda"),
        ((13, 0), BINARIES + " compute_120", "cuda"),
        ((10, 3), "sm_100a", "cpu"),  # "a" is for that capability alone
        ((10, 0), "sm_100a", "cuda"),
        ((12, 0), "compute_100a", "cpu"),
        ((10, 3), "sm_100f", "cuda"),  # "f" for its major version
        ((12, 0), "compute_100f", "cpu"),
        ((9, 0), "gfx90a gfx942", "cuda"),  # ROCm's names: not ours to judge
        ((6, 0), "", "cuda"),  # a build that doesn't say
    ],
)
def test_a_gpu_without_code_is_passed_over(
    monkeypatch, capsys, capability, built_for, device
):
    found = gpu(monkeypatch, capability, built_for=built_for.split())
    printed = capsys.readouterr().out
    assert found.device == device
    if device == "cuda":
        assert not printed and not found.device_reason
    else:
        version = "{}.{}".format(*capability)
        assert f"the X has compute capability {version}" in printed
        assert torch.__version__ in printed and "another accelerator" in printed
        assert f"torch built for sm_{version.replace('.', '')} " in printed
        assert "no code for the X" in str(found) and found.attention == "sdpa"


def test_on_kaggle_the_way_out_is_the_other_gpu(monkeypatch, capsys):
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    gpu(monkeypatch, (6, 0), built_for=BINARIES.split())
    assert "Choose GPU T4 x2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "bf16"),
    [
        ({"avx512_bf16": True}, True),
        ({"amx_bf16": True}, True),
        ({"avx2": True}, False),
    ],
)
def test_cpu_needs_native_bf16(monkeypatch, flags, bf16):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags)
    found = hardware.detect()
    assert (found.device, found.bf16, found.attention) == ("cpu", bf16, "sdpa")


def test_autocast_follows(monkeypatch):
    test_cpu_needs_native_bf16(monkeypatch, {"avx512_bf16": True}, True)
    with hardware.detect().autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16


def test_out_of_memory_gives_the_next_step():
    with pytest.raises(RuntimeError, match="halve"), hardware.out_of_memory_hint():
        raise torch.cuda.OutOfMemoryError


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's settings")
@pytest.mark.parametrize("keep", ["1", "0"])
def test_freed_memory_is_kept_unless_told_not_to(keep):
    """Blocks above malloc's largest mmap threshold stay with the process."""
    code = (
        "from toolcalling import hardware; import numpy, psutil; hardware.detect()\n"
        "rss = psutil.Process().memory_info\n"
        "block = numpy.ones(2**25); before = rss().rss; del block\n"
        "print((before - rss().rss) >> 20)"
    )
    env = {**os.environ, "TOOLCALLING_KEEP_MEMORY": keep,
           "PYTHONPATH": str(ROOT / "notebooks")}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True,
                          text=True, check=True)  # fmt: skip
    assert (int(done.stdout) < 100) == (keep == "1")
