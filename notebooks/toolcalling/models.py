"""Choose a model, load it, save it."""

import json
import os
from copy import copy
from dataclasses import dataclass
from pathlib import Path

from .calls import CONTROL_TOKENS
from .setup import embedded_model, model_checks
from .setup.hub_access import (
    NO_TOKEN,
    access_problem,
    network_problem,
    where_to_load,
    within_wait,
)
from .setup.template_check import check_template
from .share.client_format import for_clients
from .workspace import whole_folder

FUNCTIONGEMMA = "google/functiongemma-270m-it"
EMBEDDED = "embedded"


@dataclass(frozen=True)
class ModelChoice:
    """name: what to call it and its results. source: Hub id, or a folder."""

    name: str
    source: str
    reason: str

    @property
    def slug(self):
        """The name as a folder's name."""
        return "".join(c if c.isalnum() or c in "-._" else "-" for c in self.name)

    def __str__(self):
        return f"{self.name}: {self.reason}"


def choose_model(name=None, explain=False):
    """Which model this series works with; prints it.

    An explicit choice (argument, else the variable TOOLCALLING_MODEL: a Hub id,
    a folder, or "embedded") is taken or refused with RuntimeError, never swapped
    for another. Without one: FunctionGemma where a token with access is there,
    else the embedded Gemma 3 270M. Prints why, too, where explain is true or where
    there is a token and FunctionGemma can't be had for another reason.
    """
    wanted = name or os.environ.get("TOOLCALLING_MODEL", "").strip()
    if wanted:
        choice = _explicit(str(wanted))
    else:
        problem = access_problem(FUNCTIONGEMMA)
        if problem is None:
            choice = ModelChoice(
                FUNCTIONGEMMA.split("/")[1], FUNCTIONGEMMA, "your token has access"
            )
        else:
            choice = _embedded(f"the embedded default. FunctionGemma: {problem}")
    short = choice.source != EMBEDDED or NO_TOKEN in choice.reason or wanted
    print("model:", choice.name if short and not explain else choice)
    return choice


def _explicit(wanted):
    if wanted == EMBEDDED:
        return _embedded("chosen explicitly")
    folder = Path(wanted).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise RuntimeError(
                f"The folder {folder.name!r} holds no model: config.json is missing. "
                "Name a folder written by save_pretrained, or a Hub id."
            )
        return ModelChoice(folder.name, str(folder), "a folder, chosen explicitly")
    if wanted.count("/") != 1 or wanted.startswith((".", "/", "~")):
        raise RuntimeError(
            f"There is no folder {wanted!r}, and it is no Hub id (owner/name) either."
        )
    problem = access_problem(wanted)
    if problem:
        raise RuntimeError(f"{wanted} was chosen but can't be had: {problem}")
    return ModelChoice(wanted.split("/")[1], wanted, "from the Hub, chosen explicitly")


def _embedded(reason):
    return ModelChoice(embedded_model.NAME, EMBEDDED, reason)


def load_tokenizer(choice):
    """The tokenizer alone, padding left, with a chat template.

    Raises RuntimeError where its files are missing or damaged, where it lacks
    FunctionGemma's control tokens, and where its template does not carry tools.
    """
    from transformers import AutoTokenizer

    source = location(choice)
    model_checks.tokenizer_files(source)
    with model_checks.clear_errors(source):
        tokenizer = AutoTokenizer.from_pretrained(source, padding_side="left")
    ids = range(embedded_model.FIRST_ID, embedded_model.FIRST_ID + len(CONTROL_TOKENS))
    if tokenizer.convert_ids_to_tokens(list(ids)) != list(CONTROL_TOKENS):
        raise RuntimeError(
            "This model's tokenizer has no FunctionGemma control tokens at ids 46 to "
            f"52. Choose {FUNCTIONGEMMA}, a model tuned from it, or {EMBEDDED!r}."
        )
    if not tokenizer.chat_template:
        tokenizer.chat_template = embedded_model.TEMPLATE.read_text()
    check_template(tokenizer, source)
    return tokenizer


def load_model(choice, hardware):
    """(model, tokenizer), in float32 on hardware's device, greedy, padding left.

    choice: a ModelChoice or the folder of a saved model. Raises RuntimeError as
    load_tokenizer does, and where config or weights are missing, damaged or another
    architecture's.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    source = location(choice)
    model_checks.config_and_weights(source)
    tokenizer = load_tokenizer(source)
    with model_checks.clear_errors(source):  # a Hub model's, before its weights come
        config = AutoConfig.from_pretrained(source)
    model_checks.architecture(config.model_type, source)
    with model_checks.clear_errors(source):
        model, loading = AutoModelForCausalLM.from_pretrained(
            source,
            dtype="float32",
            attn_implementation=hardware.attention,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # every_weight names them
        )
    model_checks.every_weight(loading, source)
    embedded_model.set_generation(model)
    return model.to(hardware.device).eval(), tokenizer


def location(choice):
    """Hub id or folder to load from; the embedded model is made if need be.

    Of a Hub id that can't be reached now, the folder in the local Hub cache;
    RuntimeError where there is none.
    """
    source = getattr(choice, "source", choice)
    if source == EMBEDDED:
        return embedded_model.embedded_model()
    return where_to_load(source) if model_checks.is_hub_id(source) else source


def save_model(model, tokenizer, folder, made_from):
    """Save to folder, in one piece: written beside, then renamed.

    made_from: kept in toolcalling.json; its "base" names the model it was tuned
    from (workspace.stamp gives it). Beside the tokenizer stands how a server reads
    the calls; see share.client_format.
    """
    tokenizer = for_clients(copy(tokenizer))
    with whole_folder(folder) as beside:
        model.save_pretrained(beside)
        tokenizer.save_pretrained(beside)
        (beside / "toolcalling.json").write_text(json.dumps(made_from))


def load_tuned(source, base, hardware):
    """(model, tokenizer) that save_model wrote, if it was tuned from base.

    source: its folder, or the Hub id that it was pushed to.
    """
    tuned_from = made_from(source)["base"]
    if tuned_from != base:
        raise RuntimeError(
            f"The model in {Path(source).name!r} was tuned from {tuned_from}, not from "
            f"{base}. Choose that base, or run notebook 04 again."
        )
    return load_model(source, hardware)


def made_from(source):
    """What save_model noted beside a model: {"base", "data", "epoch", ...}.

    source: as for load_tuned. RuntimeError where there is none, or no network.
    """
    file = Path(source) / "toolcalling.json"
    try:
        if model_checks.is_hub_id(source):
            file = Path(_download(str(source), file.name))
        noted = json.loads(file.read_text())
        return noted | {"base": noted["base"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        if problem := network_problem(error):
            raise RuntimeError(f"{source} can't be had: {problem}") from error
        raise RuntimeError(
            f"There is no fine-tuned model in {Path(source).name!r}. Run notebook 04 "
            "first, or name a folder or Hub id that notebook 06 wrote."
        ) from None


def _download(repo, name):
    """Path of one small file of a Hub repository, of the cache where that is stuck."""
    from huggingface_hub import hf_hub_download

    path, error = within_wait(lambda: hf_hub_download(repo, name))
    if isinstance(error, TimeoutError):
        try:
            return hf_hub_download(repo, name, local_files_only=True)
        except OSError:
            raise error from None
    if error:
        raise error
    return path
