"""What a training changed in a model, whole or of low rank, and back into a model.

The embedding matrix is left out but for the control tokens' rows: freeze_embeddings
trains no others.
"""

import torch

from ..speed.frozen_embeddings import CONTROL

ROWS = "control_rows"


def difference(model, before):
    """{parameter's name: what was added, on the CPU}.

    before: {name: weight} of the same parameters before the training.
    """
    matrix, found = model.get_input_embeddings().weight, {}
    for name, weight in model.named_parameters():
        added = weight.detach() - before[name]
        found[ROWS if weight is matrix else name] = added.cpu()
    found[ROWS] = found[ROWS][CONTROL].clone()
    return found


def low_rank(delta, rank):
    """The matrices of a difference as two thin ones, "NAME:a" times "NAME:b".

    By singular values, the best of that rank. Vectors and the control rows stay.
    """
    found = {}
    for name, added in delta.items():
        if name == ROWS or added.ndim < 2:
            found[name] = added
            continue
        left, sizes, right = torch.svd_lowrank(added.float(), q=rank + 16, niter=4)
        root = sizes[:rank].sqrt()
        found[f"{name}:a"] = left[:, :rank] * root
        found[f"{name}:b"] = root[:, None] * right[:, :rank].T
    return found


@torch.no_grad()
def add(model, delta):
    """Add a difference, whole or of low rank, to a model in place.

    ValueError for a difference that does not fit the model; then nothing is added.
    """
    weights, added = dict(model.named_parameters()), {}
    for name, values in delta.items():
        name, _, part = name.partition(":")
        if name == ROWS:
            added[name] = values
        elif part != "b":
            values = values.float() @ delta[f"{name}:b"].float() if part else values
            added[name] = values
    matrix = model.get_input_embeddings().weight
    target = {name: weights.get(name) for name in added} | {ROWS: matrix[CONTROL]}
    wrong = [n for n in added if target[n] is None or target[n].shape != added[n].shape]
    if wrong:
        raise ValueError(f"The adapter does not fit this model: {wrong[0]}.")
    for name, values in added.items():
        if name == ROWS:
            matrix[CONTROL] += values.to(matrix)
        else:
            weights[name] += values.to(weights[name])
