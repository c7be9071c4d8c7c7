"""Scenes of the animatic, one function each; ``stage`` has the table of them."""
