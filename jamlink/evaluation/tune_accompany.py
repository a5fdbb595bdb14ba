"""Settings of the live player tried out: `python -m jamlink.evaluation.tune_accompany [--model NAME] NAME=VALUE,...`.

On two tunebooks with people's chords that nothing is trained on and nothing is judged by. Each argument is a set of
`LiveSettings` that differs from the shipped one; the shipped one comes first. One line each, as JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from jamlink.engine.choose import engine_for
from jamlink.errors import Nonsense
from jamlink.evaluation.accompany import judged
from jamlink.evaluation.judged_models import SHIPPED, read_model
from jamlink.evaluation.songs import Song, read_songs
from jamlink.proposers import key_chord_hmm
from jamlink.proposers.live_chords import LiveChords, LiveSettings
from jamlink.resources import data_folder, shared_music

BOOKS = ("oldtime-tunebook", "tuneworks-tunebook")
SHOWN = ("nic", "coupling", "root", "exact", "length_entropy", "pcs", "recovery_2", "recovery_4", "noise_loss")


def development_songs(music: Path) -> list[Song]:
    """The tunes of both books. Raises as `read_songs`."""
    return [song for book in BOOKS for song in read_songs(music / "data" / book).songs]


def changed(settings: LiveSettings, text: str) -> LiveSettings:
    """`settings` with "name=value,name=value" in it. Raises `Nonsense` for an unknown name or no number."""
    try:
        pairs = [pair.split("=") for pair in text.split(",")]
        return replace(settings, **{name: type(getattr(settings, name))(float(value)) for name, value in pairs})
    except (ValueError, AttributeError, TypeError):
        raise Nonsense(f"{text!r} is no setting of the live player.", "Give, for example, told=0.5,pasts=3.") from None


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=SHIPPED)
    parser.add_argument("--every", type=int, default=3, help="every so many tunes")
    parser.add_argument("settings", nargs="*")
    args = parser.parse_args()
    table = key_chord_hmm.load(data_folder("models") / "hmm" / "table.npz")
    checkpoint = read_model(args.model)
    network, songs = engine_for(checkpoint.config, checkpoint.weights), development_songs(shared_music())[:: args.every]
    for text in ("", *args.settings):
        own = changed(LiveSettings(), text) if text else LiveSettings()
        row = judged(text, lambda meter, seed, own=own: LiveChords(network, table, meter, own, seed), songs, 0)  # type: ignore[misc]
        found = {name: round(row.metrics[name], 3) for name in SHOWN}
        print(json.dumps({"settings": text or "as shipped", "songs": len(songs)} | found), flush=True)


if __name__ == "__main__":
    main()
