"""Trying settings of the live player: on the development tunebooks alone, one line of figures for each set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from jamlink.errors import Nonsense
from jamlink.evaluation import tune_accompany
from jamlink.evaluation.tune_accompany import BOOKS, SHOWN, changed, development_songs
from jamlink.nn import checkpoint
from jamlink.nn.config import ModelConfig
from jamlink.proposers.live_chords import LiveSettings
from jamlink.tokens import vocab

TUNES = Path(__file__).parents[1] / "data" / "smoke" / "tunes.abc"
TINY = ModelConfig(
    vocab_size=vocab.SIZE, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
    intermediate_size=16, head_dim=8, max_position_embeddings=256,
)  # fmt: skip


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Both books, eight tunes each; beside them music that people are to be compared with, which is not for tuning."""
    tunes = TUNES.read_text().split("\nX:")[1:]
    for i, book in enumerate(BOOKS):
        folder = tmp_path / "data" / book
        folder.mkdir(parents=True)
        (folder / "book.abc").write_text("\n".join(f"X:{tune}" for tune in tunes[8 * i : 8 * i + 8]))
    apart = tmp_path / "data-eval" / "openewld-pd"
    apart.mkdir(parents=True)
    shutil.copy(TUNES, apart)
    return tmp_path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in TINY.shapes().items()}
    checkpoint.save(tmp_path / "model", TINY, weights, {"hash": vocab.HASH, "names": list(vocab.NAMES)}, {"name": "t"})
    return tmp_path / "model"


def test_what_is_named_is_changed_and_the_rest_stays():
    shipped = LiveSettings()
    found = changed(shipped, f"told={shipped.told + 0.25},pasts={shipped.pasts + 1},hindsight=0")
    assert (found.told, found.pasts, found.hindsight) == (shipped.told + 0.25, shipped.pasts + 1, False)
    assert isinstance(found.pasts, int)
    same = {"told": shipped.told, "pasts": shipped.pasts, "hindsight": shipped.hindsight}
    again = changed(found, ",".join(f"{name}={float(value)}" for name, value in same.items()))
    assert again == shipped


@pytest.mark.parametrize("text", ["", "told", "told=", "told=much", "tolt=0.5", "told=0.5,", "told=0.5=1", "pasts=nan"])
def test_what_is_no_setting_is_refused_with_an_example(text):
    with pytest.raises(Nonsense, match=r"no setting of the live player\. Give, for example, told=0\.5,pasts=3\.$"):
        changed(LiveSettings(), text)


def test_the_songs_are_those_of_both_books_and_no_others(music):
    assert len(development_songs(music)) == 16
    shutil.rmtree(music / "data" / BOOKS[1])
    with pytest.raises(Nonsense, match=BOOKS[1]):
        development_songs(music)


def test_every_set_of_settings_gets_a_line_on_the_same_songs_the_shipped_one_first(music, model, monkeypatch, capsys):
    monkeypatch.setenv("JAMLINK_DATA", str(music))
    tried = ["temperature=3", "told=0,hindsight=0"]
    monkeypatch.setattr("sys.argv", ["tune", "--model", str(model), "--every", "8", *tried])
    tune_accompany.main()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["settings"] for row in rows] == ["as shipped", *tried]
    assert all(row["songs"] == 2 and set(SHOWN) <= set(row) for row in rows)
    figures = [tuple(row[name] for name in SHOWN) for row in rows]
    assert figures[0] != figures[1]
