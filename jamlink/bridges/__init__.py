"""What each DAW can be asked and what it says, as values: one pure codec a file, no socket, no clock."""
