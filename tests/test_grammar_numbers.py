"""Numbers within bounds: exactly those, as Python writes them."""

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolcalling.decoding.numbers import floats, integers


def regex(alternatives):
    """As a regular expression of Python's."""
    text = "|".join(f"(?:{part})" for part in alternatives)
    text = re.sub(r'"([^"]*)"', lambda m: re.escape(m[1]) or "", text)
    return re.compile(text.replace(" ", "").replace("D", "[0-9]"))


BOUNDS = st.none() | st.integers(-2000, 2000) | st.integers(-3, 3)


@given(BOUNDS, BOUNDS, st.booleans(), st.booleans())
def test_integers(least, most, open_below, open_above):
    schema = {
        "exclusiveMinimum" if open_below else "minimum": least,
        "exclusiveMaximum" if open_above else "maximum": most,
    }
    low = -(10**40) if least is None else least + open_below
    high = 10**40 if most is None else most - open_above
    if low > high:
        with pytest.raises(ValueError, match="no number"):
            integers(schema)
        return
    allowed = regex(integers(schema))
    near = [b + d for b in (low, high, 0) for d in range(-120, 121)]
    for number in {*near, 10**6, 10**39, -(10**39)} - {-(10**40), 10**40}:
        if abs(number) < 10**40:
            assert bool(allowed.fullmatch(str(number))) == (low <= number <= high)
    assert not any(
        map(allowed.fullmatch, ("00", "01", "-0", "+1", "", "-", "1.0", "1e5"))
    )


@given(
    st.none() | st.integers(-300, 300), st.none() | st.integers(-300, 300),
    st.lists(st.floats(-310, 310) | st.floats(1e-300, 1e300) | st.integers(-310, 310)),
)  # fmt: skip
def test_numbers(least, most, tried):
    schema = {"minimum": least, "maximum": most}
    low, high = (b if b is not None else s for b, s in ((least, -9e999), (most, 9e999)))
    if low > high:
        with pytest.raises(ValueError, match="no number"):
            floats(schema)
        return
    allowed = regex(floats(schema))
    near = [
        b + d
        for b in (low, high, 0)
        if abs(b) < 999
        for d in (-1, -0.25, -1e-9, 0, 1e-5, 1)
    ]
    for number in [*tried, *near, 1e-5, -1e-7, 1e16, -1e20]:
        if number and abs(number) > 1e-300:
            assert bool(allowed.fullmatch(str(number))) == (low <= number <= high), (
                number
            )
    for text in ("00", "01.5", "+1", "1.", ".5", "-", "1e5", "1e+999", "1e-999", "NaN"):
        assert not allowed.fullmatch(text)


@given(st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,25})?(e-[0-9]{2})?", fullmatch=True))
def test_what_matches_lies_within(text):
    for least, most, above, below in product(
        (None, -7, 0), (None, 0, 12), (0, 1), (0, 1)
    ):
        schema = {}
        if least is not None:
            schema["exclusiveMinimum" if above and not least else "minimum"] = least
        if most is not None:
            schema["exclusiveMaximum" if below and not most else "maximum"] = most
        try:
            allowed = regex(floats(schema))
        except ValueError:
            continue
        if allowed.fullmatch(text):
            value = float(text)
            assert (least is None or value >= least) and (most is None or value <= most)
            assert value != least or "exclusiveMinimum" not in schema
            assert value != most or "exclusiveMaximum" not in schema
