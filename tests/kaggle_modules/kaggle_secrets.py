"""A stand-in for kaggle_secrets: its real names, signatures and errors, no service."""

secrets = {}  # for tests: those attached to this notebook
failure = None  # for tests: what asking ends in
asked = []


class CredentialError(Exception):
    pass


class BackendError(Exception):
    pass


class ValidationError(Exception):
    pass


class UserSecretsClient:
    def __init__(self):
        if isinstance(failure, CredentialError):  # outside of a session
            raise failure

    def get_secret(self, label) -> str:
        asked.append(label)
        if label is None or len(label) == 0:
            raise ValidationError("a label is needed")
        if failure:
            raise failure
        if label not in secrets:
            raise BackendError(f"no secret {label} for this notebook")
        return secrets[label]
