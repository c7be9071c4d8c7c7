"""YAML text in, values and the places they stand at out; the caller reads the files."""
