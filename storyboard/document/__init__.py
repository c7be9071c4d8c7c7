"""The storyboard language: YAML text in, a checked model and located findings out. The caller reads the files."""
