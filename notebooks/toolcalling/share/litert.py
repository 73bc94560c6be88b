"""One file for LiteRT-LM, Google's runtime for phones, with template and stop tokens.

Needs the packages of PACKAGES, which bring 2 GB; export names them where they lack.
"""

import contextlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from ..calls import START_RESPONSE, TURN_ENDS

PACKAGES = "litert-torch==0.10.0 litert-lm==0.18.1"
PREFILL = [128, 512]  # tokens read at once, by what a prompt needs
CONTEXT = 4096  # tokens of prompt and reply together


def write_litert(folder, path, tokenizer):
    """Write path, a .litertlm file with 8-bit weights; its size in bytes.

    folder: of the saved model. tokenizer: its template goes into the file, for
    LiteRT-LM's conversations with tools. RuntimeError where a package lacks.
    """
    if not _found("litert_torch"):
        raise RuntimeError(
            "LiteRT-LM's converter is not there. It brings 2 GB, so take an environment "
            "of its own, with this series' requirements in it, and run: pip install "
            + PACKAGES
        )
    with _schema_without_tensorflow():
        from litert_torch.generative.export_hf import export

    with tempfile.TemporaryDirectory() as place, open(os.devnull, "w") as nowhere:
        with contextlib.redirect_stdout(nowhere):
            export.export(
                str(folder), place, prefill_lengths=PREFILL, cache_length=CONTEXT,
                litert_lm_llm_metadata_override=_metadata(tokenizer),
            )  # fmt: skip
        (made,) = Path(place).glob("*.litertlm")
        shutil.move(made, path)
    return path.stat().st_size


def how_to_run(file, task):
    """The text of RUN.md."""
    return f"""\
# Run {task.title}

`{file}` holds the weights in 8 bits, the tokenizer, the chat template and the stop
tokens. `self_test.json` holds ten prompts with the calls that they must give.

    pip install litert-lm==0.18.1
    litert-lm run {file}

In a program, `litert_lm.Engine("{file}").create_conversation(...)` takes messages and
tools. On Android and iOS LiteRT-LM reads the same file; that was not tried here.
"""


def _metadata(tokenizer):
    """LiteRT-LM's LlmMetadata, in protobuf's text format."""

    def token(kind, text):
        return (
            f"{kind} {{ token_ids {{ ids: {tokenizer.convert_tokens_to_ids(text)} }} }}"
        )

    return "\n".join([
        token("start_token", tokenizer.bos_token),
        *(token("stop_tokens", text) for text in (*TURN_ENDS, START_RESPONSE)),
        f"max_num_tokens: {CONTEXT}",
        f"jinja_prompt_template: {json.dumps(tokenizer.chat_template)}",
        # Its own way of writing declarations leaves out enums and nested objects.
        "llm_model_type { function_gemma { use_template_for_fc_format: true } }",
    ])  # fmt: skip


@contextlib.contextmanager
def _schema_without_tensorflow():
    """While litert-torch 0.10 is imported: the module of TensorFlow that it reads.

    It does not require TensorFlow; ai_edge_litert, which it does, has the same module.
    """
    from ai_edge_litert import schema_py_generated

    names = ("tensorflow", "tensorflow.lite", "tensorflow.lite.python")
    lacking = [name for name in names if not _found(name)]
    for name in lacking:
        spec = importlib.machinery.ModuleSpec(name, None)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        sys.modules[name].schema_py_generated = schema_py_generated
    yield
    for name in lacking:
        del sys.modules[name]


def _found(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
