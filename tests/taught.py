"""A conversation that the tiny model learns by heart, so that it calls a tool."""

import torch

TOWN = {"type": "string", "description": "Where."}
DAYS = {"type": "integer", "description": "How many."}
SCHEMA = {
    "type": "object",
    "properties": {"town": TOWN, "days": DAYS},
    "required": ["town"],
}
FUNCTION = {"name": "get_weather", "description": "Weather.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": FUNCTION}]
ARGUMENTS = {"town": "Lisbon", "days": 2}

ASKED = {"role": "user", "content": "Rain in Lisbon?"}
CALLING = {
    "role": "assistant",
    "tool_calls": [
        {
            "type": "function",
            "function": {"name": "get_weather", "arguments": ARGUMENTS},
        }
    ],
}
TOOL = {"role": "tool", "name": "get_weather", "content": "dry"}
ANSWER = {"role": "assistant", "content": "It stays dry."}
GREETED = {"role": "user", "content": "Hello"}
GREETING = {"role": "assistant", "content": "Hello to you."}

TURNS = (  # what is asked, what the model then says
    ([ASKED], CALLING),
    ([ASKED, CALLING, TOOL], ANSWER),
    ([GREETED], GREETING),
)


def rendered(tokenizer, messages, answer):
    """(prompt, reply up to its stop token), as text."""
    options = {"tools": TOOLS, "tokenize": False}
    prompt = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, **options
    )
    whole = tokenizer.apply_chat_template([*messages, answer], **options)
    return prompt, whole.removeprefix(prompt).rstrip("\n")


def teach(model, tokenizer):
    """Train the model until it gives each turn; about 4 seconds of computing."""
    ids = [
        [tokenizer(text, add_special_tokens=False)["input_ids"] for text in pair]
        for pair in (rendered(tokenizer, *turn) for turn in TURNS)
    ]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(300):
        loss = sum(_loss(model, *pair) for pair in ids)
        if loss < 0.05:
            break
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()


def _loss(model, prompt, reply):
    logits = model(
        input_ids=torch.tensor([prompt + reply]), logits_to_keep=len(reply) + 1
    ).logits
    return torch.nn.functional.cross_entropy(logits[0, :-1], torch.tensor(reply))
