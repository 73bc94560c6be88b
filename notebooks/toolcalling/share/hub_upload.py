"""Put a tuned model on the Hugging Face Hub: first a folder, then the push of it."""

import shutil
from pathlib import Path

from ..workspace import whole_folder


def stage(finetuned, card, folder):
    """Write folder exactly as it would be pushed; returns its files' names, sorted.

    finetuned: what models.save_model wrote: weights, tokenizer with its template,
    toolcalling.json. card: a ModelCard, which becomes README.md. Written beside,
    then renamed. It loads as any saved model does.
    """
    with whole_folder(folder) as beside:
        shutil.copytree(finetuned, beside, dirs_exist_ok=True)
        card.save(beside / "README.md")
    return sorted(path.name for path in Path(folder).iterdir())


def push(folder, repo, private=True):
    """Upload a staged folder to the Hub as one commit; returns the page's address.

    repo: owner/name, made if it isn't there. RuntimeError names the missing step.
    """
    from huggingface_hub import HfApi, get_token
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if get_token() is None:
        raise RuntimeError(
            "No Hugging Face token here. Make one of type Write (Settings, Access "
            "Tokens), then run huggingface_hub.login() or set HF_TOKEN."
        )
    try:
        HfApi().create_repo(repo, private=private, exist_ok=True)
        HfApi().upload_folder(repo_id=repo, folder_path=str(folder))
    except HFValidationError:
        raise RuntimeError(f"{repo!r} is no name of the form owner/name.") from None
    except HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status not in (401, 403):
            raise
        raise RuntimeError(
            f"The token may not write to {repo}. Make one of type Write for that "
            "owner, log in again, and run this cell again."
        ) from error
    return f"https://huggingface.co/{repo}"
