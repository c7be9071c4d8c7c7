"""Pictures and sound: probing, exact frames, encoding, segments and their join."""
