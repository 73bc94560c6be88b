"""Train without the embedding matrix: nearly two thirds of the parameters.

All rows stay as they are but those of the control tokens, whose changes are kept
in a matrix of their own. Gradient and Adam's moments of 168 million parameters
are so never made; what is left to learn is in the layers.
"""

import torch
from torch.nn.functional import embedding, linear

from ..calls import CONTROL_TOKENS
from ..setup.embedded_model import FIRST_ID

NAME = "control_rows"
CONTROL = slice(FIRST_ID, FIRST_ID + len(CONTROL_TOKENS))


class ControlRows(torch.nn.Module):
    """What is added to the control tokens' rows, of shape (control tokens, hidden).

    It is added where the model reads tokens and where it scores them, so forward,
    backward and generate see the sum. What is frozen is cast once for autocast,
    which else would cast the whole matrix at each call.
    """

    def __init__(self, model):
        super().__init__()
        matrix = model.get_input_embeddings()
        self.head = [model.get_output_embeddings()]  # in a list: no submodule
        shape = (len(CONTROL_TOKENS), matrix.weight.shape[1])
        self.added = torch.nn.Parameter(matrix.weight.new_zeros(shape))
        self.cast = None  # the matrix in autocast's format, and of which version
        self.head[0].forward = self._score
        self.hooks = (
            matrix.register_forward_hook(self._read),
            model.register_forward_pre_hook(_check_head, with_kwargs=True),
        )

    def _read(self, matrix, args, output):
        number = args[0] - FIRST_ID
        last = len(self.added) - 1
        own = embedding(number.clamp(0, last), self.added)
        own = own * getattr(matrix, "embed_scale", 1.0)  # Gemma scales what it reads
        inside = (number >= 0) & (number <= last)
        return output + own * inside[..., None].to(output.dtype)

    def _score(self, hidden):
        matrix = self._matrix(hidden.device.type)
        return Score.apply(hidden.to(matrix.dtype), matrix, self.added.to(matrix.dtype))

    def _matrix(self, device):
        weight = self.head[0].weight
        if not torch.is_autocast_enabled(device):
            return weight
        dtype, version = torch.get_autocast_dtype(device), weight._version
        if self.cast is None or self.cast[:2] != (dtype, version):
            self.cast = dtype, version, weight.detach().to(dtype)
        return self.cast[2]


class Score(torch.autograd.Function):
    """hidden (..., hidden size) times the frozen matrix with the added rows in it.

    Nothing of the scores' size is made but the scores: autograd would copy the
    gradient for the few columns that are added.
    """

    @staticmethod
    def forward(ctx, hidden, matrix, added):
        ctx.save_for_backward(hidden, matrix, added)
        scores = linear(hidden, matrix)
        scores[..., CONTROL] += linear(hidden, added)
        return scores

    @staticmethod
    def backward(ctx, upstream):
        hidden, matrix, added = ctx.saved_tensors
        own = upstream[..., CONTROL]
        rows = own.flatten(0, -2).T @ hidden.flatten(0, -2)
        return upstream @ matrix + own @ added, None, rows


def _check_head(model, args, kwargs):
    if kwargs.get("fused_lm_head"):
        raise ValueError(
            "Frozen embeddings need SharedPrefixSFTTrainer: TRL's own trainer "
            "multiplies with the matrix itself and would miss the learnt rows."
        )


def freeze_embeddings(model):
    """Leave the embedding matrix alone but for the control tokens' rows.

    Call it before the trainer is made, and merge_embeddings after training. Needs
    tied embeddings (ValueError else), and a trainer that runs the model's own
    output layer: SharedPrefixSFTTrainer. TRL's stock trainer goes around it.
    """
    if model.get_input_embeddings().weight is not model.get_output_embeddings().weight:
        raise ValueError(
            "freeze_embeddings needs a model whose input and output embeddings are "
            "one matrix, as Gemma's are. Train this one whole."
        )
    if not hasattr(model, NAME):
        model.get_input_embeddings().weight.requires_grad_(False)
        model.add_module(NAME, ControlRows(model))


def merge_embeddings(model):
    """Add the learnt rows to the matrix: a plain model again, nothing frozen."""
    rows = getattr(model, NAME, None)
    if rows is None:
        return
    weight = model.get_input_embeddings().weight
    with torch.no_grad():
        weight[CONTROL] += rows.added
    for hook in rows.hooks:
        hook.remove()
    del rows.head[0].forward  # its own again
    delattr(model, NAME)
    weight.requires_grad_(True)


def plain_weights(model):
    """The state dict, without the learnt rows where the matrix is frozen."""
    weights = model.state_dict()
    weights.pop(f"{NAME}.added", None)
    return weights


def add_rows(model, weights):
    """Merge the learnt rows into a copy of plain_weights, in place."""
    rows = getattr(model, NAME, None)
    if rows is not None:
        matrix = model.get_input_embeddings().weight
        name = next(n for n, p in model.named_parameters() if p is matrix)
        weights[name][CONTROL] += rows.added.detach().to(weights[name].device)
