"""Render the segments of a film: frames, titles, colour, encoding."""
