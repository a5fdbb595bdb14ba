"""What can be heard in notes: key and chords. Pure, causal, and cheap enough to run while they are played."""

from __future__ import annotations

from jamlink.music.chord_recognition import ChordGuess, chords_of, recognise_chord
from jamlink.music.key_estimate import KeyEstimate, KeyTracker, estimate_key

__all__ = ["ChordGuess", "KeyEstimate", "KeyTracker", "chords_of", "estimate_key", "recognise_chord"]
