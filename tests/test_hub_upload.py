"""What would be pushed is a folder that loads; its card says what was measured."""

import json
from types import SimpleNamespace

import huggingface_hub
import pytest
from huggingface_hub.errors import HfHubHTTPError

import series
from toolcalling import models
from toolcalling.share import hub_upload
from toolcalling.share.model_card import model_card


@pytest.fixture(scope="module")
def core():
    return json.loads(series.RESULTS.read_text())


@pytest.fixture(scope="module")
def card(core, task):
    return model_card(core, task)


@pytest.fixture
def staged(card, tiny_loaded, tmp_path):
    model, tokenizer, _ = tiny_loaded
    models.save_model(
        model, tokenizer, tmp_path / "finetuned", {"base": "tiny", "epoch": 1}
    )
    folder = tmp_path / "hub"
    assert hub_upload.stage(tmp_path / "finetuned", card, folder) == sorted(
        path.name for path in folder.iterdir()
    )
    return folder


def test_the_card_gives_the_run_and_nothing_else(core, task, card):
    after = core["after"]
    assert f"{after['correct']}/{after['n']} | {after['strict']:.1%}" in card.text
    assert "{:.1%} to {:.1%}".format(*after["wilson"]) in card.text
    leak = core["measures"]["leak_rate"]
    assert f"| leak rate | {leak['correct']}/{leak['n']} |" in card.text
    assert card.text.count(core["data"]) and core["data"] in card.content
    assert all(line in card.text for line in task.developer.splitlines())
    assert card.data.license == "gemma"
    assert card.data.base_model == "google/gemma-3-270m"
    (result,) = card.data.eval_results
    assert result.metric_value == round(after["strict"], 4)


def test_the_card_is_metadata_that_the_hub_reads(card, tmp_path):
    card.save(tmp_path / "README.md")
    again = huggingface_hub.ModelCard.load(tmp_path / "README.md")
    assert again.data.to_dict() == card.data.to_dict()


def test_the_folder_loads_as_the_model(staged, tiny_loaded):
    names = {path.name for path in staged.iterdir()}
    assert {"README.md", "model.safetensors", "tokenizer.json", "config.json",
            "chat_template.jinja", "toolcalling.json"} <= names  # fmt: skip
    loaded, _ = models.load_tuned(staged, "tiny", tiny_loaded[2])
    weights = tiny_loaded[0].state_dict()
    for name, tensor in loaded.state_dict().items():
        assert tensor.equal(weights[name])


def test_a_second_dry_run_replaces_the_first(staged, card):
    (staged / "stray.txt").write_text("old")
    names = hub_upload.stage(staged.with_name("finetuned"), card, staged)
    assert "stray.txt" not in names
    assert [p.name for p in staged.parent.iterdir() if p.name.startswith(".")] == []


def test_push_makes_a_private_repository_and_uploads_the_folder(staged, monkeypatch):
    calls = []
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")

    class Api:
        def create_repo(self, repo, **options):
            calls.append((repo, options))

        def upload_folder(self, repo_id, folder_path):
            calls.append((repo_id, folder_path))

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    assert hub_upload.push(staged, "me/it") == "https://huggingface.co/me/it"
    assert calls == [
        ("me/it", {"private": True, "exist_ok": True}), ("me/it", str(staged))
    ]  # fmt: skip


def test_push_without_a_token_names_the_step(staged, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: None)
    with pytest.raises(RuntimeError, match="type Write"):
        hub_upload.push(staged, "me/it")


@pytest.mark.parametrize(("repo", "message"), [
    ("me/it", "may not write to me/it"), ("no name at all/", "owner/name"),
])  # fmt: skip
def test_what_the_hub_refuses_is_said_in_one_sentence(
    staged, monkeypatch, repo, message
):
    monkeypatch.setattr(huggingface_hub, "get_token", lambda: "token")

    def refuse(self, repo, **_):
        huggingface_hub.utils.validate_repo_id(repo)
        raise HfHubHTTPError(
            "no", response=SimpleNamespace(status_code=403, headers={}, request=None)
        )

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", refuse)
    with pytest.raises(RuntimeError, match=message):
        hub_upload.push(staged, repo)


def test_a_tuned_model_can_be_named_by_its_hub_id(monkeypatch, tmp_path):
    noted = tmp_path / "toolcalling.json"
    noted.write_text('{"base": "tiny", "epoch": 2}')
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda repo, name: noted)
    assert models.made_from("me/it") == {"base": "tiny", "epoch": 2}
    monkeypatch.undo()
    with pytest.raises(RuntimeError, match="no fine-tuned model in 'nothing'"):
        models.made_from(tmp_path / "nothing")
