"""Read, mix and master the sound of a film."""
