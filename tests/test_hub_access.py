"""Networks, proxies and tokens as people have them; servers of our own play them."""

import os
import subprocess
import sys
import time

import pytest
from huggingface_hub import close_session, constants

import hub_stub
from conftest import ROOT
from hub_stub import http, server
from toolcalling import models
from toolcalling.setup import hub_access

PUBLIC = "unsloth/functiongemma-270m-it"
SECRET = "hf_abcDEF123"


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    """No proxies, no choice, a token; HTTP clients made anew."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.delenv("TOOLCALLING_MODEL", raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", SECRET)
    close_session()
    yield
    close_session()


def at(monkeypatch, endpoint, proxy=None):
    monkeypatch.setattr(constants, "ENDPOINT", endpoint)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)


def refused_and_fallen_back(capsys):
    """The reason: without a choice it is printed, with one it is raised."""
    assert models.choose_model().source == models.EMBEDDED
    printed = capsys.readouterr().out
    with pytest.raises(RuntimeError, match="was chosen but can't be had: ") as caught:
        models.choose_model(PUBLIC)
    reason = str(caught.value).partition("can't be had: ")[2]
    assert f"FunctionGemma: {reason}\n" in printed
    assert SECRET not in printed + str(caught.value)
    return reason


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
    assert reason.startswith("no network: the Hub was not reached") and step in reason
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
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env = {**clean, "PYTHONPATH": str(ROOT / "notebooks"), **env}
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout, time.monotonic() - begun


def test_a_process_with_a_silent_hub_goes_on_and_ends(tmp_path):
    code = "from toolcalling import models; models.choose_model()"
    with server(None) as address:
        printed, seconds = in_a_process(
            code, HF_ENDPOINT=address, HF_HOME=str(tmp_path)
        )
    assert "the embedded default" in printed and "within 10 seconds" in printed
    assert seconds < 15


# Tokens


@pytest.fixture
def heard(monkeypatch):
    """Tokens that the Hub was asked with."""
    tokens = []
    for name in ("auth_check", "model_info"):
        monkeypatch.setattr(
            f"huggingface_hub.HfApi.{name}",
            lambda self, repo, token=None: tokens.append(token),
        )
    return tokens


@pytest.mark.parametrize(
    "around",
    ["{}\n", " {} ", '"{}"', "'{}'", "“{}”", "\ufeff{}", "{}\u200b", "\u00a0{}\r\n",
     "Bearer {}", '"{}"\n'],
)  # fmt: skip
def test_what_stands_around_a_token_is_dropped(monkeypatch, heard, around):
    monkeypatch.setenv("HF_TOKEN", around.format(SECRET))
    assert models.choose_model().source == models.FUNCTIONGEMMA
    from huggingface_hub import get_token

    assert set(heard) == {get_token()} == {SECRET}  # whoever loads finds it mended


@pytest.mark.parametrize(
    "token",
    ["hf_é" + SECRET, SECRET + " b", SECRET + "\tb", SECRET + "\x01b", "日本" + SECRET,
     "\udce9" + SECRET, '""'],
)  # fmt: skip
def test_a_token_that_cannot_be_sent(monkeypatch, capsys, heard, token):
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    reason = refused_and_fallen_back(capsys)
    assert "token holds blanks or other characters" in reason and "Copy it" in reason
    assert not heard


@pytest.mark.parametrize("content", [b"\xff\xfe\xe9", None])
def test_a_saved_token_that_cannot_be_read(monkeypatch, capsys, tmp_path, content):
    monkeypatch.delenv("HF_TOKEN")
    if content is None:
        (tmp_path / "token").mkdir()
    else:
        (tmp_path / "token").write_bytes(content)
    assert "saved token can't be read" in refused_and_fallen_back(capsys)


# The public copy, from choosing to loading


def test_the_public_copy_needs_no_token(tiny, tmp_path):
    """TOOLCALLING_MODEL=unsloth/... as the README has it, from a Hub on loopback."""
    load = (
        "from toolcalling import hardware, models\n"
        "model, tokenizer = models.load_model(models.choose_model(), hardware.detect())\n"
        "print('loaded', type(model).__name__, len(tokenizer))"
    )
    env = {"TOOLCALLING_MODEL": PUBLIC, "HF_HOME": str(tmp_path), "HF_TOKEN": "",
           "CUDA_VISIBLE_DEVICES": ""}  # fmt: skip
    with hub_stub.hub(PUBLIC, tiny) as address:
        printed, _ = in_a_process(load, HF_ENDPOINT=address, **env)
    assert "functiongemma-270m-it: from the Hub, chosen explicitly" in printed
    assert "loaded Gemma3ForCausalLM" in printed
    printed, _ = in_a_process(load, HF_ENDPOINT="http://127.0.0.1:1", **env)
    assert "loaded Gemma3ForCausalLM" in printed  # from the cache, without a network


def test_a_network_that_goes_away_before_loading(monkeypatch):
    at(monkeypatch, "http://127.0.0.1:1")
    choice = models.ModelChoice("x", PUBLIC, "chosen before")
    with pytest.raises(RuntimeError, match="can't be had: no network"):
        models.load_tokenizer(choice)
    with pytest.raises(RuntimeError, match="can't be had: no network"):
        models.load_tuned(PUBLIC, "base", None)
