"""Random tools, and calls that they allow: hypothesis strategies for the tests.

A value comes as (schema, strategy of what the schema allows).
"""

from hypothesis import strategies as st

from toolcalling.calls import KEY, NAME, FunctionCall, neutralise

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(neutralise)
WORDS = TEXTS.filter(str.strip) | st.sampled_from(
    ["Größe {, 3}", "a\nb", "x:[1]", '"q" \\ \'', "<b>no</b>", "< escape>", "<escape", "東京",
     "[multimodal", "None", "true", "007", " padded ", "call:f{}", "<unused>", "<<eos", "🎉"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["city", "n", "N_max", "maxResults", "a.b", "größe", "per day", "x-1", "2nd", "id",
     "unit", "q", "date_from", "dateTo", "名前", "a", "ab", "abc"]
).filter(KEY.fullmatch)  # fmt: skip
TOOL_NAMES = st.sampled_from(
    ["search", "search_web", "get.weather", "x-1", "F", "a", "ab", "2nd", "setLight"]
).filter(NAME.fullmatch)
WHOLE = st.integers(-120, 120)


def bounded(draw, kind):
    """A schema with bounds or none, and numbers within."""
    low, high = sorted((draw(WHOLE), draw(WHOLE)))
    schema, least, most = {"type": kind}, -(10**40) + 1, 10**40 - 1
    if draw(st.booleans()):
        schema["minimum"], least = low, low
    if draw(st.booleans()):
        schema["maximum"], most = high, high
    if kind == "integer":
        return schema, st.integers(least, most)
    floats = st.floats(
        schema.get("minimum", -1e300),
        schema.get("maximum", 1e300),
        allow_subnormal=False,
    ).filter(lambda x: not x or abs(x) > 1e-300)
    return schema, floats | st.integers(least, most)


def text(draw):
    schema, least, most = {"type": "string"}, 0, None
    if draw(st.integers(0, 3)) == 0:
        schema["minLength"] = least = draw(st.integers(0, 3))
    if draw(st.integers(0, 3)) == 0:
        schema["maxLength"] = most = least + draw(st.integers(1, 6))
    plain = st.text("ab é{,\n", min_size=least, max_size=most or least + 9)
    fits = lambda s: least <= len(s) <= (most or len(s))  # noqa: E731
    return schema, plain if most else plain | WORDS.filter(fits)


def enum(draw):
    values = st.one_of(
        st.lists(WORDS, min_size=1, max_size=4, unique=True),
        st.lists(
            st.integers() | st.sampled_from([0.5, -1e-05, 1e20]), min_size=1, max_size=4
        ),
    )
    chosen = draw(values)
    kind = "string" if isinstance(chosen[0], str) else "number"
    return {"type": kind, "enum": chosen}, st.sampled_from(chosen)


def array(draw, depth):
    items, values = draw(schemas(depth - 1))
    schema, least, most = {"type": "array", "items": items}, 0, 4
    if draw(st.booleans()):
        schema["minItems"] = least = draw(st.integers(0, 2))
    if draw(st.booleans()):
        schema["maxItems"] = most = least + draw(st.integers(0, 2))
    return schema, st.lists(values, min_size=least, max_size=most)


def mapping(draw, depth, least=1, most=3):
    names = draw(st.lists(NAMES, min_size=least, max_size=most, unique_by=str.lower))
    inner = {name: draw(schemas(depth)) for name in names}
    required = [name for name in names if draw(st.booleans())]
    schema = {"type": "object", "properties": {n: s for n, (s, _) in inner.items()}}
    if required or draw(st.booleans()):
        schema["required"] = required
    values = st.fixed_dictionaries(
        {n: inner[n][1] for n in required},
        optional={n: v for n, (_, v) in inner.items() if n not in required},
    )
    return schema, values


@st.composite
def schemas(draw, depth=1):
    kind = draw(st.integers(0, 7 if depth else 5))
    if kind == 5:
        return {"type": "boolean"}, st.booleans()
    schema, values = [
        lambda: text(draw), lambda: enum(draw), lambda: bounded(draw, "integer"),
        lambda: bounded(draw, "number"), lambda: text(draw), None,
        lambda: array(draw, depth), lambda: mapping(draw, depth - 1),
    ][kind]()  # fmt: skip
    if draw(st.integers(0, 5)) == 0:
        if "enum" in schema or draw(st.booleans()):
            schema["nullable"] = True
        else:
            schema["type"] = [
                schema["type"],
                draw(st.sampled_from(["null", "boolean"])),
            ]
    return schema, values


@st.composite
def tools(draw):
    """(a tool's schema, calls of it). No argument of a call is a blank text."""
    parameters, values = mapping(draw, 2, 0, 5)
    name = draw(TOOL_NAMES)
    schema = {"name": name, "description": "d", "parameters": parameters}
    filled = values.filter(
        lambda arguments: all(
            v.strip() for v in arguments.values() if isinstance(v, str)
        )
    )
    calls = filled.map(lambda arguments: FunctionCall(name, arguments))
    return {"type": "function", "function": schema}, calls


TOOL_SETS = st.lists(
    tools(), min_size=1, max_size=4, unique_by=lambda t: t[0]["function"]["name"]
)
