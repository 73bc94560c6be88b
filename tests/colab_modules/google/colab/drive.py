"""google.colab.drive: Google Drive as a folder."""

from pathlib import Path

refusal = None  # for tests: the error that mounting ends in
mounted = []


def mount(mountpoint, force_remount=False, timeout_ms=120000, readonly=False):
    if " " in mountpoint:
        raise ValueError("no space allowed in a mountpoint")
    if refusal:
        raise refusal
    mounted.append(mountpoint)
    (Path(mountpoint) / "MyDrive").mkdir(parents=True)


def flush_and_unmount(timeout_ms=24 * 60 * 60 * 1000):
    mounted.clear()
