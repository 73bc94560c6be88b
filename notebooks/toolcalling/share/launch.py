"""The same training from the command line: one process, many GPUs, many machines.

Writes what `trl sft --config sft.yaml` needs, from the SFTConfig of a notebook.
"""

import dataclasses
from pathlib import Path

# Belong to one machine or one run, not to the recipe: `trl sft` decides them.
LOCAL = {"output_dir", "use_cpu", "bf16", "fp16", "local_rank", "logging_dir"}
TOKENS = ("input_ids", "labels", "completion_mask")  # a trainer's columns


def recipe(config):
    """The settings of an SFTConfig that differ from SFTConfig's own defaults."""
    kind = type(config)
    # Given, though False is not TRL's default: it warns where nothing is said.
    fixed = {"activation_checkpointing": False}
    default = kind(config.output_dir, use_cpu=config.use_cpu, bf16=False, **fixed)
    return fixed | {
        field.name: _plain(getattr(config, field.name))
        for field in dataclasses.fields(kind)
        if field.init
        and field.name not in LOCAL
        and getattr(config, field.name) != getattr(default, field.name)
    }


def _plain(value):
    """Enumerations as their value; YAML has no word for them."""
    return getattr(value, "value", value)


def write_job(folder, config, model, attention, train, dev):
    """Write folder/sft.yaml and folder/data/{train,validation}.parquet.

    config: SFTConfig. model: Hub id or folder. train, dev: Datasets of prompt,
    completion and tools, or what a trainer has made of them, of which the tokens and
    their labels are written. Parquet keeps Json columns as they are. Returns the
    path of sft.yaml.
    """
    import yaml

    folder = Path(folder)
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    for name, rows in (("train", train), ("validation", dev)):
        ready = [column for column in TOKENS if column in rows.column_names]
        rows = rows.select_columns(ready or rows.column_names)
        rows.to_parquet(data / f"{name}.parquet")
    job = {
        "model_name_or_path": str(model),
        "dtype": "float32",
        "attn_implementation": attention,
        "dataset_name": str(data),
        "dataset_test_split": "validation",
        "output_dir": str(folder / "model"),
        **recipe(config),
        # The bare command has no callback that picks the epoch; keep the last.
        "save_strategy": "epoch",
        "save_total_limit": 1,
    }
    target = folder / "sft.yaml"
    target.write_text(yaml.safe_dump(job, sort_keys=False), encoding="utf-8")
    return target
