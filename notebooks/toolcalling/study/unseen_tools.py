"""Prompts for tools of other fields: what two searches' training does elsewhere."""

import json

from .. import evaluation
from ..calls import neutralise
from ..judging import matching
from ..tasks import FUNCTION_CALLING, ROOT

FOLDER = ROOT / "data" / "unseen_tools"


def load_prompts():
    """[{"id", "prompt", "tools", "accepted"}]: conversations, and the calls due.

    accepted: as matching.check takes them; empty where no declared tool fits.
    """
    text = (FOLDER / "tools.json").read_text(encoding="utf-8")
    schemas = {tool["function"]["name"]: tool for tool in json.loads(text)}
    lines = (FOLDER / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    return [
        {
            "id": row["id"],
            "prompt": [
                {"role": "developer", "content": FUNCTION_CALLING},
                {"role": "user", "content": neutralise(row["user_content"])},
            ],
            "tools": [schemas[name] for name in row["tools"]],
            "accepted": row["accepted"],
        }
        for row in map(json.loads, lines)
    ]


def judge_all(model, tokenizer, hardware):
    """{prompt's id: what is wrong with the model's reply, None if nothing}"""
    prompts = load_prompts()
    replies = evaluation.generate_replies(model, tokenizer, prompts, hardware)
    return {
        prompt["id"]: matching.judge_reply(reply, prompt["tools"], prompt["accepted"])
        for prompt, reply in zip(prompts, replies, strict=True)
    }
