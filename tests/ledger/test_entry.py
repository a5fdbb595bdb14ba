from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jamlink.errors import Fault
from jamlink.ledger.entry import NO_PARENT, canonical, digest, entry_after
from jamlink.timing.units import Ns

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_the_hash_is_what_the_documentation_says():
    form = '{"at":7,"kind":"heard","parent":"' + NO_PARENT + '","payload":{"a":1,"b":[1.5,"\\u00fc"]},"seq":0}'
    entry = entry_after(0, NO_PARENT, "heard", {"b": [1.5, "ü"], "a": 1}, Ns(7))
    assert entry.hash == "sha256/1:" + hashlib.sha256(form.encode()).hexdigest()
    assert entry.value == {"a": 1, "b": [1.5, "ü"]}


@given(json_values)
def test_a_payload_comes_back_as_it_was_and_canonical_twice_is_once(payload):
    entry = entry_after(3, NO_PARENT, "k", payload, Ns(0))
    assert entry.value == payload
    assert canonical(entry.value) == entry.payload
    assert entry.payload.isascii()


@given(st.dictionaries(st.text(), st.integers(), max_size=6))
def test_the_order_of_keys_does_not_matter(payload):
    backwards = dict(reversed(payload.items()))
    assert canonical(payload) == canonical(backwards)


@pytest.mark.parametrize("payload", [{1, 2}, float("nan"), float("inf"), b"bytes", object()])
def test_what_json_cannot_say_is_our_bug(payload):
    with pytest.raises(Fault, match="cannot be recorded"):
        canonical(payload)


fields = st.tuples(
    st.integers(0, 9),
    st.sampled_from([NO_PARENT, "x"]),
    st.text(max_size=3),
    st.sampled_from(["1", "11"]),
    st.integers(0, 9),
)


@given(fields, fields)
def test_entries_that_differ_anywhere_have_different_hashes(a, b):
    assert (digest(*a) == digest(*b)) == (a == b)
