"""What a training step keeps in memory, by part."""

import torch


def training_memory(model, forward):
    """GiB by part of one training step with AdamW in float32.

    forward: runs the model on a batch and returns the loss. What autograd keeps
    for the backward pass is counted as it happens, on any device: "activations",
    "logits" (last dimension the vocabulary) and "bfloat16 copies" of the weights,
    which autocast makes. Gradients and Adam's two moments follow from the
    parameters that require a gradient.
    """
    parameters = list(model.parameters())
    own = {p.untyped_storage().data_ptr() for p in parameters}
    shapes = {shape for p in parameters for shape in (p.shape, p.shape[::-1])}
    vocabulary = model.config.vocab_size
    kept = {}

    def count(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() in own:
            return tensor
        if tensor.dtype == torch.bfloat16 and tensor.shape in shapes:
            part = "bfloat16 copies"
        elif tensor.shape[-1:] == (vocabulary,):
            part = "logits"
        else:
            part = "activations"
        kept[storage.data_ptr()] = (part, storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        loss = forward()  # holds the graph, so no address is used twice
    trained = sum(p.numel() for p in parameters if p.requires_grad)
    parts = {
        "weights": 4 * sum(p.numel() for p in parameters),
        "gradients": 4 * trained,
        "Adam's moments": 8 * trained,
        "bfloat16 copies": 0,
        "activations": 0,
        "logits": 0,
    }
    for part, size in kept.values():
        parts[part] += size
    del loss
    parts["together"] = sum(parts.values())
    return {part: size / 2**30 for part, size in parts.items()}
