"""How records look outside: every record survives the round trip, and what cannot be read says so."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanchion.model.cluster import Key, Kind, Node, Record
from stanchion.model.errors import StoreUnusable
from stanchion.model.history import Entry
from stanchion.model.ids import NodeName
from stanchion.model.naming import key_of
from stanchion.model.timing import TIMINGS, Timing
from stanchion.store import codec


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Draw any value of a type that records are made of."""
    if isinstance(hint, NewType):
        return any_of(hint.__supertype__)
    if hint is Timing:
        return st.sampled_from(list(TIMINGS.values()))
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        assert isinstance(hint, type)
        return st.builds(hint, **{field.name: any_of(hints[field.name]) for field in fields(hint)})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(list(hint))
    if get_origin(hint) in {UnionType, Union}:
        return st.one_of([any_of(part) for part in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(any_of(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(*map(any_of, get_args(hint)), max_size=2)
    return {str: st.text(max_size=8), int: st.integers(-2**53, 2**53), bool: st.booleans(), type(None): st.none(),
            float: st.floats(allow_nan=False, allow_infinity=False)}[hint]


SHAPES = [pytest.param(shape, id=shape.__name__) for shape in get_args(Record)]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_record_survives_the_round_trip(shape: type) -> None:
    @settings(max_examples=25, deadline=None, database=None)
    @given(any_of(shape))
    def there_and_back(record: Any) -> None:
        key = Key(Kind.HISTORY, "1") if shape is Entry else key_of(record)
        text = codec.encode(record)
        assert codec.decode(key, text) == record
        assert json.loads(text)["v"] == codec.VERSION

    there_and_back()


@settings(max_examples=100, deadline=None, database=None)
@given(st.sampled_from(list(Kind)), st.text(max_size=12))
def test_every_key_survives_the_round_trip(kind: Kind, name: str) -> None:
    single = {Kind.SETTINGS, Kind.MASTER, Kind.MEMBERSHIP, Kind.AUTHORITY, Kind.STANDING, Kind.NOTIFICATION}
    key = Key(kind, "" if kind in single else name)
    assert codec.key_at("lab", codec.path_of("lab", key)) == key


def test_keys_stand_where_a_person_would_look_for_them() -> None:
    assert codec.path_of("lab", Key(Kind.SPEC, "web")) == "/stanchion/lab/resources/web/spec"
    assert codec.path_of("lab", Key(Kind.STATE, "web")) == "/stanchion/lab/resources/web/state"
    assert codec.path_of("lab", Key(Kind.RUN, "web/load/web@7")) == "/stanchion/lab/runs/web/load/web@7"
    assert codec.path_of("lab", Key(Kind.MASTER)) == "/stanchion/lab/master"


@pytest.mark.parametrize("path", ["/stanchion/other/nodes/a", "/stanchion/lab/moons/a", "/stanchion/lab/settings/x",
                                  "/stanchion/lab/resources/web/dreams", "nodes/a", ""])
def test_a_path_that_we_do_not_know_asks_for_the_upgrade(path: str) -> None:
    with pytest.raises(StoreUnusable, match="upgrade this node"):
        codec.key_at("lab", path)


A = Key(Kind.NODE, "a")


@pytest.mark.parametrize(("text", "says"), [
    ("", "damaged"),
    ('{"v":1,"d":{"name":"a"', "damaged"),
    ("[]", "damaged"),
    ('{"d":{"name":"a"}}', "damaged"),
    ('{"v":"one","d":{"name":"a"}}', "damaged"),
    ('{"v":1,"d":{}}', "damaged: name: Field required"),
    ('{"v":1,"d":{"name":"a","wanted":"perhaps"}}', "damaged: wanted:"),
    ('{"v":1,"d":null}', "damaged"),
    ('{"v":2,"d":{"shape":"to come"}}', r"newer version of Stanchion \(schema 2, this one knows 1\): upgrade"),
])
def test_a_value_that_cannot_be_read_says_which_and_what_to_do(text: str, says: str) -> None:
    with pytest.raises(StoreUnusable, match=rf"node record 'a'.*{says}"):
        codec.decode(A, text)


def test_fields_of_a_neighbouring_version_are_overlooked_and_missing_ones_get_their_default() -> None:
    assert codec.decode(A, '{"v":1,"d":{"name":"a","colour":"green"}}') == Node(name=NodeName("a"))


def test_a_number_that_json_lacks_is_refused_when_written_not_when_read() -> None:
    with pytest.raises(ValueError, match="JSON"):
        codec.encode(Node(name=NodeName("a"), added_at_s=float("inf")))


def test_half_a_character_becomes_a_question_mark() -> None:
    assert codec.decode(A, codec.encode(Node(name=NodeName("a\udc80")))) == Node(name=NodeName("a?"))
