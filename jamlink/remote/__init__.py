"""The process that speaks OSC: remote control of jamlink, and the bridge to a DAW. It is a view like any other."""
