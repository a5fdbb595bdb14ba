"""The session: a pure state machine between a musician, proposers and an instrument.

Inputs go in (`inputs`), effects come out (`effects`). Nothing here opens a port, starts a thread or reads a clock.
"""
