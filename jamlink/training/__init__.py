"""From licence-clean scores to weights: read, label, write as words, train."""
