"""google.colab.userdata: the secrets behind the key symbol."""

from google.colab import errors

# For tests. name: value, or None where this notebook may not read it.
secrets = {}
in_browser = True  # False: as in a kernel that no Colab page is connected to
asked = []


class NotebookAccessError(Exception):
    def __init__(self, key):
        super().__init__(f"this notebook may not read {key}")


class SecretNotFoundError(errors.Error):
    def __init__(self, key):
        super().__init__(f"there is no secret {key}")


class TimeoutException(errors.Error):
    def __init__(self, key):
        super().__init__(f"no answer from the page when asked for {key}")


def get(key):
    asked.append(key)
    if not in_browser:
        raise TimeoutException(key)
    if key not in secrets:
        raise SecretNotFoundError(key)
    if secrets[key] is None:
        raise NotebookAccessError(key)
    return secrets[key]
