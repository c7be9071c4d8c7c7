"""Join segments and copied shots into one film file."""
