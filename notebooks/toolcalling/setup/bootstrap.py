"""What the first cell of every notebook does, anywhere."""

import os
import sys
import warnings
from pathlib import Path

from . import colab_kaggle, packages

_fetched = False  # run again, the cell finds the checkout it fetched around it


def prepare(fetched=False, drive=False):
    """Have the packages, a token where a secret holds one, and Drive if asked for.

    fetched: this checkout was fetched by a notebook (Colab, Kaggle): install what
    is missing, leave the rest alone. In a checkout of your own nothing is
    installed; RuntimeError says what to run.
    drive: on Colab, mount Google Drive and keep products there.
    """
    global _fetched
    # Without ipywidgets progress bars are text, and no worse for it.
    warnings.filterwarnings("ignore", message="IProgress not found")
    _fetched = _fetched or fetched
    if _fetched:
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
