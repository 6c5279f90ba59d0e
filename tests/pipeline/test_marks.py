"""YAML to values: places, bounds, refusals."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdmatt_core.pipeline.faults import DocumentError, Mark
from hdmatt_core.pipeline.marks import MAX_BYTES, MAX_DEPTH, MAX_VALUES, read_yaml

TEXT = """\
a: 1
b:
  - x
  - {c: true, d: [0x10, 1_000]}
"""


def test_values_and_their_places() -> None:
    reading = read_yaml(TEXT, "t.yaml")
    assert reading.value == {"a": 1, "b": ["x", {"c": True, "d": [16, 1000]}]}
    assert reading.marks.value(("b", 1, "c")) == Mark(4, 9)
    assert reading.marks.key(("b", 1, "c")) == Mark(4, 6)
    assert reading.marks.value(("b", 0, "deeper", "still")) == Mark(3, 5)
    assert reading.marks.value(("elsewhere",)) == Mark(1, 1)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("~", None),
        ("null", None),
        ("", None),
        ("False", False),
        ("0o17", 15),
        ("-3", -3),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        ("2021-03-04", "2021-03-04"),
        ("'5'", "5"),
        ("!!str 5", "5"),
    ],
)
def test_scalars_of_yaml_1_2(text: str, value: object) -> None:
    assert read_yaml(text, "t.yaml").value == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(string.ascii_letters + " ä€:#-") | st.floats(0.5, 1e6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters), inner, max_size=3),
    max_leaves=20,
)


@settings(max_examples=60)
@given(JSON)
def test_json_is_read_back(value: object) -> None:
    reading = read_yaml(json.dumps(value, ensure_ascii=False), "t.yaml")
    assert reading.value == value
    assert reading.faults == []


@settings(max_examples=150)
@given(st.text() | st.text("{}[]:,&*!-? \n\t#|>'\"a1%"))
def test_whatever_the_text_it_is_read_or_refused_with_a_place(text: str) -> None:
    try:
        faults = tuple(read_yaml(text, "t.yaml").faults)
    except DocumentError as error:
        faults = error.faults
    assert all(fault.mark.line >= 1 and fault.mark.column >= 1 and fault.what for fault in faults)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\t- 1", "t.yaml:2:1: a tab; YAML is indented with spaces"),
        ("a: 1\n---\nb: 2", "t.yaml:2:1: another document begins here; a file holds one pipeline"),
        ("a: 'open", "t.yaml:1:9: not YAML: found unexpected end of stream while scanning a quoted scalar, line 1"),
        ("a: \x07", "t.yaml:1:4: not a text character"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), f"nested deeper than {MAX_DEPTH} levels"),
        ("\na: " + "[ " * 1500, f"t.yaml:2:4: nested deeper than {MAX_DEPTH} levels"),
        ("- " * 1500, f"t.yaml:1:1: nested deeper than {MAX_DEPTH} levels"),
        ("a: &a [*a]", f"t.yaml:1:4: nested deeper than {MAX_DEPTH} levels"),
        ("# " + "x" * MAX_BYTES, "t.yaml:1:1: longer than 256 KiB"),
        ("[" + "1," * MAX_VALUES + "]", f"more than {MAX_VALUES} values once aliases are followed"),
    ],
)
def test_texts_of_which_nothing_can_be_made(text: str, message: str) -> None:
    with pytest.raises(DocumentError) as raised:
        read_yaml(text, "t.yaml")
    assert message in raised.value.message


def test_an_alias_gives_the_value_and_the_place_of_its_anchor() -> None:
    reading = read_yaml("a: &a {k: 1}\nb: *a\n", "t.yaml")
    assert reading.value == {"a": {"k": 1}, "b": {"k": 1}}
    assert reading.marks.value(("b", "k")) == Mark(1, 11)
    assert reading.value["a"] is not reading.value["b"]


def test_an_alias_bomb_is_blamed_on_the_line_that_goes_too_far() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 40)]
    with pytest.raises(DocumentError, match=r"^t\.yaml:4:5: more than"):
        read_yaml("\n".join(lines), "t.yaml")


@pytest.mark.parametrize(
    ("text", "value", "fault"),
    [
        ("a: 1\na: 2", {"a": 1}, "t.yaml:2:1: duplicate key 'a'; it stands already in line 1"),
        ("3: 1\nb: 2", {"b": 2}, "t.yaml:1:1: a key is a name, not '3'"),
        ("[1]: 1\nb: 2", {"b": 2}, "t.yaml:1:1: a key is a name, not a list or mapping"),
        ("b: 2\n<<: {c: 1}", {"b": 2}, "t.yaml:2:1: '<<' is YAML 1.1; repeat the keys"),
        ("a: !!python/name:os.system ''", {"a": None}, "t.yaml:1:4: the tag"),
        ("a: !!int five", {"a": None}, "t.yaml:1:4: 'five' is no int"),
        ("a: " + "9" * 5000, {"a": None}, "t.yaml:1:4: '9999"),
    ],
)
def test_what_is_left_out_is_said(text: str, value: object, fault: str) -> None:
    reading = read_yaml(text, "t.yaml")
    assert reading.value == value
    assert [f.head("t.yaml").startswith(fault) for f in reading.faults] == [True]


def test_nothing_stands_where_its_key_does() -> None:
    reading = read_yaml("a:\nb: \nc: 1\n", "t.yaml")
    assert reading.value == {"a": None, "b": None, "c": 1}
    assert [reading.marks.value((key,)) for key in "abc"] == [Mark(1, 1), Mark(2, 1), Mark(3, 4)]
