"""From a score to rows of words: what is written is what was played, and every window drawn can be read."""

from __future__ import annotations

import json
import random
import tarfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from jamlink.errors import Nonsense
from jamlink.music.chord import parse_chord
from jamlink.music.key import Key
from jamlink.music.note import Note
from jamlink.timing.meter import Meter
from jamlink.tokens import vocab
from jamlink.tokens.decode import decode
from jamlink.tokens.phrase import Phrase, quantise
from jamlink.tokens.vocab import Task
from jamlink.training import chord_labels, corpus, sources
from jamlink.training.examples import Corpus, Mix, Sampler, Ways, target_mask, transpositions

HYMN = """X: 1
T: t
M: 4/4
L: 1/4
V: S
V: B
K: C
[V: S] c c A c | d d c2 | e e d c | d2 c2 | c c A c | d d c2 | e e d c | d2 c2 |
[V: B] C G, F, A, | G, B, C2 | C G, F, A, | G,2 C2 | C G, F, A, | G, B, C2 | C G, F, A, | G,2 C2 |
"""
SHEET = """<score-partwise><part-list><score-part id="P1"><part-name>M</part-name></score-part></part-list>
<part id="P1">{bars}</part></score-partwise>"""
SHEET_BAR = """<measure number="{n}"><attributes><divisions>1</divisions><key><fifths>0</fifths></key>
<time><beats>4</beats><beat-type>4</beat-type></time></attributes>{notes}</measure>"""
SHEET_NOTE = (
    "<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>1</duration><type>quarter</type></note>"
)


def folk(n: int, letters: str = "") -> str:
    """A tune in 6/8 of its own; `letters` are the notes of another one."""
    notes = letters or folk_letters(n)
    bars = "".join(f"{a}2{b} {c}3 | " for a, b, c in zip(notes[0:30:3], notes[1:30:3], notes[2:30:3], strict=True))
    return f"X: {n}\nT: t{n}\nM: 6/8\nL: 1/8\nQ: 3/8=100\nK: G\n{bars}\n"


def sheet(letters: str) -> str:
    """A lead sheet of quarters."""
    steps = [SHEET_NOTE.format(step=letter) for letter in letters.upper()]
    bars = [SHEET_BAR.format(n=i, notes="".join(steps[i * 4 : i * 4 + 4])) for i in range(len(steps) // 4)]
    return SHEET.format(bars="".join(bars))


SUNG = "GAdcBeGcdAcBGedBAecGdBeA"
SONG = """# title: Refrain S{n}
# artist: A
# metre: 4/4
# tonic: C

0.0	A, verse, | C:maj | A:min | F:maj | G:7 |
8.0	| C:maj | A:min | F:maj G:7 | C:maj |
16.0	B, chorus, | D:min7 | G:7 | C:maj7 | C:maj7 | x{n}
"""


def pack(data: Path, name: str, files: dict[str, str]) -> None:
    folder = data / name
    for file, text in files.items():
        path = folder / "raw" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(folder / f"{name}.tar.xz", "w:xz") as tar:
        tar.add(folder / "raw", arcname=".")


def folk_letters(n: int) -> str:
    """The notes of tune n."""
    return "".join(random.Random(n).choices("GABcdefg", k=32))


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A little data root: a hymn, tunes, songs, a manifest, one double, one piece that evaluation needs."""
    root = tmp_path_factory.mktemp("music") / "data"
    pack(root, "open-hymnal", {"h.abc": HYMN})
    tunes = {f"a/t{n}.abc": folk(n) for n in range(40)} | {"a/bad.abc": "X:1\nK:C\n"}
    tunes |= {"a/t38.abc": folk(38, SUNG.lower() * 2), "a/t39.abc": folk(39, folk_letters(0))}
    pack(root, "m21-folk", tunes)
    apart = root.parent / "data-eval"
    pack(
        apart,
        "openewld-pd",
        {"pd/A_Song--Nobody.musicxml": sheet(SUNG), "pd/Refrain_S7--Nobody.musicxml": sheet("CDEF" * 4)},
    )
    pack(apart, "nottingham", {"n.abc": folk(900)})
    pack(
        apart, "jsb-chorales", {"jsb-chorales-16th.json": json.dumps({"valid": [], "test": [[[60, 64], [], [62]] * 9]})}
    )
    pack(root, "mcgill-billboard", {f"{n}/salami_chords.txt": SONG.format(n=n) for n in range(1, 40)})
    names = ("open-hymnal", "m21-folk", "mcgill-billboard")
    (root / "MANIFEST.toml").write_text("".join(f'["{n}"]\nuse = "train"\nshare_alike = false\n' for n in names))
    (root / "dupes.tsv").write_text("group\tpiece\n0\tm21-folk:a/t1.abc\n0\tm21-folk:a/t2.abc\n")
    (root / "eval-overlap.tsv").write_text(
        "eval_piece\ttrain_piece\nnottingham:x\tm21-folk:a/t3.abc\njsb-chorales:train/1\tm21-folk:a/t4.abc\n"
    )
    return root


@pytest.fixture(scope="session")
def built(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("corpus")
    wanted = corpus.Wanted(data, names=("open-hymnal", "m21-folk", "mcgill-billboard"))
    corpus.build(wanted, out, workers=1, say=lambda line: None)
    return out


MIX = (
    Mix("open-hymnal", "lead", 1), Mix("open-hymnal", "bass", 1), Mix("open-hymnal", "harmonise", 1),
    Mix("open-hymnal", "follow", 1), Mix("m21-folk", "melody", 1), Mix("m21-folk", "lead", 1), Mix("mcgill-billboard", "chords", 1),
)  # fmt: skip


def test_doubles_evaluation_pieces_and_failures_are_left_out_and_counted(built):
    rows = {row["source"]: row for row in json.loads((built / "counts.json").read_text())}
    folk = rows["m21-folk"]
    assert folk["pieces"] == 36
    assert folk["left out"]["double"] == 2  # one that is listed, one found by its melody
    assert folk["left out"]["shared with evaluation"] == 1
    assert folk["left out"]["relative of an evaluation piece"] == 1
    assert sum(folk["left out"].values()) == 5
    assert rows["open-hymnal"]["chords by"] == "analyser"
    assert rows["mcgill-billboard"]["chords by"] == "people"


def test_every_tune_is_on_one_side_and_the_list_says_which(built):
    found = Corpus(built / "corpus.npz")
    rows = [line.split("\t") for line in (built / "split.tsv").read_text().splitlines()[1:]]
    assert [row[2] == "held out" for row in rows] == (found.tunes[:, 5] == 1).tolist()
    assert 0 < int(found.tunes[:, 5].sum()) < len(rows) / 2
    assert [row[0] for row in rows] == [name.split(" #")[0] for name in found.names]
    sides = {}
    for piece, family, side, digest in rows:
        assert sides.setdefault(family or piece, side) == side
        assert len(digest) == 16


def test_a_chart_of_an_evaluation_song_is_left_out(built):
    pieces = (built / "split.tsv").read_text()
    assert "mcgill-billboard:Refrain S7 / A" not in pieces
    assert "mcgill-billboard:Refrain S8 / A" in pieces


def test_without_the_evaluation_music_nothing_is_built(data, tmp_path):
    with pytest.raises(Nonsense, match="kept apart"):
        corpus.build(corpus.Wanted(data, names=("open-hymnal",), evaluation=tmp_path), tmp_path, workers=1)


def test_the_split_depends_on_nothing_but_the_name():
    groups = [f"source:{i}" for i in range(4000)]
    held = [corpus.held_out(group) for group in groups]
    assert held == [corpus.held_out(group) for group in groups]
    assert 100 < sum(held) < 220


def test_share_alike_and_evaluation_sets_are_refused(tmp_path):
    for line in ('use = "eval"\nshare_alike = false', 'use = "train"\nshare_alike = true'):
        (tmp_path / "MANIFEST.toml").write_text(f'["open-hymnal"]\n{line}\n')
        with pytest.raises(Nonsense, match="may not be trained on"):
            corpus.check_licences(tmp_path, [s for s in sources.SOURCES if s.name == "open-hymnal"])


def test_a_missing_archive_is_nonsense(tmp_path):
    with pytest.raises(Nonsense, match="There is no"):
        sources.unpacked(tmp_path, "open-hymnal", tmp_path)


def test_every_window_reads_back_as_music(built):
    sampler = Sampler(Corpus(built / "corpus.npz"), MIX, 200, held_out=False, seed=3)
    rng, tasks, fills = np.random.default_rng(1), set(), 0
    for _ in range(300):
        ids = [int(i) for i in sampler.window(rng, 200)[0]]
        if ids[1] == vocab.task_id(Task.FILL):
            fills += 1
            continue
        piece = decode(ids)
        tasks.add(piece.heading.task)
        assert piece.phrase.bars > 0
        if piece.heading.task in (Task.BASS, Task.ANSWER) or piece.heading.task is Task.CHORDS:
            assert sum(span.duration for span in piece.phrase.chords) == piece.phrase.length
    assert tasks == set(Task) - {Task.FILL}
    assert fills


def test_a_window_begins_with_the_chord_that_sounds(built):
    found = Corpus(built / "corpus.npz")
    sampler = Sampler(found, MIX, 200, held_out=False, seed=3)
    chords = vocab.RANGES["CHORD"]
    for stream, (_, kind, first, bars) in enumerate(found.streams):
        if corpus.STREAMS[kind] in ("lead", "chords", "harmonise", "follow"):
            for bar in range(first, first + bars):
                ids = sampler.opened(stream, bar, [int(i) for i in found.bar(bar)])
                positions = vocab.RANGES["POS"]
                before = [i for i in ids if i in chords or i in positions]
                assert before[0] == found.carry[bar][0]


def test_a_silent_player_is_read_but_not_learnt(built):
    found = Corpus(built / "corpus.npz")
    sampler = Sampler(found, (Mix("open-hymnal", "lead", 1),), 200, held_out=False, seed=3)
    rng, silent = np.random.default_rng(1), 0
    for _ in range(200):
        ids, learnt = sampler.window(rng, 200)
        rests = [
            i
            for i, token in enumerate(ids)
            if vocab.group_of(int(token)) == "RHYTHM" and vocab.rhythm_of(int(token)).silent
        ]
        silent += len(rests) > 3
        assert not learnt[rests].any()
        assert learnt.any()
    assert silent


def test_a_fill_learns_the_gap_alone_which_comes_last(built):
    sampler = Sampler(Corpus(built / "corpus.npz"), (Mix("open-hymnal", "lead", 1),), 500, held_out=False, seed=3)
    rng, seen = np.random.default_rng(2), 0
    while seen < 20:
        ids, learnt = sampler.window(rng, 500)
        if ids[1] != vocab.task_id(Task.FILL):
            continue
        seen += 1
        first = int(np.flatnonzero(learnt)[0])
        ends = [i for i, token in enumerate(ids) if token == vocab.EOS]
        assert len(ends) == 2
        assert ends[0] < first < ends[1] == len(ids) - 1
        gap = [vocab.BOS, vocab.task_id(Task.LEAD), *map(int, ids[2 : 2 + heading_length(ids)]), *map(int, ids[first:])]
        assert decode(gap).phrase.bars in (1, 2, 4)


def heading_length(ids: np.ndarray) -> int:
    """Words of a heading behind its task."""
    return next(i for i, token in enumerate(ids) if int(token) in vocab.RANGES["BAR"]) - 2


def test_in_another_key_from_the_middle_on_chords_are_said_anew(built):
    sampler = Sampler(
        Corpus(built / "corpus.npz"), (Mix("mcgill-billboard", "chords", 1),), 200, held_out=False, seed=3
    )
    rng, jumps = np.random.default_rng(3), 0
    for _ in range(300):
        ids = [int(i) for i in sampler.window(rng, 200)[0]]
        roots = {chord.root for i in ids if i in vocab.RANGES["CHORD"] and (chord := vocab.chord_of(i))}
        if len(roots) > 6 and not any(i in vocab.RANGES["KEY"] for i in ids):
            jumps += 1
    assert jumps


def test_canonical_windows_are_in_one_key(built):
    ways = Ways(robust=False, canonical=True)
    sampler = Sampler(
        Corpus(built / "corpus.npz"), (Mix("open-hymnal", "lead", 1),), 200, held_out=False, seed=3, ways=ways
    )
    rng = np.random.default_rng(3)
    windows = [sampler.window(rng, 200)[0] for _ in range(40)]
    keys = {vocab.NAMES[int(i)] for ids in windows for i in ids if int(i) in vocab.RANGES["KEY"]}
    assert keys == {"KEY C-major"}


def test_the_same_seed_and_step_give_the_same_rows(built):
    one, other = (Sampler(Corpus(built / "corpus.npz"), MIX, 120, held_out=False, seed=5) for _ in range(2))
    assert np.array_equal(one.rows(4, 3).ids, other.rows(4, 3).ids)
    assert not np.array_equal(one.rows(4, 3).ids, one.rows(5, 3).ids)


def test_rows_are_full_but_for_a_short_rest(built):
    rows = Sampler(Corpus(built / "corpus.npz"), MIX, 150, held_out=False, seed=5).rows(0, 20).ids
    assert ((rows == vocab.PAD).sum(axis=1) < 48).all()


def test_a_transposition_moves_every_chord_pitch_and_key_alike():
    table = transpositions()
    chord, pitch = vocab.chord_id(parse_chord("Em7")), vocab.pitch_id(64)
    assert table[5][chord] == chord
    assert vocab.chord_of(int(table[8][chord])) == parse_chord("Gm7")
    assert vocab.pitch_of(int(table[8][pitch])) == 67
    assert int(table[8][vocab.key_id(Key(4, True))]) == vocab.key_id(Key(7, True))
    assert all(sorted(row[list(vocab.RANGES["CHORD"])]) == list(vocab.RANGES["CHORD"]) for row in table)


def test_what_is_given_at_play_is_not_learnt():
    learnt = target_mask()
    for group in ("TASK", "METER", "KEY", "SLOT", "SURPRISE", "PAD", "BOS"):
        assert not learnt[list(vocab.RANGES[group])].any()
    for group in ("EOS", "JOIN", "BAR", "POS", "CHORD", "BASS", "RHYTHM", "PITCH"):
        assert learnt[list(vocab.RANGES[group])].all()


def test_a_corpus_in_other_words_is_nonsense(built, tmp_path):
    with np.load(built / "corpus.npz") as found:
        np.savez(tmp_path / "corpus.npz", **{**found, "vocabulary": np.array("other")})
    with pytest.raises(Nonsense, match="other words"):
        Corpus(tmp_path / "corpus.npz")


def test_denser_and_brighter_bars_have_higher_levels():
    chords = {True: "C", False: "Cm"}
    facts = {}
    for bright, count in ((True, 8), (False, 2)):
        meter = Meter(4, 4)
        notes = tuple(Note(i * 3840 // count, 60, 240) for i in range(count))
        span = chord_labels.chord_spans([parse_chord(chords[bright])] * 4, meter)
        facts[bright] = dict(
            zip(
                corpus.BAR_FACTS,
                corpus.bar_facts(quantise(Phrase(meter, (0,), span, notes), Task.LEAD))[0],
                strict=True,
            )
        )
    assert facts[True]["onsets"] == 8
    assert facts[True]["off_beat"] == 4
    assert facts[True]["bright"] / facts[True]["bright_weight"] == 1
    assert facts[False]["bright"] / facts[False]["bright_weight"] == -1


def test_a_rare_step_surprises_more_than_a_common_one(built):
    found = Corpus(built / "corpus.npz")
    assert (found.facts[:, corpus.BAR_FACTS.index("surprise")] >= 0).all()
    common = [vocab.chord_id(parse_chord(c)) for c in ("C", "G", "C", "G", "C", "F#")]
    tune = corpus.Written(
        "s",
        "n",
        (0, 0, -1, -1),
        [corpus.Stream("chords", [[i] for i in common], [], np.zeros((6, 8), np.float32))],
        6,
        0,
        6,
        "",
    )
    corpus.fill_surprise([tune])
    surprise = tune.streams[0].facts[:, corpus.BAR_FACTS.index("surprise")]
    assert surprise[5] > surprise[1] > 0


# --- the analyser


def block(chords: str, octave: int = 48) -> tuple[Note, ...]:
    """A bar of 4/4 of each chord, in close position above its bass."""
    notes = []
    for i, symbol in enumerate(chords.split()):
        chord = parse_chord(symbol)
        assert chord is not None
        notes.append(Note(i * 3840, octave - 12 + chord.bass, 3840))
        notes += [Note(i * 3840, octave + p, 3840) for p in sorted(chord.pitch_classes)]
    return tuple(notes)


@pytest.mark.parametrize("chords", ["C Am Dm7 G7", "F#m7b5 B7 Em Em", "C/E F G/B C", "Bdim7 Cm Ab G7/F"])
def test_the_analyser_reads_block_chords(chords):
    spans = chord_labels.label(block(chords), Meter(4, 4), 4)
    by_bar = [str(next(s.chord for s in spans if s.onset <= i * 3840 < s.end)) for i in range(4)]
    assert [by_bar[0], *(b for a, b in pairwise(by_bar))] == [str(parse_chord(c)) for c in chords.split()]


def test_a_passing_note_changes_no_chord():
    notes = (*block("C"), Note(960, 74, 240), Note(1200, 77, 240))
    assert [str(span.chord) for span in chord_labels.label(notes, Meter(4, 4), 1)] == ["C"]


def test_silence_has_no_chord():
    spans = chord_labels.label(block("C"), Meter(4, 4), 2)
    assert [str(span.chord) for span in spans] == ["C", "None"]


def test_the_key_of_a_scale_and_its_signature():
    scale = [Note(i * 960, 60 + s, 960) for i, s in enumerate((0, 2, 4, 5, 7, 9, 11, 12, 7, 0))]
    assert chord_labels.key_of(scale, None) == Key(0)
    assert chord_labels.key_of(scale, 0) == Key(0)
    assert chord_labels.key_of([], 0) is None
