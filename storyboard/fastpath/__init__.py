"""What makes a run with nothing to do fast."""
