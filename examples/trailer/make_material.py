"""Draws the chart and the clip that this storyboard takes for own material."""

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from storyboard.core.model import Size
from storyboard.media.encode import ClipWriter

HERE = Path(__file__).parent / "material"


def chart(width: int = 1600, height: int = 1200) -> Image.Image:
    """A sea chart: depth lines around an island, a grid, a course."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    depth = np.hypot(x - width * 0.36, (y - height * 0.56) * 1.3) / width
    depth += 0.03 * np.sin(x / 90) + 0.03 * np.cos(y / 70)
    land, line = depth < 0.13, np.abs(depth * 14 % 1 - 0.5) > 0.46
    picture = np.full((height, width, 3), (206, 224, 226), np.uint8)
    picture[depth < 0.26] = (184, 211, 216)
    picture[line] = (120, 158, 170)
    picture[land] = (226, 206, 158)
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    for step in range(0, width, 200):
        draw.line([(step, 0), (step, height)], fill=(150, 170, 176), width=2)
        draw.line([(0, step), (width, step)], fill=(150, 170, 176), width=2)
    course = [(width * 0.5, height * 0.62), (width * 0.68, height * 0.5), (width * 0.9, height * 0.2)]
    draw.line(course, fill=(176, 48, 42), width=6)
    return image


def frame(number: int, size: Size) -> np.ndarray:
    """A buoy that sways on the water."""
    image = Image.new("RGB", (size.width, size.height), (226, 158, 104))
    draw = ImageDraw.Draw(image)
    horizon = size.height // 2
    draw.rectangle([0, horizon, size.width, size.height], fill=(30, 62, 84))
    for row in range(12):
        y = horizon + 6 + row * (row + 4)
        shift = 14 * np.sin(number / 9 + row)
        draw.line([(size.width * 0.1 + shift, y), (size.width * 0.9 + shift, y)], fill=(66, 104, 122), width=2)
    x = size.width / 2 + 16 * np.sin(number / 13)
    draw.polygon([(x - 22, horizon + 60), (x + 22, horizon + 60), (x, horizon - 70)], fill=(188, 40, 36))
    return np.asarray(image)


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    chart().save(HERE / "chart.png", optimize=True)
    size = Size(640, 480)
    with ClipWriter(HERE / "own.mp4", size, Fraction(30000, 1001)) as writer:
        for number in range(90):
            writer.write(frame(number, size))
