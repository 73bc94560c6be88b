"""Tokens as people paste them: what is dropped, what is refused, and never shown."""

import pytest

from hub_stub import SECRET, clean, refused_and_fallen_back  # noqa: F401
from toolcalling import models


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
