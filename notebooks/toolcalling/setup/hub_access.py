"""Can a gated model be fetched from the Hugging Face Hub, and if not, why?"""

import os
import re
import ssl
import string
import threading

from .colab_kaggle import TOKEN, how_to_connect, how_to_give_token

WAIT = 10  # seconds, for all questions to the Hub together
NOT_THE_NETWORK = ("HTTPStatusError", "InvalidURL", "UnsupportedProtocol")
HTTP_CLIENTS = ("httpx", "httpx2", "httpcore", "httpcore2", "requests", "urllib3")
AROUND_TOKENS = string.whitespace + "\"'`“”‘’\u00a0\u3000\u200b\u2060\ufeff"
NO_NETWORK = "no network: the Hub was not reached"
NO_TOKEN = "no Hugging Face token here"


def access_problem(repo):
    """None where the repository can be loaded, else which step is missing.

    The three steps to a gated model: a network, a token, the accepted licence.
    Weights that are in the local Hub cache need none of them. Takes WAIT seconds
    at most, whatever the network does.
    """
    if _cached(repo):
        return None
    token, problem = _usable_token()
    return problem or _problem(repo, token)


def where_to_load(repo):
    """repo, or the folder that the local Hub cache has it in where it is out of reach.

    There the loading libraries would ask for each file several times, for minutes.
    RuntimeError names the missing step where it is in no cache either.
    """
    token, problem = _usable_token()
    problem = problem or _problem(repo, token)
    if problem is None:
        return repo
    folder = _cached(repo)
    if folder is None:
        raise RuntimeError(f"{repo} can't be had: {problem}")
    return folder


def _problem(repo, token):
    """What access_problem says of a repository that is in no cache."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        RepositoryNotFoundError,
    )

    if token is None and repo.startswith("google/"):
        return (
            f"{NO_TOKEN}. Make one (Settings, Access Tokens, Read), "
            f"then {how_to_give_token()}."
        )
    _, error = within_wait(lambda: _ask(repo, token or False))
    if error is None:
        return None
    if _is_a_proxys(getattr(error, "response", None)):
        return network_problem(_NotTheHub())
    if isinstance(error, GatedRepoError):
        return (
            "its licence is not accepted for this token. Open "
            f"https://huggingface.co/{repo} signed in, and accept it."
        )
    if isinstance(error, RepositoryNotFoundError):
        if token is None:
            return "there is no such public model. A private one needs a token."
        return "there is no such model, or the token is wrong or can't see it."
    if isinstance(error, HFValidationError):
        return "that is no valid name of a model on the Hub."
    if isinstance(error, HfHubHTTPError):
        status = getattr(error.response, "status_code", None)
        if status in (401, 403):
            return "the token is wrong or expired. Make a new one and log in again."
        return f"the Hub answered with status {status}. Try again later."
    problem = network_problem(error) or _settings_problem(error)
    if problem is None:
        raise error
    return problem


class _NotTheHub(ConnectionError):
    """Something answered, and it was not the Hub."""


def _ask(repo, token):
    """Ask the Hub for the repository; raises what that ends in. token: False for none."""
    from huggingface_hub import HfApi

    hub = HfApi()
    hub.auth_check(repo, token=token)
    try:  # any page passes auth_check, a network's sign-in page too
        hub.model_info(repo, token=token)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _NotTheHub from error


def within_wait(action):
    """(result, error) of action(); error is a TimeoutError after WAIT seconds.

    On a thread of its own, left behind then: huggingface_hub asks without a time
    limit or again and again, and an HTTP client's limits are for each step, which a
    server that answers in drops never reaches.
    """
    ended = []

    def run():
        try:
            ended.append((action(), None))
        except Exception as error:
            ended.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(WAIT)
    return ended[0] if ended else (None, TimeoutError())


def _is_a_proxys(response):
    """Is this refusal a proxy's page? The Hub's own give their reason in a header."""
    status = getattr(response, "status_code", None)
    if status in (407, 511):  # a proxy's, and a sign-in page's, by definition
        return True
    headers = getattr(response, "headers", {})
    page = "text/html" in headers.get("Content-Type", "")
    reason = any(name.lower().startswith("x-error-") for name in headers)
    return page and not reason and status < 500


def network_problem(error):
    """One sentence and the next step where the network is at fault, else None.

    Looks through the errors behind the given one too. Says nothing of what the
    errors themselves say: a proxy's address may hold a password.
    """
    while error is not None:
        kind = type(error)
        if kind.__name__ == "OfflineModeIsEnabled":
            return "HF_HUB_OFFLINE is set, so there is no network. Unset it."
        of_a_client = kind.__module__.split(".")[0] in HTTP_CLIENTS
        if of_a_client and kind.__name__ not in NOT_THE_NETWORK:
            return _network_sentence(error)
        if isinstance(error, (ConnectionError, TimeoutError, ssl.SSLError)):
            return _network_sentence(error)
        if "Connect" in kind.__name__:  # clients' classes differ between releases
            return _network_sentence(error)
        error = error.__cause__ or error.__context__
    return None


def _network_sentence(error):
    name, text = type(error).__name__, str(error)
    if isinstance(error, TimeoutError) or "Timeout" in name:
        return f"{NO_NETWORK} within {WAIT} seconds. {how_to_connect()}"
    if re.search("certificate", text, re.I):
        return (
            f"{NO_NETWORK} over a connection that this machine trusts. Set "
            "SSL_CERT_FILE to the certificates of your network."
        )
    other = isinstance(error, _NotTheHub) or name in ("ProxyError", "TooManyRedirects")
    if other or "SSL" in text:
        return (
            f"{NO_NETWORK}, a proxy or a sign-in page answered in its place. Sign in, "
            "set HTTPS_PROXY with its user and password, or have it let "
            "huggingface.co through."
        )
    return f"{NO_NETWORK}. {how_to_connect()}"


def _settings_problem(error):
    """The same where this machine's own settings are at fault."""
    if isinstance(error, ImportError) and "SOCKS" in str(error):
        return f"{NO_NETWORK}, a SOCKS proxy is set. Run: pip install socksio"
    if isinstance(error, OSError):
        return f"{NO_NETWORK}. Check the connection, and SSL_CERT_FILE if it is set."
    if isinstance(error, ValueError) or type(error).__name__ in (
        "InvalidURL",
        "UnsupportedProtocol",
    ):
        return (
            f"{NO_NETWORK}, an address in HTTPS_PROXY, ALL_PROXY or HF_ENDPOINT is "
            "none. Mend it or unset it."
        )
    return None


def _usable_token():
    """(token or None, problem or None).

    Blanks and quotes around a token are dropped, in HF_TOKEN, where whatever loads
    the model finds it. What an HTTP header can't carry is a problem, never shown.
    """
    from huggingface_hub import get_token

    try:
        given = get_token()
    except Exception:  # of no common class: not readable, not text, not renewed
        return None, f"the saved token can't be read. Anew: {how_to_give_token()}."
    if given is None:
        return None, None
    token = given.strip(AROUND_TOKENS).removeprefix("Bearer ").strip(AROUND_TOKENS)
    if not re.fullmatch("[!-~]+", token):
        return None, (
            "the Hugging Face token holds blanks or other characters that no token "
            "has. Copy it anew (Settings, Access Tokens), then "
            f"{how_to_give_token()}."
        )
    if token != given:
        os.environ[TOKEN] = token
    return token, None


def _cached(repo):
    """Folder of a whole snapshot of the repository in the local Hub cache, or None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = [
            try_to_load_from_cache(repo, name)
            for name in ("config.json", "tokenizer.json", "model.safetensors")
        ]
    except HFValidationError:
        return None
    whole = all(isinstance(path, str) for path in found)
    return os.path.dirname(found[0]) if whole else None
