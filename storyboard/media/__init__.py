"""Video and audio: probing, exact frames, encoding, segments, soundtrack and the join into a film."""
