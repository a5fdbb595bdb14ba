"""MIDI as bytes, events, held notes, files and controller maps. Knows music and time; no port, thread or clock."""
