"""What Colab and Kaggle have of their own: secrets, a disk that stays, menus.

Imports nothing of ours. Anywhere else the actions here do nothing.
"""

import os
import sys
from pathlib import Path

DRIVE = Path("/content/drive/MyDrive")  # Google Drive, where it is mounted
KAGGLE_OUTPUT = Path("/kaggle/working")  # kept when a version is saved
TOKEN = "HF_TOKEN"  # the secret's name, and huggingface_hub's variable


def on_kaggle():
    """Is this a Kaggle session?"""
    return "KAGGLE_KERNEL_RUN_TYPE" in os.environ


def on_colab():
    """Is this a Colab runtime? Kaggle's image carries google.colab, and is none."""
    on = "google.colab" in sys.modules or "COLAB_RELEASE_TAG" in os.environ
    return on and not on_kaggle()


def lasting_folder():
    """Where products outlive the session: a mounted Drive, Kaggle's output, or None."""
    if on_colab() and DRIVE.is_dir():
        return DRIVE / "toolcalling"
    if on_kaggle() and KAGGLE_OUTPUT.is_dir():
        return KAGGLE_OUTPUT / "toolcalling"
    return None


def mount_drive():
    """On Colab, mount Google Drive; RuntimeError says what to do if it was refused."""
    if not on_colab() or DRIVE.is_dir():
        return
    from google.colab import drive

    try:
        drive.mount(str(DRIVE.parent))
    except Exception as error:  # of no common class: refused, timed out, not offered
        raise RuntimeError(
            f"Google Drive was not mounted ({error}): run this cell again and allow "
            "it, or set USE_DRIVE = False."
        ) from error


def take_token():
    """Put the Hugging Face token of Colab's or Kaggle's secrets into HF_TOKEN.

    There huggingface_hub finds it, and so do notebooks that this one runs: their
    kernels can't ask Colab. A token that is set already stays; without a secret
    nothing happens.
    """
    token = os.environ.get(TOKEN)
    if not token and on_kaggle():
        token = _kaggle_secret(TOKEN)
    elif not token and on_colab():
        from huggingface_hub import get_token  # asks Colab, once in a session

        token = get_token()
    if token:
        os.environ[TOKEN] = token


def _kaggle_secret(label):
    """The secret's value; None where there is none, or it is not attached."""
    try:
        import kaggle_secrets
    except ImportError:
        return None
    none = (
        kaggle_secrets.BackendError,  # no such secret, or not for this notebook
        kaggle_secrets.CredentialError,
        ConnectionError,  # the internet switch is off
    )
    try:
        return kaggle_secrets.UserSecretsClient().get_secret(label).strip()
    except none:
        return None


def how_to_give_token():
    """How this session gets a token, as the end of a sentence."""
    if on_kaggle():
        return (
            f"attach it to this notebook as the secret {TOKEN} (Add-ons, Secrets) and "
            "run the first cell again"
        )
    if on_colab():
        return (
            f"add it as the secret {TOKEN} (the key symbol at the left), allow this "
            "notebook to read it, and restart the session"
        )
    return f"run huggingface_hub.login() or set {TOKEN}"


def how_to_connect():
    """What to do without a network, as a sentence."""
    if on_kaggle():
        return "Switch Internet on in the notebook's session options, in the side bar."
    return "Check the connection."


def how_to_restart():
    """Where the menu has it."""
    if on_kaggle():
        return "Run, Restart & clear cell outputs"
    return "Runtime, Restart session" if on_colab() else "Kernel, Restart"
