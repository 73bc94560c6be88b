"""Json, a column of any JSON values, also where datasets has none (before 4.7)."""

import json
import warnings
from dataclasses import dataclass, field
from typing import Any, ClassVar

try:
    from datasets import Json
except ImportError:
    import pyarrow
    from datasets.features.features import register_feature

    @dataclass
    class Json:
        """Kept as text; read, it is the value again."""

        pa_type: ClassVar[Any] = pyarrow.string()
        _type: str = field(default="Json", init=False, repr=False)

        def __call__(self):
            return self.pa_type

        def encode_example(self, value):
            # The trl releases that go with such a datasets drop every None of a row.
            if _has_null(calls := value.get("tool_calls")):
                raise RuntimeError(  # datasets hides a ValueError
                    f"A call holds a null, which would be lost here: {calls}. Run "
                    "`pip install -U datasets trl` and restart, or leave it out."
                )
            return json.dumps(value)

        def decode_example(self, value, token_per_repo_id=None):
            return json.loads(value)

    def _has_null(value, top=True):
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            return any(_has_null(inner, top=False) for inner in value)
        return value is None and not top

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "experimental": not in what it is made for
        register_feature(Json, "Json")

__all__ = ["Json"]
