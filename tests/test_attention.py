"""Which attention kernel is taken and chosen: with stubs, for there is no GPU here."""

from types import SimpleNamespace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from toolcalling import hardware
from toolcalling.speed import attention

GPU = SimpleNamespace(device="cuda", bf16=True)


def entry(taken, **milliseconds):
    kernels = {
        name: {"first": 1.0, "median": ms / 1e3} if ms else {"reason": "no mask"}
        for name, ms in milliseconds.items()
    }
    return {"length": 1000, "masked": True, "taken": taken, "kernels": kernels}


@pytest.mark.parametrize(
    ("taken", "times", "best"),
    [
        ("cudnn", {"flash": 1.0, "cudnn": 2.0}, "flash"),
        ("cudnn", {"flash": 1.0, "cudnn": 1.05}, "cudnn"),  # nearly as fast: as it is
        ("efficient", {"flash": None, "efficient": 3.0, "math": 9.0}, "efficient"),
        ("math", {"flash": None, "efficient": 3.0}, "efficient"),  # math did not fit
        ("math", {"flash": None}, None),
    ],
)
def test_the_fastest_kernel_that_can_compute_it(taken, times, best):
    assert attention.fastest(entry(taken, **times)) == best


def test_the_text_names_what_is_taken_and_what_is_faster():
    text = attention.describe([entry("cudnn", flash=None, cudnn=2.0, efficient=1.0)])
    assert text == (
        "1,000 tokens, padded      sdpa takes cudnn, efficient is faster: "
        "cudnn 2.00 ms, efficient 1.00 ms"
    )
    assert "faster" not in attention.describe([entry("flash", flash=1.0, math=4.0)])


@pytest.mark.parametrize(
    ("backend", "name"),
    [(SDPBackend.FLASH_ATTENTION, "flash"), (SDPBackend.MATH, "math")],
)
@pytest.mark.parametrize("masked", [True, False])
def test_the_kernel_taken_is_seen(backend, name, masked):
    """On a CPU, whose kernel of this name is another but chosen the same way."""
    run = attention.layer(20, masked, "cpu", torch.float32)
    with sdpa_kernel(backend):
        assert attention.kernel_taken(run) == name


def test_with_and_without_a_mask_the_same_is_computed():
    gradients = []
    for masked in (True, False):
        torch.manual_seed(0)
        run = attention.layer(20, masked, "cpu", torch.float32)
        run()
        tensors = [c.cell_contents for c in run.__closure__]
        grads = [t.grad for t in tensors if getattr(t, "grad", None) is not None]
        gradients.append(sorted(grads, key=lambda g: g.sum().item()))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_each_kernel_is_measured_alone_and_a_refusal_kept(monkeypatch):
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    on_cpu = lambda length, masked, device, dtype: attention.layer(  # noqa: E731
        length, masked, "cpu", dtype
    )

    def seconds(run):
        run()
        return {"first": 2.0, "median": 1.0}

    found = attention.measure(GPU, (20,), on_cpu, seconds)
    assert [e["masked"] for e in found] == [False, True]
    for measured in found:
        assert measured["taken"] == "flash"
        assert measured["kernels"]["math"] == {"first": 2.0, "median": 1.0}
        # A CPU has neither: torch says that there is no kernel left.
        assert set(measured["kernels"]["cudnn"]) == {"reason"}
        assert set(measured["kernels"]["efficient"]) == {"reason"}


def test_on_a_cpu_nothing_is_measured_or_said(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    found = attention.measure(hardware.detect(), layer=None)
    assert found == [] and attention.describe(found) == ""
