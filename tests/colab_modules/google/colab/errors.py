"""google.colab.errors"""


class Error(Exception):
    """What Colab's own errors have in common; not all of them have it."""


class AuthorizationError(Error):
    """Not allowed."""
