"""Musical time: integers that two parties can agree on, and the line that ties them to the clock."""
