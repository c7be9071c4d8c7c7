"""One function a scene of the animatic, and one table of them."""
