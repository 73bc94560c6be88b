"""Networks and proxies as people have them; servers of our own play them."""

import os
import subprocess
import sys
import time

import pytest
from huggingface_hub import close_session, errors

import hub_stub
from conftest import ROOT
from hub_stub import (
    PUBLIC,
    SECRET,
    at,
    clean,  # noqa: F401 (a fixture for every test here)
    http,
    refused_and_fallen_back,
    server,
)
from toolcalling import models
from toolcalling.setup import hub_access

IN_THE_WAY = {
    "hangs up": (b"", "Check the connection"),
    "no HTTP": (b"\x00\x01hello\r\n\r\n", "Check the connection"),
    "cut off": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "Check the connec"),
    "not gzip": (http("200 OK", Content_Encoding="gzip"), "Check the connection"),
    "403 page": (http("403 Forbidden"), "sign-in page"),
    "401 page": (http("401 Unauthorized"), "sign-in page"),
    "404 page": (http("404 Not Found"), "sign-in page"),
    "407 page": (http("407 Proxy Authentication Required"), "HTTPS_PROXY"),
    "511 page": (http("511 Network Authentication Required"), "Sign in"),
    "sign-in page": (http("200 OK"), "Sign in"),
    "other JSON": (http("200 OK", b"[1]", "application/json"), "Sign in"),
    "redirects": (http("302 Found", Location="/again"), "sign-in page"),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_something_answers_in_the_hubs_place(monkeypatch, capsys, what):
    answer, step = IN_THE_WAY[what]
    with server(answer) as address:
        at(monkeypatch, address)
        reason = refused_and_fallen_back(capsys)
    assert reason.startswith("no network: the Hub was not reached") and step in reason


@pytest.mark.parametrize(
    ("status", "step"),
    [
        ("403 Forbidden", "HTTPS_PROXY"),
        ("407 Proxy Authentication Required", "HTTPS_PROXY"),
        ("302 Found", "HTTPS_PROXY"),
        ("200 OK", "HTTPS_PROXY"),  # and then no TLS
    ],
)
def test_a_proxy_refuses(monkeypatch, capsys, status, step):
    with server(http(status)) as address:
        at(monkeypatch, "https://hub.invalid", address.replace("//", "//me:pass@"))
        reason = refused_and_fallen_back(capsys)
    assert reason.startswith("no network: the Hub was not reached")
    assert step in reason
    assert "pass@" not in reason


@pytest.mark.parametrize(
    ("endpoint", "proxy", "step"),
    [
        ("https://hub.invalid", None, "Check the connection"),  # no such host
        ("http://127.0.0.1:1", None, "Check the connection"),  # refused
        ("https://hub.invalid", "http://127.0.0.1:1", "Check the connection"),
        ("https://hub.invalid", "carrier://pigeon", "Mend it or unset it"),
        ("https://hub.invalid", "http://127.0.0.1:port", "Mend it or unset it"),
        ("127.0.0.1:99", None, "Mend it or unset it"),
        ("https://hub:port", None, "Mend it or unset it"),
    ],
)
def test_nobody_answers(monkeypatch, capsys, endpoint, proxy, step):
    at(monkeypatch, endpoint, proxy)
    reason = refused_and_fallen_back(capsys)
    assert reason.startswith("no network: the Hub was not reached") and step in reason


def test_a_socks_proxy_without_its_package(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "socksio", None)
    at(monkeypatch, "https://hub.invalid", "socks5://127.0.0.1:1")
    assert "pip install socksio" in refused_and_fallen_back(capsys)


def test_certificates(monkeypatch, capsys, tmp_path):
    at(monkeypatch, "https://hub.invalid")
    for file in (tmp_path / "none.pem", tmp_path / "empty.pem"):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        close_session()
        assert "SSL_CERT_FILE" in refused_and_fallen_back(capsys)
        (tmp_path / "empty.pem").touch()
    ConnectError = type("ConnectError", (Exception,), {})
    refusal = "[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate in chain"
    assert "SSL_CERT_FILE" in hub_access.network_problem(ConnectError(refusal))


def test_the_hubs_own_answers_are_not_taken_for_a_proxys(monkeypatch, tmp_path):
    own = [
        ((403, "GatedRepo"), "licence"),
        ((404, "RepoNotFound"), "no such model"),
        ((401, "Other"), "wrong or expired"),
        ((503, "Other"), "status 503"),
    ]
    for refusal, words in own:
        with hub_stub.hub(PUBLIC, tmp_path, refusal) as address:
            at(monkeypatch, address)
            assert words in hub_access.access_problem(PUBLIC)
    for answer in (
        http("403 Forbidden", X_Error_Code="GatedRepo"),
        http("503 Service Unavailable"),  # a busy Hub answers with a page too
    ):
        with server(answer) as address:
            at(monkeypatch, address)
            assert "no network" not in hub_access.access_problem(PUBLIC)


@pytest.mark.parametrize("through", ["the Hub", "TLS", "a proxy"])
def test_no_answer_is_waited_for_only_so_long(monkeypatch, through):
    monkeypatch.setattr(hub_access, "WAIT", 0.5)
    with server(None) as address:
        if through == "a proxy":
            at(monkeypatch, "https://hub.invalid", address)
        else:
            secure = address.replace("http:", "https:")
            at(monkeypatch, secure if through == "TLS" else address)
        begun = time.monotonic()
        problem = hub_access.access_problem(PUBLIC)
    assert "not reached within 0.5 seconds" in problem
    assert 0.5 <= time.monotonic() - begun < 2


def in_a_process(code, **env):
    """(what the code prints, seconds), in a Python of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env = {**kept, "PYTHONPATH": str(ROOT / "notebooks"), **env}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, time.monotonic() - begun


def test_a_process_with_a_silent_hub_goes_on_and_ends(tmp_path):
    assert hub_access.WAIT <= 10
    code = (
        "from toolcalling.setup import hub_access; hub_access.WAIT = 1\n"
        "from toolcalling import models; models.choose_model()"
    )
    with server(None) as address:
        printed, seconds = in_a_process(
            code, HF_ENDPOINT=address, HF_HOME=str(tmp_path)
        )
    assert "the embedded default" in printed and "within 1 seconds" in printed
    assert seconds < 10


# The public copy, from choosing to loading


def test_the_public_copy_needs_no_token(tiny, tmp_path):
    """TOOLCALLING_MODEL=unsloth/... as the README has it, from a Hub on loopback."""
    code = """if True:
        from huggingface_hub import close_session, constants
        from toolcalling import hardware, models
        choice = models.choose_model()
        for _ in range(2):
            model, _ = models.load_model(choice, hardware.detect())
            print("loaded", type(model).__name__)
            close_session()
            constants.ENDPOINT = "http://127.0.0.1:1"  # then from the cache alone
    """
    with hub_stub.hub(PUBLIC, tiny) as address:
        printed, seconds = in_a_process(
            code, HF_ENDPOINT=address, TOOLCALLING_MODEL=PUBLIC, HF_TOKEN="",
            HF_HOME=str(tmp_path), CUDA_VISIBLE_DEVICES="",
        )  # fmt: skip
    assert "model: functiongemma-270m-it\n" in printed
    assert printed.count("loaded Gemma3ForCausalLM") == 2
    assert seconds < 40  # the libraries' own retries take longer


@pytest.mark.parametrize("silent", [False, True])
def test_a_network_that_goes_away_before_loading(monkeypatch, silent):
    """Without this the libraries ask again and again, for minutes."""
    monkeypatch.setattr(hub_access, "WAIT", 0.5)
    choice = models.ModelChoice("x", PUBLIC, "chosen before")

    def download(repo, name, local_files_only=False):
        """Stuck, or refused, as hf_hub_download is; nothing is cached."""
        if silent and not local_files_only:
            time.sleep(1)
        raise errors.LocalEntryNotFoundError("x") from ConnectionError("x")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    begun = time.monotonic()
    with server(None) as address:
        at(monkeypatch, address if silent else "http://127.0.0.1:1")
        for load in (
            lambda: models.load_tokenizer(choice),
            lambda: models.load_model(choice, None),
            lambda: models.load_tuned(PUBLIC, "base", None),
        ):
            with pytest.raises(RuntimeError, match="can't be had: no network"):
                load()
    assert time.monotonic() - begun < 4


@pytest.mark.parametrize(
    ("silent", "token"), [(False, SECRET), (True, SECRET), (False, "no token")]
)
def test_a_cached_model_is_loaded_where_the_hub_is_out_of_reach(
    monkeypatch, tmp_path, silent, token
):
    monkeypatch.setenv("HF_TOKEN", token)
    monkeypatch.setattr(hub_access, "WAIT", 0.5)
    cached = tmp_path / "snapshot"
    monkeypatch.setattr(
        "huggingface_hub.try_to_load_from_cache", lambda _, name: str(cached / name)
    )
    with server(None) as address:
        at(monkeypatch, address if silent else "http://127.0.0.1:1")
        assert models.choose_model(PUBLIC).source == PUBLIC
        assert models.location(PUBLIC) == str(cached)
