"""What the first cell of every notebook does, anywhere."""

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
    _fetched = _fetched or fetched
    if _fetched:
        packages.install_missing()
    else:
        packages.check()
    colab_kaggle.take_token()
    if drive:
        colab_kaggle.mount_drive()
