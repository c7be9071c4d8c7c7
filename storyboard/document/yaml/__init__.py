"""YAML with places: parsing, decoding and editing, without any knowledge of storyboards."""
