"""MIDI ports, one file per system, behind the interface in `base`."""
