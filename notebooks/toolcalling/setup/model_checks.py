"""Is a model's folder whole, and is it Gemma 3?

Each check returns nothing, or raises one RuntimeError with the file and the next
step. source: a folder, or a Hub id, of which only what was loaded can be checked.
"""

import json
from contextlib import contextmanager
from pathlib import Path

from .hub_access import network_problem

ARCHITECTURE = "gemma3_text"
LFS_POINTER = b"version https://git-lfs"
AGAIN = "Copy or download the folder again, or choose another model."


def _refuse(source, what, step=None, cause=None):
    kind, name, default = "model", str(source), "Choose another model."
    if Path(source).is_dir():
        kind, name, default = "folder", Path(source).name, AGAIN
    raise RuntimeError(
        f"The {kind} {name!r} can't be loaded: {what}. {step or default}"
    ) from cause


def tokenizer_files(source):
    """Is there a tokenizer? Without its file transformers makes one of nothing."""
    folder = _folder(source)
    if folder and not any(
        (folder / name).is_file() for name in ("tokenizer.json", "tokenizer.model")
    ):
        _refuse(source, "tokenizer.json is missing", _save_the_tokenizer(folder))
    if folder:
        _refuse_pointers(folder, "tokenizer.json", "tokenizer.model")


def _save_the_tokenizer(folder):
    if (folder / "config.json").is_file():
        return "Save the tokenizer into it too (tokenizer.save_pretrained)."
    return "Name a folder written by save_pretrained, or a Hub id."


def config_and_weights(source):
    """Are config.json and the weights there, Gemma 3's, and is neither cut off?"""
    folder = _folder(source)
    if folder is None:
        return
    if not (folder / "config.json").is_file():
        if (folder / "adapter_config.json").is_file():
            _refuse(
                source,
                "it holds an adapter only, config.json is missing",
                "Merge it into its base (merge_and_unload) and save that.",
            )
        _refuse(
            source,
            "config.json is missing",
            "Name a folder written by save_pretrained, or a Hub id.",
        )
    config = _json_mapping(folder / "config.json")
    if config is None:
        _refuse(source, "config.json is damaged or was cut off")
    architecture(config.get("model_type"), source)
    for file in _weights(folder):
        if not file.is_file():
            _refuse(source, f"{file.name} is missing")
        _refuse_pointers(folder, file.name)
        if file.suffix == ".safetensors" and not _is_whole(file):
            _refuse(source, f"{file.name} is damaged or was cut off")


def _weights(folder):
    """The files that the weights must be in: one, or the parts that an index names."""
    index = folder / "model.safetensors.index.json"
    if index.is_file() and not (folder / "model.safetensors").is_file():
        try:
            parts = set(json.loads(index.read_bytes())["weight_map"].values())
            return [folder / str(part) for part in sorted(parts)]
        except (ValueError, KeyError, TypeError, AttributeError):
            _refuse(folder, f"{index.name} is damaged or was cut off")
    older = folder / "pytorch_model.bin"
    return [older if older.is_file() else folder / "model.safetensors"]


def _is_whole(file):
    """Does a safetensors file open, and is it as long as its own header says?"""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="pt"):
            return True
    except (SafetensorError, OSError):
        return False


def _refuse_pointers(folder, *names):
    """A clone made without Git LFS holds a few lines of text in a file's place."""
    for name in names:
        file = folder / name
        if file.is_file():
            with file.open("rb") as opened:
                if opened.read(len(LFS_POINTER)) == LFS_POINTER:
                    _refuse(
                        folder,
                        f"{name} is only Git LFS's pointer to the file",
                        "Run git lfs install and git lfs pull in it.",
                    )


def is_hub_id(source):
    """owner/name, and no folder?"""
    name = str(source)
    named = name.count("/") == 1 and not name.startswith((".", "/", "~"))
    return named and not Path(source).is_dir()


def _folder(source):
    """source as a folder; None for a Hub id; RuntimeError where it is neither."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if not is_hub_id(source):
        raise RuntimeError(
            f"There is no folder {folder.name!r} to load a model from. Run the "
            "notebook that saves it, or name another."
        )
    return None


@contextmanager
def clear_errors(source):
    """Turn what the loading libraries raise into one RuntimeError."""
    try:
        yield
    except (ImportError, MemoryError):  # not the files' fault, and clear as they are
        raise
    except Exception as error:  # of no common class, and different in each release
        folder = _folder(source)
        for file in sorted(folder.glob("*.json")) if folder else ():
            if _json_mapping(file) is None:
                _refuse(source, f"{file.name} is damaged or was cut off", cause=error)
        problem = None if folder else network_problem(error)
        if problem:
            raise RuntimeError(f"{source} can't be had: {problem}") from error
        said = str(error).strip().split("\n")[0][:200].rstrip(".")
        what = f"{type(error).__name__}: {said}" if said else type(error).__name__
        _refuse(source, what, cause=error)


def _json_mapping(file):
    """What a JSON file holds; None where it is no mapping, or is damaged."""
    try:
        held = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    return held if isinstance(held, dict) else None


def architecture(model_type, source):
    """Is it a Gemma 3 for text? Other weights would be taken, at random where short."""
    if model_type != ARCHITECTURE:
        _refuse(
            source,
            f"config.json names the architecture {model_type!r}, and this series works "
            f"with {ARCHITECTURE!r}",
            'Choose google/functiongemma-270m-it, a model tuned from it, or "embedded".',
        )


def every_weight(loading, source):
    """Did weights and config.json fit? What is missing is random after loading."""
    wrong = {
        "are missing": loading["missing_keys"],
        "have another size": loading["mismatched_keys"],
        "are too many": [k for k in loading["unexpected_keys"] if ".layers." in k],
    }
    for what, keys in wrong.items():
        if keys:
            first = min(k if isinstance(k, str) else k[0] for k in keys)
            _refuse(
                source,
                "the weights don't fit config.json, "
                f"{len(keys)} of them {what}, such as {first}",
            )
