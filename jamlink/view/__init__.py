"""What the player looks at: one protocol, and the views that speak it."""
