import pytest

from jamlink.testing.tracker import NoteTracker, TrackedNote


def track(*messages):
    tracker = NoteTracker()
    for at, data in messages:
        tracker.sent(at, bytes.fromhex(data))
    return tracker


def test_a_note_ends_by_its_own_off_whichever_way_it_is_spelled():
    tracker = track((1, "90 3c 50"), (2, "90 3c 00"), (3, "95 3c 40"), (4, "85 3c 00"))
    assert tracker.notes == [TrackedNote("", 0, 60, 80, 1, 2), TrackedNote("", 5, 60, 64, 3, 4)]
    tracker.check()


def test_all_notes_off_is_not_believed():
    tracker = track((1, "90 3c 50"), (2, "b0 7b 00 b0 78 00"))
    assert [n.pitch for n in tracker.stuck] == [60]
    with pytest.raises(AssertionError, match=r"stuck: .*pitch 60 from 1"):
        tracker.check()


def test_an_off_on_another_channel_ends_nothing_and_is_reported():
    tracker = track((1, "90 3c 50"), (2, "81 3c 00"))
    assert tracker.unowned_offs == [(2, "", 1, 60)]
    assert len(tracker.stuck) == 1


def test_a_pitch_struck_twice_needs_two_offs_and_shows_as_overlap():
    tracker = track((1, "90 3c 50"), (2, "90 3c 51"), (3, "80 3c 00"))
    assert [n.on for n in tracker.overlaps] == [1]
    assert [n.on for n in tracker.stuck] == [2]
    assert [n.on for n in tracker.all_notes] == [1, 2]


def test_messages_of_every_length_pass_in_one_piece():
    tracker = track((1, "f8 c0 05 f0 7e f7 f2 00 01 f1 00 fe 90 3c 50"), (2, "80 3c 00"))
    assert len(tracker.notes) == 1


@pytest.mark.parametrize("data", ["3c", "90 3c", "90 3c 90", "f0 01 02", "90 3c 80", "f0 90 f7", "90 3c 50 3c 00"])
def test_bytes_that_are_not_whole_messages_are_an_error(data):
    with pytest.raises(ValueError, match="whole"):
        NoteTracker().sent(0, bytes.fromhex(data))
