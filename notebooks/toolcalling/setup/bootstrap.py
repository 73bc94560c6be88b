"""What the first cell of every notebook does, anywhere."""

import os
import sys
import warnings
from pathlib import Path

from . import colab_kaggle, packages

FETCHED = "tutorial"  # the folder that the first cell fetches this checkout to


def prepare(drive=False):
    """Have the packages, a token where a secret holds one, and Drive if asked for.

    In a checkout that a notebook fetched (Colab, Kaggle) install what is missing,
    leave the rest alone. In a checkout of your own nothing is installed;
    RuntimeError says what to run.
    drive: on Colab, mount Google Drive and keep products there.
    """
    # Without ipywidgets progress bars are text, and no worse for it.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if packages.REQUIREMENTS.parent.name == FETCHED:
        packages.install_missing()
    else:
        packages.check()
    # A kernel started without its environment's programs on the path has them too.
    tensorboard = Path(sys.executable).with_name("tensorboard")
    if tensorboard.is_file():
        os.environ.setdefault("TENSORBOARD_BINARY", str(tensorboard))
    colab_kaggle.take_token()
    if drive:
        colab_kaggle.mount_drive()
