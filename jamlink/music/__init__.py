"""Music without a clock: notes, chords, keys, voicings and what can be heard in them."""
