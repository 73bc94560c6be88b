"""The call line: chosen by its rule, kept with the model, and kept to."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import matplotlib
import pytest
import torch

from scripted import ASKED, call, scripted
from test_forced_choice import plain
from toolcalling import charts
from toolcalling.calls import START_CALL
from toolcalling.judging import decisions
from toolcalling.judging.decisions import CallLine, choose_line, decide
from toolcalling.speed.generation import generate_replies, render_prompts
from toolcalling.study import call_line as study
from toolcalling.use.loop import Loop

matplotlib.use("Agg")
KB, WEB = "search_knowledge_base", "search_google"


@pytest.fixture
def eager(tiny_loaded, task):
    """(model, tokenizer, hardware) that likes calls; and what it is asked."""
    model, tokenizer, machine = tiny_loaded
    more = torch.zeros(model.config.vocab_size)
    more[tokenizer.convert_tokens_to_ids(START_CALL)] = 8.7  # about as likely as not
    hook = model.lm_head.register_forward_hook(lambda _, given, logits: logits + more)
    yield (model, tokenizer, replace(machine, bf16=False)), asked_of(task)
    hook.remove()


def asked_of(task):
    """Prompts of several lengths, of two tool sets."""
    asked = task.conversations("dev")[:7]
    asked[3]["tools"] = asked[3]["tools"][:1]
    return asked


def probability(model, tokenizer, conversation):
    """That the reply begins with a call, by a plain forward pass."""
    prompt = render_prompts(tokenizer, [conversation])[0]
    ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")["input_ids"]
    token = tokenizer.convert_tokens_to_ids(START_CALL)
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, -1].float()
    return float(logits.softmax(dim=-1)[token])


@pytest.mark.parametrize("constrained", [False, True])
def test_a_reply_calls_where_its_probability_says_so(eager, constrained):
    (model, tokenizer, machine), asked = eager

    def replies(line, size=3):
        return generate_replies(
            model, tokenizer, asked, machine, size, 12, constrained, line
        )

    free, found = replies(None), [probability(model, tokenizer, c) for c in asked]
    assert all(reply.startswith(START_CALL) for reply in free)
    line = sum(sorted(found)[2:4]) / 2  # between the third and the fourth
    barred = replies(line)
    assert [START_CALL in reply for reply in barred] == [p >= line for p in found]
    assert 0 < sum(p >= line for p in found) < len(found)
    for before, after, p in zip(free, barred, found, strict=True):
        assert (before == after) == (p >= line)
    assert barred == replies(line, size=1)  # padding changes nothing
    assert replies(min(found) / 2) == free


def test_no_prompts_and_no_tools(tiny_loaded, task):
    assert generate_replies(*tiny_loaded[:2], [], tiny_loaded[2], call_line=0.9) == []
    bare = [{**task.ask("Hello"), "tools": []}]
    reply = generate_replies(
        *tiny_loaded[:2], bare, tiny_loaded[2], max_new_tokens=4, call_line=0.9
    )
    assert len(reply) == 1
    with pytest.raises(ValueError, match="Conversation 0 declares no tool"):
        decide(*tiny_loaded[:2], bare, tiny_loaded[2])


def test_decisions_agree_with_a_plain_forward_pass(tiny_loaded, task):
    model, tokenizer, machine = tiny_loaded
    asked, exact = asked_of(task), replace(machine, bf16=False)
    for made, conversation in zip(
        decide(model, tokenizer, asked, exact), asked, strict=True
    ):
        first = probability(model, tokenizer, conversation)
        assert made.call == pytest.approx(first, rel=1e-3)
        declared = [tool["function"]["name"] for tool in conversation["tools"]]
        assert list(made.tools) == declared
        for name, p in made.tools.items():
            total, _ = plain(model, tokenizer, conversation, name)
            assert math.log(p) == pytest.approx(total, abs=1e-3)
        assert sum(made.tools.values()) <= made.call
        assert made.tool == max(made.tools, key=made.tools.get)
        assert made.verdict == "no call"


def made(*calls, lead=0.0):
    """Decisions with these probabilities of a call; KB ahead by so many nats."""
    return [
        CallLine(0.5).decision(p, {KB: p / (1 + math.exp(-lead)),
                                   WEB: p / (1 + math.exp(lead))})
        for p in calls
    ]  # fmt: skip


def test_verdicts():
    line = CallLine(0.9, 0.3, {WEB: 1.5})
    tools = {KB: 0.1, WEB: 0.4}
    verdicts = [line.decision(p, tools).verdict for p in (0.9, 0.89, 0.3, 0.29)]
    assert verdicts == ["call", "unsure", "unsure", "no call"]
    assert line.decision(0.9, tools).tool == KB  # ahead by 1.39 nats only
    assert line.decision(0.9, {KB: 0.01, WEB: 0.8}).tool == WEB
    assert CallLine(0.9).decision(0.89, tools).verdict == "no call"


def test_the_rule_loses_no_due_call_on_dev():
    calls, due = [0.95, 0.7, 0.8, 0.6, 0.99], [KB, KB, WEB, None, None]
    assert choose_line(made(*calls), due) == CallLine(0.7)
    assert choose_line(made(*calls), due, lost=0.34) == CallLine(0.8)
    assert choose_line(made(*calls), due, asked=0.34) == CallLine(0.8, 0.7)
    # A probability of 1 still leaves a line below it.
    assert choose_line(made(1.0), [KB]).high == 0.9999


def test_the_rule_lets_no_leak_through_on_dev():
    rows = made(0.9, lead=2) + made(0.9, lead=-1) + made(0.9, lead=-3)
    line = choose_line(rows, [KB, KB, WEB], leak=(KB, WEB))
    assert 1 < line.margins[WEB] < 1.02
    again = [line.decision(d.call, d.tools).tool for d in rows]
    assert again == [KB, KB, WEB]
    easy = choose_line(made(0.9, lead=2), [KB], leak=(KB, WEB))
    assert easy.margins == {WEB: 0}
    half = choose_line(rows, [KB, KB, WEB], leak=(KB, WEB), leaks=0.5)
    assert half.margins == {WEB: 0}


def test_rows_and_shares_that_give_no_line():
    with pytest.raises(ValueError, match="due a call"):
        choose_line(made(0.9), [None])
    with pytest.raises(ValueError, match=f"due {KB}"):
        choose_line(made(0.9), [WEB], leak=(KB, WEB))
    with pytest.raises(ValueError, match="shares"):
        choose_line(made(0.9), [KB], lost=0.6, asked=0.5)


@pytest.mark.parametrize("bad", [0, 1, 1.2, -0.1, math.nan, "0.9", True])
def test_a_bad_line_is_refused_before_anything_runs(bad, tiny_loaded, task, tmp_path):
    model, tokenizer, machine = tiny_loaded
    asked, says = task.conversations("dev")[:1], "above 0 and below 1"
    for use in (
        lambda: CallLine(bad),
        lambda: CallLine(0.9, bad),
        lambda: decide(model, tokenizer, asked, machine, bad),
        lambda: generate_replies(model, tokenizer, asked, machine, call_line=bad),
    ):
        with pytest.raises(ValueError, match=says):
            use()


def test_low_above_high_and_bad_margins():
    with pytest.raises(ValueError, match="swap"):
        CallLine(0.5, 0.9)
    for nats in (-1, math.nan, math.inf, "1"):
        with pytest.raises(ValueError, match="nats"):
            CallLine(0.5, None, {WEB: nats})


def test_a_line_is_kept_with_the_model(tmp_path):
    file = tmp_path / "toolcalling.json"
    file.write_text(json.dumps({"base": "tiny", "epoch": 3}))
    assert decisions.saved_line(tmp_path) is None
    line = CallLine(0.9, 0.5, {WEB: 1.5})
    decisions.save_line(line, tmp_path)
    assert decisions.saved_line(tmp_path) == line
    assert json.loads(file.read_text())["epoch"] == 3
    decisions.save_line(0.8, tmp_path)
    assert decisions.saved_line(tmp_path) == CallLine(0.8)
    with pytest.raises(RuntimeError, match="no fine-tuned model"):
        decisions.save_line(line, tmp_path / "none")


def test_the_loop_asks_back_where_it_is_unsure():
    line = CallLine(0.9, 0.3)

    def loop(p, *replies, **options):
        generate, shown = scripted(*replies)
        decide = lambda asked: [line.decision(p, {"look_up": p}) for _ in asked]  # noqa: E731
        ran = []
        functions = {"look_up": lambda key, page=None: ran.append(key)}
        outcome = Loop(generate, decide=decide, **options).ask(ASKED, functions)
        return outcome, shown, ran

    outcome, shown, ran = loop(0.5)
    assert outcome.stopped == "unsure" and "look up" in outcome.answer
    assert not shown and not ran and outcome.worded_by == "code"
    assert [step.kind for step in outcome.steps] == ["unsure"]
    assert outcome.then("Yes")["prompt"][-2]["content"] == outcome.answer
    handed = loop(0.5, unsure=lambda talk, decision: f"larger: {decision.call}")[0]
    assert handed.answer == "larger: 0.5"
    outcome, shown, ran = loop(0.95, call("look_up", key="a"), "It is a.")
    assert outcome.stopped == "answer" and ran == ["a"]


def test_the_picture_shows_what_a_line_gives_and_costs():
    rows = made(0.95, 0.7, lead=1) + made(0.8, lead=-1) + made(0.2, 0.99)
    due = [KB, KB, WEB, None, None]
    line = choose_line(rows, due, leak=(KB, WEB))
    figure = charts.call_line(rows, due, line, (KB, WEB))
    figure.canvas.draw()
    upper, lower = figure.axes
    silent, lost = upper.lines[:2]
    assert dict(zip(*silent.get_data()))[0.95] == 50  # of two, one lies below
    assert dict(zip(*lost.get_data()))[0.8] == pytest.approx(100 / 3)
    leaked, missed = lower.lines[:2]
    assert max(leaked.get_ydata()) == 0 and missed.get_ydata()[-1] == 100
    assert (
        figure.get_figwidth() <= 4.5
        and len(charts.call_line(rows, due, line).axes) == 1
    )
    charts.plt.close("all")


ROWS = [{"tool_name": name, "family": str(i)} for i, name in enumerate((KB, WEB, None))]


def record(**changed):
    high, low = math.log(0.9), math.log(0.05)
    return {
        "kind": "ours", "rows": 1200, "seed": 42, "split": None,
        "outcomes": ["wrong_tool", "correct", "wrong_tool"],
        "names": [[WEB], [WEB], [KB]],
        "choice": [[low, high], [low - 3, high], [high, low]],
        "call": [math.log(0.96), math.log(0.96), math.log(0.8)],
    } | changed  # fmt: skip


def test_a_record_at_a_line():
    at = study.at_line(record(), ROWS, CallLine(0.9))
    assert at["outcomes"] == ["wrong_tool", "correct", "correct"]
    assert at["names"] == [[WEB], [WEB], []]
    at = study.at_line(record(), ROWS, CallLine(0.9, None, {WEB: 3.0}))
    assert at["outcomes"] == ["correct"] * 3 and at["names"][0] == [KB]
    at = study.at_line(record(), ROWS, CallLine(0.97))
    assert at["outcomes"] == ["no_call", "no_call", "correct"]


def test_every_seed_has_a_line_of_its_own_dev():
    sure = {"dev_choice": record()["choice"], "dev_call": record()["call"]}
    less = {"dev_choice": record()["choice"], "dev_call": [math.log(0.7)] * 3}
    records = {
        str(seed): record(seed=seed) | scores
        for seed, scores in ((42, sure), (43, less))
    }
    task = SimpleNamespace(rows={"dev": ROWS, "test": ROWS})
    found = json.loads(json.dumps(study.finding(records, task)))
    assert found["seeds"] == [42, 43]
    rule = found["rules"]["dev"]
    assert rule["high"] == [0.96, 0.7] and rule["leaks"] == [0, 0]
    assert found["rules"]["no line"]["leaks"] == [1, 1]
    assert found["rules"]["preset"]["no_tool_right"] == [1, 1]
