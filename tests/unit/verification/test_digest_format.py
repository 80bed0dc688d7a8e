"""Any span of any object is read back as it was packed; what is damaged is refused."""

import hashlib
import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tableferry.verification.digest_format import (
    ENTRY_BYTES,
    HASH_SPACE_BITS,
    Entry,
    Layout,
    Span,
    UnreadableDigestError,
    count_in,
    names,
    pack,
    pairs,
    within,
)


def entries(count: int, seed: int = 0) -> list[Entry]:
    luck = Random(seed)
    return [
        Entry(luck.randbytes(ENTRY_BYTES), json.dumps({"pk": {"N": str(n)}}).encode(), n % 4)
        for n in range(count)
    ]


def read(packed: bytes, span: Span) -> tuple[list[bytes], list[tuple[int, bytes]]]:
    """Entries and names of a span, as a worker reads them: by byte ranges."""
    layout = Layout(count_in(packed))
    at, length = layout.fences(span)
    part = layout.part(packed[at : at + length])
    hashes = packed[part.entries_at : part.entries_at + part.entries_length]
    first, end = within(hashes, span)
    named = list(names(packed[part.names_at : part.names_at + part.names_length]))
    found = [key + content for key, content in pairs(hashes)]
    assert len(named) == len(found) == part.entries
    return found[first:end], named[first:end]


@given(
    st.integers(0, 700),
    st.integers(0, 2**32),
    st.lists(st.integers(0, 2**HASH_SPACE_BITS), min_size=2, max_size=2, unique=True).map(sorted),
)
def test_a_span_is_read_as_it_was_packed(count, seed, bounds):
    packed_from = entries(count, seed)
    span = Span(*bounds)
    inside = sorted(each for each in packed_from if span.holds(each.hashes))
    found, named = read(pack(packed_from), span)
    assert found == [each.hashes for each in inside]
    assert named == [(each.marks, each.name) for each in inside]


@given(st.integers(1, 300), st.integers(1, 40))
def test_partitions_share_all_entries_out(count, partitions):
    packed_from = entries(count)
    packed = pack(packed_from)
    spans = [Span.of(each, partitions) for each in range(partitions)]
    assert (spans[0].first, spans[-1].end) == (0, 2**HASH_SPACE_BITS)
    found = [each for span in spans for each in read(packed, span)[0]]
    assert found == sorted(each.hashes for each in packed_from)


def test_equal_hashes_stay_together_and_keep_their_names():
    twins = [Entry(b"\x80" * ENTRY_BYTES, f'"{n}"'.encode()) for n in range(500)]
    for span, expected in ((Span.of(0, 2), 0), (Span.of(1, 2), 500)):
        found, named = read(pack(twins), span)
        assert len(found) == expected
        assert len({name for _, name in named}) == expected


def test_the_index_costs_little():
    packed = pack(entries(20_000))
    assert Layout(20_000).entries_at < 20_000 * ENTRY_BYTES / 100
    assert count_in(packed) == 20_000


def test_a_name_may_be_as_long_as_a_key_can_be():
    # 2,048 and 1,024 bytes of key, each a control character that JSON writes as six.
    longest = json.dumps({"p": {"S": "\x00" * 2048}, "s": {"S": "\x00" * 1024}}).encode()
    _, [(_, name)] = read(pack([Entry(bytes(32), longest)]), Span.of(0, 1))
    assert name == longest


@pytest.mark.parametrize(
    "packed",
    [b"", b"TFD1", b"TFD2" + bytes(20), b"TFD1\x09" + bytes(20)],
    ids=["empty", "short", "other", "contradiction"],
)
def test_what_is_no_digest_is_refused(packed):
    with pytest.raises(UnreadableDigestError):
        count_in(packed)


def test_what_is_cut_is_refused():
    packed = pack(entries(1_000))
    layout = Layout(1_000)
    hashes = packed[layout.entries_at : layout.names_at]
    with pytest.raises(UnreadableDigestError):
        within(hashes[:-1], Span.of(0, 1))
    with pytest.raises(UnreadableDigestError):
        layout.part(packed[24:40][::-1] + packed[16:24])
    with pytest.raises(UnreadableDigestError):
        list(names(packed[layout.names_at : -1]))


def test_spans_hold_what_their_hashes_say():
    key_hash = hashlib.blake2b(b"x", digest_size=16).digest()
    holding = [each for each in range(7) if Span.of(each, 7).holds(key_hash)]
    assert len(holding) == 1
    assert Span.around(key_hash, key_hash).holds(key_hash)
