"""A saved model as one GGUF file, for llama.cpp and what is built on it.

Weights in half precision (F16) or in blocks of 8 bits (Q8_0) by the gguf package;
Q4_K_M by llama.cpp's own quantiser. The tokenizer, the chat template and the tokens
that end a reply are in the file.
"""

import os
import shutil
import subprocess
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .. import models
from ..calls import CONTROL_TOKENS
from ..setup import model_checks
from ..setup.embedded_model import STOPS

KINDS = ("F16", "Q8_0", "Q4_K_M")
QUANTISER = "llama-quantize"
ARCHITECTURE = "gemma3"
PROMPT = ("toolcalling.prompt.start", "toolcalling.prompt.end")


def write_gguf(folder, path, kind="F16", tokenizer=None, prompt=None):
    """Write the model that models.save_model left in folder as the file path.

    kind: F16 or Q8_0; one-dimensional weights stay F32. tokenizer: None for the
    folder's own. prompt: (start, end) of gguf_words.prompt_around, kept in the file
    for a page that renders no template. Returns the size in bytes.
    The file appears whole or not at all. RuntimeError where the folder holds no such
    model, or one that llama.cpp would compute otherwise.
    """
    from gguf import GGUFWriter, LlamaFileType, quantize

    folder, path = Path(folder), Path(path)
    if kind not in KINDS[:2]:
        raise ValueError(f"The gguf package writes F16 and Q8_0, not {kind!r}.")
    model_checks.config_and_weights(folder)
    config = _config(folder)
    tokenizer = tokenizer or models.load_tokenizer(folder)
    with (
        _whole_file(path) as beside,
        closing(GGUFWriter(beside, ARCHITECTURE)) as writer,
    ):
        writer.add_file_type(LlamaFileType[f"MOSTLY_{kind}"])
        _hyperparameters(writer, config, path.stem)
        for key, text in zip(PROMPT, prompt or (), strict=False):
            writer.add_string(key, text)  # before the tokens: docs/demo reads 1 MB
        _vocabulary(writer, tokenizer, config.vocab_size)
        for name, array in _tensors(folder, config.num_hidden_layers):
            stored = _stored_as(array, kind)
            writer.add_tensor(name, quantize(array, stored), raw_dtype=stored)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    return path.stat().st_size


def quantise_further(source, path, kind="Q4_K_M"):
    """Write the F16 file source as the file path in 4 bits; returns its size in bytes.

    llama.cpp's own quantiser alone can: the program on the PATH, else the package
    cyllama. RuntimeError where neither is there.
    """
    program, path = shutil.which(QUANTISER), Path(path)
    if program is None and find_spec("cyllama") is None:
        raise RuntimeError(
            f"{kind} is written by llama.cpp's own {QUANTISER}, which is not on the "
            "PATH. Install llama.cpp (brew install llama.cpp, or a release of it) or "
            "the package cyllama, or leave this format out."
        )
    with _whole_file(path) as beside:
        if program is None:
            _quantise_in_process(source, beside, kind)
        else:
            done = subprocess.run(
                [program, str(source), str(beside), kind],
                capture_output=True,
                text=True,
            )
            if done.returncode:
                said = (done.stderr or done.stdout).strip().splitlines()
                raise RuntimeError(
                    f"{QUANTISER} failed: {(said or ['no message'])[-1]}"
                )
    return path.stat().st_size


def _quantise_in_process(source, path, kind):
    from gguf import LlamaFileType

    from .llama_cpp import llama_cpp

    cpp = llama_cpp()
    params = cpp.LlamaModelQuantizeParams()
    params.ftype = LlamaFileType[f"MOSTLY_{kind}"].value
    try:
        cpp.model_quantize(str(source), str(path), params)
    except RuntimeError as error:
        raise RuntimeError(
            f"llama.cpp could not write {kind}; it needs weights whose rows are "
            "multiples of 32 long."
        ) from error


@contextmanager
def _whole_file(path):
    """Yields where to write a file, which takes its place when all is written."""
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        yield beside
        os.replace(beside, path)
    except OSError as error:
        raise RuntimeError(
            f"{path.name} could not be written ({error.strerror or error}). What was "
            "there before is untouched. Make room and run this again."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _config(folder):
    """The folder's config; RuntimeError where llama.cpp has no word for it."""
    from transformers import AutoConfig

    with model_checks.clear_errors(folder):
        config = AutoConfig.from_pretrained(folder)
    model_checks.architecture(config.model_type, folder)
    kinds, period = config.layer_types, _period(config)
    regular = ["full_attention" if (i + 1) % period == 0 else "sliding_attention"
               for i in range(len(kinds))]  # fmt: skip
    rope = config.rope_parameters.values()
    odd = {
        "query_pre_attn_scalar": config.query_pre_attn_scalar != config.head_dim,
        "layer_types": kinds != regular,
        "rope_parameters": any(r["rope_type"] != "default" for r in rope),
        "attention_bias": config.attention_bias,
        "attn_logit_softcapping": config.attn_logit_softcapping,
        "final_logit_softcapping": config.final_logit_softcapping,
        "use_bidirectional_attention": config.use_bidirectional_attention,
    }
    if named := [name for name, is_odd in odd.items() if is_odd]:
        raise RuntimeError(
            f"The model in {folder.name!r} cannot become a GGUF file: llama.cpp knows "
            f"Gemma 3 with no other {', '.join(named)} than FunctionGemma's."
        )
    return config


def _period(config):
    """Every how manieth layer looks at the whole text."""
    kinds = config.layer_types
    return kinds.index("full_attention") + 1 if "full_attention" in kinds else 1


def _hyperparameters(writer, config, name):
    from gguf import GGML_QUANT_VERSION

    rope = {kind: r["rope_theta"] for kind, r in config.rope_parameters.items()}
    writer.add_type("model")
    writer.add_name(name)
    writer.add_license("gemma")
    writer.add_quantization_version(GGML_QUANT_VERSION)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_sliding_window(config.sliding_window)
    writer.add_sliding_window_pattern(_period(config))
    writer.add_rope_freq_base(rope["full_attention"])
    writer.add_rope_freq_base_swa(rope["sliding_attention"])


def _vocabulary(writer, tokenizer, size):
    """The tokenizer as llama.cpp's sentencepiece reads it."""
    from gguf import TokenType

    tokens, kinds, scores = [], [], []
    added = tokenizer.added_tokens_decoder
    for i, token in enumerate(tokenizer.convert_ids_to_tokens(list(range(size)))):
        kind, score = TokenType.NORMAL, -float(i)  # ids are in the order of merges
        if token is None:  # rows of the embeddings that no token has
            token, kind, score = f"[PAD{i}]", TokenType.UNUSED, -1000.0
        elif token in CONTROL_TOKENS:
            # As a control token its text would be left out of replies.
            kind, score = TokenType.USER_DEFINED, -1000.0
        elif i in added:
            special = added[i].special
            kind = TokenType.CONTROL if special else TokenType.USER_DEFINED
            score = -1000.0
        elif len(token) == 6 and token.startswith("<0x"):
            kind, score = TokenType.BYTE, 0.0
        tokens.append(token)
        kinds.append(kind)
        scores.append(score)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    eos, response, turn = STOPS
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(eos)
    writer.add_eot_token_id(turn)
    writer.add_eom_token_id(response)
    writer.add_array("tokenizer.ggml.eos_token_ids", [eos, response, turn])  # Ollama's
    writer.add_unk_token_id(tokenizer.unk_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(tokenizer.chat_template)


def _tensors(folder, layers):
    """(GGUF's name, float32 array) of each weight, one at a time."""
    from gguf import MODEL_ARCH, get_tensor_name_map
    from safetensors import safe_open

    names = get_tensor_name_map(MODEL_ARCH.GEMMA3, layers)
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as weights:
            for key in weights.keys():  # noqa: SIM118, it is no mapping
                name = names.get_name(key, try_suffixes=(".weight",))
                if name is None:
                    raise RuntimeError(f"{key} of {file.name} is no weight of Gemma 3.")
                array = weights.get_tensor(key).float().numpy()
                # llama.cpp multiplies by the weight, transformers by one more.
                yield name, array + np.float32(key.endswith("norm.weight"))


def _stored_as(array, kind):
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    stored = GGMLQuantizationType[kind]
    if array.ndim == 1:
        return GGMLQuantizationType.F32
    if array.shape[-1] % GGML_QUANT_SIZES[stored][0]:  # rows too short for its blocks
        return GGMLQuantizationType.F16
    return stored
