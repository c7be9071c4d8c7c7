"""Sprites: small pictures that are laid at any pixel of a frame."""

from typing import Any

from PIL import Image

from storyboard.providers.animatic.planes import Picture, Sheet, coded, planes_of


class Sprite:
    """A small RGBA picture in planes, once for each way in which its corner can lie on the coarser planes of colour."""

    def __init__(self, image: Picture) -> None:
        self._image = image
        self._cores: dict[tuple[int, int], tuple[Any, ...]] = {}

    def lay(self, sheet: Sheet, x: float, y: float) -> None:
        """Paste it with its middle at the frame pixel (*x*, *y*)."""
        left, top = round(x - self._image.width / 2), round(y - self._image.height / 2)
        if not (-self._image.width < left < sheet.width and -self._image.height < top < sheet.height):
            return
        key = left % 2, top % 2
        if key not in self._cores:
            self._cores[key] = _moved(self._image, *key)
        luma, blue, red, mask, half = self._cores[key]
        wide, high = half.size
        left, top = left // 2, top // 2
        area = left, top, left + wide, top + high
        sheet.cores[0].paste(luma, (2 * left, 2 * top, 2 * (left + wide), 2 * (top + high)), mask)
        sheet.cores[1].paste(blue, area, half)
        sheet.cores[2].paste(red, area, half)


def _moved(image: Picture, right: int, down: int) -> tuple[Any, ...]:
    """The planes of *image* moved by a pixel or none, its mask, and its mask for the planes of colour."""
    wide, high = image.width + right, image.height + down
    moved = Image.new("RGBA", (wide + wide % 2, high + high % 2))
    moved.paste(image, (right, down))
    half = moved.reduce(2)  # by the weight of alpha: what is see-through has no colour
    _, blue, red = coded(half.convert("RGB")).split()
    luma = planes_of(moved.convert("RGB"))[0]
    return luma.im, blue.im, red.im, moved.getchannel("A").im, half.getchannel("A").im
