"""Prompts for tools of other fields: what two searches' training does elsewhere."""

import json

from . import bfcl, evaluation
from .conversations import DATA, FUNCTION_CALLING
from .function_calls import neutralise

FOLDER = DATA.parent / "unseen_tools"


def load_prompts():
    """[{"id", "prompt", "tools", "accepted"}]: conversations, and the calls due.

    accepted: as bfcl.check takes them; empty where no declared tool fits.
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
        prompt["id"]: bfcl.judge_reply(reply, prompt["tools"], prompt["accepted"])
        for prompt, reply in zip(prompts, replies, strict=True)
    }
