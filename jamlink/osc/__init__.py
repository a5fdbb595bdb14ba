"""Open Sound Control 1.0: packets as values and back. Knows nothing of what they mean."""
