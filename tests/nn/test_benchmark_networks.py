"""The networks of the benchmarks: what they say are probabilities, and nothing is known before it is heard."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the networks need the train extra")

from jamlink.nn.frames import AS_WRITTEN, NONE, PITCHES, FrameNet, FrameShape  # noqa: E402  (after the check for torch)
from jamlink.nn.melody import FIELDS, MelodyNet, MelodyShape, NoteFields  # noqa: E402
from jamlink.nn.melody import NONE as NO_NOTE  # noqa: E402

pytestmark = pytest.mark.torch
START, SHIFT = torch.zeros(1, dtype=torch.long), torch.full((1,), AS_WRITTEN)


@pytest.fixture
def frame_net():
    torch.manual_seed(0)
    net = FrameNet(FrameShape(hidden=16, layers=2, heads=2, inner=16, head_hidden=16, head_layers=1, longest=32))
    for weight in net.parameters():  # far from uniform, so that a leak would show
        torch.nn.init.normal_(weight, std=0.3)
    return net.eval()


def frames_of(length: int, seed: int):
    torch.manual_seed(seed)
    return torch.sort(torch.stack([torch.randperm(60)[:3] + 10 for _ in range(length)])).values[None]


@torch.no_grad()
def test_the_first_note_or_silence_of_a_frame_has_probability_one_in_all(frame_net):
    before = frames_of(5, 1)
    total = 0.0
    for word in (*range(PITCHES), NONE):
        last = torch.tensor([[[word, NONE, NONE]]])
        total += float((-frame_net(torch.cat((before, last), 1), START, SHIFT, 4)[0, 5, 0]).exp())
    assert total == pytest.approx(1.0, abs=1e-4)


@torch.no_grad()
def test_sets_of_at_most_two_notes_of_a_small_range_are_each_said_in_one_way(frame_net):
    # With the third note and everything above left out, what is missing is the mass of sets not asked about.
    before = frames_of(4, 2)
    low = PITCHES - 6
    sets = (
        [[]] + [[p] for p in range(low, PITCHES)] + [[p, q] for p in range(low, PITCHES) for q in range(p + 1, PITCHES)]
    )
    total = 0.0
    for notes in sets:
        last = torch.tensor([[[*notes, *[NONE] * (2 - len(notes))]]])
        nats = frame_net(torch.cat((torch.nn.functional.pad(before[..., :2], (0, 0)), last), 1), START, SHIFT, 3)
        total += float((-nats[0, 4].sum()).exp())
    assert 0 < total < 1.0001


@torch.no_grad()
def test_after_the_highest_note_only_the_end_can_come(frame_net):
    notes = torch.tensor([[[PITCHES - 1, NONE, NONE]]])
    assert float(frame_net(notes, START, SHIFT, 2)[0, 0, 1]) == pytest.approx(0.0, abs=1e-4)


@torch.no_grad()
def test_no_frame_knows_what_comes_later(frame_net):
    one = frames_of(12, 3)
    other = one.clone()
    other[:, 7:] = frames_of(5, 4)
    first, second = (frame_net(notes, START, SHIFT, 4) for notes in (one, other))
    assert torch.allclose(first[:, :7], second[:, :7], atol=1e-5)
    assert not torch.allclose(first[:, 7], second[:, 7], atol=1e-2)


@torch.no_grad()
def test_no_note_of_a_frame_knows_those_above_it(frame_net):
    one = torch.tensor([[[20, 30, 40]]])
    other = torch.tensor([[[20, 30, 50]]])
    first, second = (frame_net(notes, START, SHIFT, 4)[0, 0] for notes in (one, other))
    assert torch.allclose(first[:2], second[:2], atol=1e-5)


@torch.no_grad()
def test_words_that_a_frame_does_not_have_cost_nothing(frame_net):
    nats = frame_net(torch.tensor([[[20, NONE, NONE]]]), START, SHIFT, 4)[0, 0]
    assert (nats[:2] > 0).all()
    assert (nats[2:] == 0).all()


def melody_of(length: int, seed: int):
    torch.manual_seed(seed)
    song = torch.zeros(1, length, FIELDS, dtype=torch.long)
    song[..., NoteFields.PITCH] = torch.randint(5, 40, (length,))
    song[..., NoteFields.DURATION] = torch.randint(0, 8, (length,))
    song[..., NoteFields.ROOT] = torch.randint(0, 12, (length,))
    song[..., NoteFields.QUALITY] = 1
    song[..., NoteFields.AGAIN_PITCH] = NO_NOTE
    return song


@torch.no_grad()
def test_a_note_is_foretold_from_the_notes_before_it_alone_and_its_duration_from_its_pitch_too():
    torch.manual_seed(0)
    net = MelodyNet(MelodyShape(hidden=16, layers=2, heads=2, inner=16, longest=32)).eval()
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    one = melody_of(12, 1)
    other = one.clone()
    other[:, 6, NoteFields.PITCH] = (one[:, 6, NoteFields.PITCH] + 7) % 40
    other[:, 6, NoteFields.DURATION] = 9
    (pitch, time), (pitch2, time2) = net(one, SHIFT), net(other, SHIFT)
    assert torch.allclose(pitch[:, :7], pitch2[:, :7], atol=1e-5)
    assert torch.allclose(time[:, :6], time2[:, :6], atol=1e-5)
    assert not torch.allclose(time[:, 6], time2[:, 6], atol=1e-3)
    assert not torch.allclose(pitch[:, 7], pitch2[:, 7], atol=1e-3)
    assert pitch.exp().sum(-1) == pytest.approx(1.0, abs=1e-4)
    assert time.exp().sum(-1) == pytest.approx(1.0, abs=1e-4)
