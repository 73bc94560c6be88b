"""Can a gated model be fetched from the Hugging Face Hub, and if not, why?"""

from .colab_kaggle import how_to_connect, how_to_give_token


def access_problem(repo):
    """None where the repository can be loaded, else which step is missing.

    The three steps to a gated model: a network, a token, the accepted licence.
    Weights that are in the local Hub cache need none of them.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    if _is_cached(repo):
        return None
    token = get_token()
    if token is None and repo.startswith("google/"):
        return (
            "no Hugging Face token here. Make one (Settings, Access Tokens, Read), "
            f"then {how_to_give_token()}."
        )
    try:
        HfApi().auth_check(repo)
    except GatedRepoError:
        return (
            "its licence is not accepted for this token. Open "
            f"https://huggingface.co/{repo} signed in, and accept it."
        )
    except RepositoryNotFoundError:
        if token is None:
            return "there is no such public model. A private one needs a token."
        return "there is no such model, or the token is wrong or can't see it."
    except HFValidationError:
        return "that is no valid name of a model on the Hub."
    except OfflineModeIsEnabled:
        return "HF_HUB_OFFLINE is set, so there is no network. Unset it."
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            return "the token is wrong or expired. Make a new one and log in again."
        return f"the Hub answered with status {status}. Try again later."
    except Exception as error:  # the HTTP client's errors differ between releases
        if isinstance(error, OSError) or "Connect" in type(error).__name__:
            return f"no network: the Hub was not reached. {how_to_connect()}"
        raise
    return None


def _is_cached(repo):
    """Is a whole snapshot of the repository in the local Hub cache?"""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        return all(
            isinstance(try_to_load_from_cache(repo, name), str)
            for name in ("config.json", "tokenizer.json", "model.safetensors")
        )
    except HFValidationError:
        return False
