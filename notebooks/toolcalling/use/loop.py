"""The loop around a model: question, call, run, response, answer or the next call.

    loop = Loop(generator(model, tokenizer, hardware))
    outcome = loop.ask(task.ask("How is ticket 4471?"), HelpDesk().functions())
    print(outcome.answer, outcome.steps)

Nothing runs but functions of the allow-list, with arguments that the declared schema
allows, and never twice with the same arguments.
"""

import copy
import inspect
import json
from dataclasses import dataclass, field

from ..calls import neutralise, parse_reply
from ..judging.arguments import argument_problem, tidied
from .outcomes import Outcome, Step, plain_words
from .responses import error, plain, tool_message


def generator(
    model, tokenizer, hardware, constrained=False, max_new_tokens=160, call_line=None,
):  # fmt: skip
    """What Loop takes as generate: greedy replies of a model, in batches.

    constrained: only replies that the grammar of the declared tools allows.
    call_line: below it the model answers in words; see generate_replies.
    """
    from ..speed.generation import generate_replies

    def generate(conversations):
        return generate_replies(
            model, tokenizer, conversations, hardware,
            max_new_tokens=max_new_tokens, constrained=constrained,
            call_line=call_line,
        )  # fmt: skip

    return generate


def ask_back(conversation, decision):
    """What Loop says where it is unsure: the user decides."""
    tool = decision.tool.replace("_", " ")
    return f"I am not sure what you need. Shall I use “{tool}” for this?"


def trained_on_answers(task):
    """Do the task's training rows teach answers to tools' responses?"""
    return any(row["messages"][-1]["role"] == "tool" for row in task.rows["train"])


@dataclass
class Loop:
    """Asks a model until it answers.

    generate: conversations, [{"prompt": messages, "tools": schemas}], to the model's
    replies, control tokens kept. rounds: how often the model is asked at the most.
    answers: was the model trained to answer tools' responses (trained_on_answers)? If
    not, words, of the steps with a response, puts them into words, and the outcome
    says so; as it does where the model has no words. after_result: names that may
    still be called once a tool has spoken, None for all. Results can carry somebody's
    instructions, so name those alone that change nothing.

    decide: conversations to a judging.decisions.Decision each, asked before the model
    is; None: never. unsure: where the verdict is "unsure", the conversation and its
    Decision to a text for the user, in place of the model's; ask_back, or a function
    of your own that asks a larger model.
    """

    generate: object
    rounds: int = 4
    answers: bool = True
    words: object = plain_words
    after_result: frozenset | None = None
    decide: object = None
    unsure: object = ask_back

    def ask(self, conversation, functions):
        """The Outcome of one conversation; see ask_all."""
        return self.ask_all([conversation], [functions])[0]

    def ask_all(self, conversations, functions):
        """The Outcome of each conversation; those still open are asked together.

        conversations: as Task.ask makes them. functions: the allow-list of each,
        {name: function}. ValueError where an allowed function is not declared, or
        does not take what is declared.
        """
        talks = [
            _Talk(self, conversation, allowed)
            for conversation, allowed in zip(conversations, functions, strict=True)
        ]
        if self.decide and talks:
            decisions = self.decide([talk.conversation for talk in talks])
            for talk, decision in zip(talks, decisions, strict=True):
                talk.consider(decision)
        for round in range(1, self.rounds + 1):
            waiting = [talk for talk in talks if talk.stopped is None]
            if not waiting:
                break
            replies = self.generate([talk.conversation for talk in waiting])
            for talk, reply in zip(waiting, replies, strict=True):
                talk.take(reply, round)
        return [talk.outcome() for talk in talks]


@dataclass
class _Talk:
    """One conversation as it goes on."""

    loop: Loop
    conversation: dict
    functions: dict
    steps: list = field(default_factory=list)
    done: dict = field(default_factory=dict)  # a call as JSON: its message
    stopped: str | None = None
    answer: str = ""
    by: str | None = None

    def __post_init__(self):
        self.conversation = {
            "prompt": list(self.conversation["prompt"]),
            "tools": self.conversation["tools"],
        }
        self.schemas = {
            tool["function"]["name"]: tool["function"].get("parameters") or {}
            for tool in self.conversation["tools"]
        }
        _check(self.functions, self.schemas)

    def consider(self, decision):
        """Where it is unsure, the model is not asked."""
        if decision.verdict != "unsure":
            return
        why = f"a call has the probability {decision.call:.2f}"
        self.steps.append(Step(1, "unsure", "", decision.tool, why=why))
        self.stopped, self.by = "unsure", "code"
        self.answer = self.loop.unsure(self.conversation, decision) or ""

    def take(self, reply, round):
        """One reply of the model: calls are run, words are the answer."""
        parsed, prompt = parse_reply(reply), self.conversation["prompt"]
        words = neutralise(parsed.content).strip()
        if parsed.problems:  # rather nothing than half of what was meant
            why = "; ".join(parsed.problems)
            self.steps.append(Step(round, "malformed", reply, why=why))
            self.stopped = "malformed"
        elif parsed.calls:
            seen = prompt[-1]["role"] == "tool"
            answered = [self._respond(c, reply, round, seen) for c in parsed.calls]
            prompt.append(
                {"role": "assistant", "content": words, "tool_calls": [
                    {"type": "function",
                     "function": {"name": c.name, "arguments": plain(c.arguments)}}
                    for c in parsed.calls
                ]}
            )  # fmt: skip
            prompt += answered
            if not self.loop.answers:
                self.stopped = "answer"
        elif words:
            self.steps.append(Step(round, "answer", reply))
            self.stopped, self.answer, self.by = "answer", words, "model"
        else:
            self.stopped = "silent"

    def outcome(self):
        """What the caller gets; results without words of the model are worded."""
        answer, by = self.answer, self.by if self.answer else None
        responded = [step for step in self.steps if step.response is not None]
        if not answer and responded:
            answer, by = self.loop.words(responded), "code"
        said = [{"role": "assistant", "content": neutralise(answer)}] if answer else []
        conversation = self.conversation
        conversation = {**conversation, "prompt": conversation["prompt"] + said}
        stopped = self.stopped or "rounds"
        return Outcome(answer, by, stopped, tuple(self.steps), conversation)

    def _respond(self, call, reply, round, seen):
        """Run a call, or say why not; the message that the model is shown."""
        name, schema = call.name, self.schemas.get(call.name)
        allowed, why, kind = self.loop.after_result, None, "refused"
        arguments = tidied(call.arguments, schema)
        key = json.dumps([name, arguments], sort_keys=True)
        if name not in self.functions:
            why = f"{name} is not allowed"
        elif problem := argument_problem(arguments, schema):
            why = problem
        elif key in self.done:
            kind, message = "repeated", self.done[key]
        elif seen and allowed is not None and name not in allowed:
            why = f"{name} is not allowed after a tool's result"
        else:
            kind, message, why = self._run(name, arguments)
            self.done[key] = message
        if kind == "refused":
            message = tool_message(name, error(why))
        self.steps.append(
            Step(round, kind, reply, name, arguments, message["content"], why)
        )
        return message

    def _run(self, name, arguments):
        """(kind, message, why) of a call that may run. What a tool raises stays here."""
        try:
            result = self.functions[name](**copy.deepcopy(arguments))
            return "ran", tool_message(name, result), None
        except (Exception, SystemExit) as raised:
            why = f"{type(raised).__name__}: {raised}"
            return "failed", tool_message(name, error(f"{name} failed")), why


def _check(functions, schemas):
    """ValueError for an allow-list that does not fit the declarations."""
    for name, function in functions.items():
        if name not in schemas:
            known = ", ".join(schemas) or "none"
            raise ValueError(
                f"{name} is allowed, but not declared. Declared: {known}. Take it off "
                "the allow-list, or declare it."
            )
        names = list(schemas[name].get("properties") or {})
        try:
            inspect.signature(function).bind(**dict.fromkeys(names))
        except TypeError as error:
            raise ValueError(
                f"{name} does not take what is declared for it ({error}). Declared: "
                f"{', '.join(names) or 'nothing'}."
            ) from None
