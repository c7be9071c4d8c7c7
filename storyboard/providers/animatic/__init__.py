"""The drawing of an animatic: words to a scene, a scene to pictures. numpy and Pillow live here and load late."""
