"""Animals, vehicles and buildings on a storyboard panel, drawn in ink from the side.

Each stands on its lowest point in the middle, is one unit high, and faces right.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from storyboard.animatic.ink import (
    BOLD,
    DARK,
    DEEP,
    FINE,
    INK,
    LIGHT,
    MIDDLE,
    PAPER,
    Ink,
    Point,
    Tone,
    ellipse,
    smooth,
)


class Prop(Struct, frozen=True):
    """Drawing of one kind of thing: its height in heads of a person, its width for its height, and its function."""

    tall: float
    wide: float
    draw: "Callable[[PropFrame], None]"


class PropFrame:
    """The coordinates of one thing: x in units of its height from its middle, y from 0 at its top to 1 at its foot."""

    def __init__(self, ink: Ink, foot: Point, size: float, way: int, tone: Tone | None) -> None:
        self.ink, self.foot, self.size, self.way, self.tone = ink, foot, size, way, tone
        self.line = min(BOLD, max(FINE, size * 0.012))

    def at(self, x: float, y: float) -> Point:
        return self.foot[0] + self.way * x * self.size, self.foot[1] + (y - 1) * self.size

    def points(self, given: Sequence[Point]) -> list[Point]:
        return [self.at(x, y) for x, y in given]

    def shape(self, tone: Tone, *given: Point) -> None:
        self.ink.shape(self.points(given), tone, self.line)

    def box(self, tone: Tone, left: float, top: float, right: float, bottom: float) -> None:
        self.shape(tone, (left, top), (right, top), (right, bottom), (left, bottom))

    def blob(self, tone: Tone, *given: Point) -> None:
        self.ink.blob(self.points(given), tone, self.line)

    def limb(self, tone: Tone, widths: Sequence[float], *given: Point) -> None:
        self.ink.limb(self.points(given), [width * self.size for width in widths], tone, self.line)

    def oval(self, tone: Tone, x: float, y: float, wide: float, high: float) -> None:
        self.ink.oval(self.at(x, y), wide * self.size, high * self.size, tone, self.line)

    def dot(self, tone: Tone, x: float, y: float, wide: float, high: float) -> None:
        self.ink.oval(self.at(x, y), wide * self.size, high * self.size, tone, 0)

    def stroke(self, *given: Point, width: float = 1.0, tone: Tone = INK) -> None:
        self.ink.stroke(self.points(given), self.line * width, tone)

    def curve(self, *given: Point, width: float = 1.0) -> None:
        self.ink.stroke(smooth(self.points(given)), self.line * width)

    def main(self, otherwise: Tone) -> Tone:
        """Return the colour that the prompt gives the thing, or else its own tone."""
        return otherwise if self.tone is None else self.tone


class _Beast(Struct, frozen=True):
    """The build of an animal with four legs; lengths in units of its height."""

    tone: Tone
    legs: float
    thick: float
    length: float
    girth: float
    neck: float
    head: float
    muzzle: float
    ears: str
    tail: str
    extra: str


def _beast(build: _Beast) -> Callable[[PropFrame], None]:
    """Return the function that draws an animal of that *build*."""

    def draw(frame: PropFrame) -> None:
        half, back = build.length / 2, 1 - build.legs - build.girth * 0.62
        belly = back + build.girth
        head = (half + build.neck * 0.45, build.head / 2 + 0.02)
        for x, shade in (
            (-half * 0.62, DEEP),
            (half * 0.62, DEEP),
            (-half * 0.82, build.tone),
            (half * 0.8, build.tone),
        ):
            frame.limb(
                shade,
                (build.thick * 1.7, build.thick, build.thick * 0.8),
                (x, belly - 0.1),
                (x + 0.02, (belly + 1) / 2),
                (x, 0.97),
            )
        _draw_tail(frame, build, -half, back)
        frame.limb(
            build.tone,
            (build.girth * 0.95, build.girth * 0.62),
            (half * 0.78, back + build.girth * 0.45),
            (head[0] - 0.02, head[1] + 0.03),
        )
        frame.blob(
            build.tone, (-half, back + build.girth * 0.25), (-half * 0.55, back - 0.01), (half * 0.4, back + 0.03),
            (half * 0.96, back + build.girth * 0.1), (half, back + build.girth * 0.7), (half * 0.4, belly),
            (-half * 0.5, belly - build.girth * 0.12), (-half * 0.98, back + build.girth * 0.75),
        )  # fmt: skip
        _draw_beast_head(frame, build, head)

    return draw


def _draw_tail(frame: PropFrame, build: _Beast, x: float, y: float) -> None:
    if build.tail == "up":
        frame.limb(build.tone, (0.09, 0.07, 0.04), (x + 0.06, y + 0.1), (x - 0.14, y + 0.02), (x - 0.2, y - 0.25))
    elif build.tail == "bushy":
        frame.limb(build.tone, (0.08, 0.2, 0.03), (x + 0.06, y + 0.12), (x - 0.25, y + 0.2), (x - 0.5, y + 0.12))
    elif build.tail == "hair":
        frame.limb(DEEP, (0.08, 0.14, 0.05), (x + 0.04, y + 0.06), (x - 0.1, y + 0.16), (x - 0.13, y + 0.48))
    elif build.tail == "thin":
        frame.curve((x + 0.04, y + 0.1), (x - 0.08, y + 0.2), (x - 0.07, y + 0.45), width=1.6)


def _draw_beast_head(frame: PropFrame, build: _Beast, head: Point) -> None:
    x, y = head
    r = build.head / 2
    if build.extra == "mane":
        frame.oval(DARK, x - r * 0.3, y + r * 0.4, r * 1.9, r * 1.9)
    if build.extra == "antlers":
        for lean in (-0.16, 0.05):
            frame.curve((x - r * 0.3, y - r * 0.6), (x + lean - 0.02, y - 0.22), (x + lean + 0.1, y - 0.34), width=1.6)
            frame.curve((x + lean - 0.02, y - 0.2), (x + lean - 0.1, y - 0.32), width=1.4)
    frame.limb(
        build.tone,
        (r * 1.5, r * 1.15, r * 0.8),
        (x, y),
        (x + build.muzzle * 0.6, y + r * 0.35),
        (x + build.muzzle + 0.02, y + r * 0.62),
    )
    frame.oval(build.tone, x, y, r, r * 0.92)
    frame.dot(build.tone, x + r * 0.45, y + r * 0.25, r * 0.7, r * 0.6)
    if build.extra == "trunk":
        frame.limb(
            build.tone, (0.16, 0.11, 0.07), (x + r * 0.9, y + r * 0.3), (x + r * 1.4, y + 0.4), (x + r * 1.1, y + 0.66)
        )
        frame.oval(LIGHT, x - r * 0.5, y + r * 0.1, r * 0.7, r * 0.95)
    frame.dot(INK, x + r * 0.35, y - r * 0.1, r * 0.14, r * 0.16)
    if build.extra != "trunk":
        frame.dot(INK, x + build.muzzle + r * 0.25, y + r * 0.5, r * 0.2, r * 0.17)
    if build.ears == "up":
        for at in (-0.45, 0.1):
            frame.shape(
                build.tone,
                (x + (at - 0.3) * r, y - r * 0.7),
                (x + at * r, y - r * 1.65),
                (x + (at + 0.35) * r, y - r * 0.75),
            )
    elif build.ears == "down":
        frame.limb(
            DEEP,
            (r * 0.5, r * 0.75, r * 0.4),
            (x - r * 0.4, y - r * 0.6),
            (x - r * 0.72, y + r * 0.2),
            (x - r * 0.6, y + r * 0.9),
        )
    elif build.ears == "long":
        for at in (-0.5, -0.1):
            frame.limb(
                build.tone,
                (r * 0.3, r * 0.5, r * 0.2),
                (x + at * r, y - r * 0.7),
                (x + (at - 0.25) * r, y - r * 1.9),
                (x + (at - 0.3) * r, y - r * 2.6),
            )
    elif build.ears == "round":
        frame.oval(build.tone, x - r * 0.5, y - r * 0.85, r * 0.34, r * 0.34)
    if build.extra == "horse":
        frame.limb(
            DEEP, (0.05, 0.12, 0.08), (x - r * 0.2, y - r * 0.7), (x - r * 1.2, y + r * 1.2), (x - r * 1.7, y + 0.38)
        )


def _draw_bird(frame: PropFrame) -> None:
    tone = frame.main(MIDDLE)
    frame.blob(DARK, (-0.1, 0.5), (-0.5, 0.1), (-0.75, 0.02), (-0.55, 0.3), (0.15, 0.6))
    frame.blob(
        tone, (-0.75, 0.78), (-0.3, 0.55), (0.3, 0.5), (0.62, 0.46), (0.8, 0.56), (0.6, 0.72), (0.2, 0.86), (-0.3, 0.82)
    )
    frame.shape(LIGHT, (0.76, 0.52), (0.98, 0.6), (0.75, 0.64))
    frame.blob(tone, (0.2, 0.58), (0.0, 0.2), (-0.1, -0.02), (0.25, 0.12), (0.42, 0.55))
    frame.dot(INK, 0.64, 0.55, 0.03, 0.03)
    frame.shape(tone, (-0.7, 0.74), (-1.05, 0.72), (-1.0, 0.9), (-0.6, 0.83))


def _draw_small_bird(frame: PropFrame) -> None:
    """Draw a bird that stands: an owl, a hen, a penguin."""
    frame.blob(
        frame.main(DARK),
        (0.0, 0.02),
        (0.22, 0.12),
        (0.24, 0.35),
        (0.34, 0.65),
        (0.2, 0.93),
        (-0.2, 0.93),
        (-0.34, 0.65),
        (-0.24, 0.35),
        (-0.22, 0.12),
    )
    frame.blob(PAPER, (0.0, 0.36), (0.17, 0.55), (0.14, 0.86), (-0.14, 0.86), (-0.17, 0.55))
    for side in (-1, 1):
        frame.oval(PAPER, side * 0.1, 0.2, 0.08, 0.08)
        frame.dot(INK, side * 0.1, 0.2, 0.035, 0.035)
        frame.stroke((side * 0.1, 0.93), (side * 0.12, 1.0), (side * 0.2, 1.0))
    frame.shape(LIGHT, (-0.04, 0.26), (0.04, 0.26), (0.0, 0.36))


def _draw_fish(frame: PropFrame) -> None:
    tone = frame.main(MIDDLE)
    frame.shape(tone, (-0.75, 0.5), (-1.25, 0.12), (-1.12, 0.5), (-1.25, 0.9))
    frame.blob(tone, (-0.85, 0.5), (-0.2, 0.1), (0.6, 0.16), (1.0, 0.5), (0.6, 0.84), (-0.2, 0.9))
    frame.shape(DARK, (-0.2, 0.12), (0.2, -0.12), (0.45, 0.12))
    frame.curve((0.5, 0.2), (0.4, 0.5), (0.5, 0.8))
    frame.dot(INK, 0.7, 0.42, 0.06, 0.06)
    for x in (-0.4, -0.1, 0.2):
        frame.curve((x, 0.3), (x - 0.08, 0.5), (x, 0.7), width=0.7)


def _draw_insect(frame: PropFrame) -> None:
    for side in (-1, 1):
        frame.blob(
            frame.main(MIDDLE),
            (side * 0.06, 0.42),
            (side * 0.5, -0.02),
            (side * 0.85, 0.1),
            (side * 0.7, 0.45),
            (side * 0.1, 0.52),
        )
        frame.blob(LIGHT, (side * 0.06, 0.52), (side * 0.6, 0.52), (side * 0.6, 0.85), (side * 0.3, 0.95))
        frame.curve((0.0, 0.3), (side * 0.1, 0.1), (side * 0.22, 0.02), width=0.8)
    frame.limb(DEEP, (0.1, 0.13, 0.05), (0.0, 0.28), (0.0, 0.5), (0.0, 0.9))


def _draw_wheels(frame: PropFrame, radius: float, *places: float) -> None:
    for x in places:
        frame.oval(DEEP, x, 1 - radius, radius, radius)
        frame.oval(LIGHT, x, 1 - radius, radius * 0.52, radius * 0.52)
        frame.dot(DEEP, x, 1 - radius, radius * 0.12, radius * 0.12)


def _draw_car(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE), (-1.5, 0.55), (-1.2, 0.4), (-0.75, 0.36), (-0.4, 0.06), (0.1, 0.0), (0.5, 0.08),
        (0.82, 0.37), (1.3, 0.44), (1.55, 0.6), (1.55, 0.8), (1.3, 0.84), (-1.3, 0.84), (-1.55, 0.78),
    )  # fmt: skip
    frame.shape(PAPER, (-0.62, 0.37), (-0.34, 0.13), (0.03, 0.1), (0.03, 0.37))
    frame.shape(PAPER, (0.12, 0.37), (0.12, 0.1), (0.42, 0.15), (0.66, 0.37))
    frame.stroke((0.08, 0.4), (0.1, 0.8))
    frame.stroke((0.16, 0.5), (0.28, 0.5), width=1.3)
    frame.oval(PAPER, 1.44, 0.58, 0.08, 0.06)
    _draw_wheels(frame, 0.24, -0.92, 0.95)


def _draw_truck(frame: PropFrame) -> None:
    frame.box(frame.main(LIGHT), -1.1, 0.0, 0.5, 0.82)
    frame.shape(MIDDLE, (0.5, 0.24), (0.86, 0.24), (1.02, 0.5), (1.08, 0.82), (0.5, 0.82))
    frame.shape(PAPER, (0.6, 0.32), (0.82, 0.32), (0.94, 0.5), (0.6, 0.5))
    _draw_wheels(frame, 0.16, -0.75, -0.35, 0.75)


def _draw_bus(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE),
        (-1.2, 0.05),
        (-0.4, 0.0),
        (1.1, 0.02),
        (1.22, 0.2),
        (1.22, 0.84),
        (0.4, 0.88),
        (-1.2, 0.86),
        (-1.24, 0.4),
    )
    for x in (-1.05, -0.65, -0.25, 0.15, 0.55):
        frame.box(PAPER, x, 0.16, x + 0.32, 0.46)
    frame.box(LIGHT, 0.93, 0.16, 1.14, 0.84)
    _draw_wheels(frame, 0.16, -0.75, 0.7)


def _draw_train(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE), (-2.2, 0.1), (0.6, 0.08), (1.1, 0.14), (1.55, 0.5), (1.6, 0.84), (0.5, 0.86), (-2.2, 0.86)
    )
    for x in (-2.0, -1.5, -1.0, -0.5, 0.0):
        frame.box(PAPER, x, 0.24, x + 0.34, 0.48)
    frame.shape(PAPER, (0.75, 0.24), (1.05, 0.25), (1.3, 0.48), (0.75, 0.48))
    frame.stroke((-2.2, 0.62), (1.55, 0.62), width=1.4)
    _draw_wheels(frame, 0.11, -1.8, -1.4, 0.4, 0.85)
    frame.stroke((-2.6, 1.0), (2.4, 1.0), width=1.6)


def _draw_bicycle(frame: PropFrame) -> None:
    for x in (-0.52, 0.52):
        for radius in (0.32, 0.29):
            frame.ink.stroke(
                frame.points([(float(a), float(b)) for a, b in ellipse((x, 0.68), radius, radius)]), frame.line
            )
    frame.stroke((-0.52, 0.68), (-0.16, 0.3), (0.34, 0.3), (0.0, 0.7), (-0.52, 0.68), width=2.0)
    frame.stroke((-0.16, 0.3), (0.0, 0.7), width=2.0)
    frame.stroke((-0.2, 0.2), (-0.16, 0.3), width=2.0)
    frame.stroke((-0.32, 0.19), (-0.06, 0.19), width=3.0)
    frame.stroke((0.52, 0.68), (0.32, 0.14), (0.46, 0.08), width=2.0)


def _draw_motorcycle(frame: PropFrame) -> None:
    _draw_wheels(frame, 0.32, -0.62, 0.66)
    frame.blob(
        frame.main(DARK),
        (-0.7, 0.36),
        (-0.2, 0.4),
        (0.06, 0.22),
        (0.36, 0.24),
        (0.42, 0.44),
        (0.2, 0.72),
        (-0.25, 0.76),
        (-0.4, 0.5),
    )
    frame.stroke((0.66, 0.68), (0.4, 0.16), (0.22, 0.1), width=2.4)
    frame.blob(DEEP, (-0.85, 0.28), (-0.2, 0.34), (-0.2, 0.42), (-0.75, 0.4))


def _draw_boat(frame: PropFrame) -> None:
    _draw_water(frame)
    frame.blob(
        frame.main(MIDDLE),
        (-1.4, 0.42),
        (0.0, 0.55),
        (1.1, 0.46),
        (1.65, 0.3),
        (1.2, 0.8),
        (0.6, 0.92),
        (-1.0, 0.92),
        (-1.3, 0.72),
    )
    frame.curve((-1.36, 0.52), (0.0, 0.64), (1.5, 0.42))


def _draw_ship(frame: PropFrame) -> None:
    _draw_water(frame)
    frame.box(PAPER, -0.75, 0.36, 0.3, 0.62)
    frame.box(LIGHT, -0.6, 0.18, 0.0, 0.36)
    frame.box(DARK, -0.42, 0.0, -0.2, 0.18)
    frame.shape(frame.main(DARK), (-1.2, 0.6), (1.3, 0.6), (1.0, 0.93), (-1.05, 0.93))
    for x in (-0.6, -0.3, 0.0):
        frame.dot(DEEP, x, 0.48, 0.04, 0.04)


def _draw_sailboat(frame: PropFrame) -> None:
    _draw_water(frame)
    frame.stroke((0.0, 0.0), (0.0, 0.84), width=2.0)
    frame.shape(PAPER, (-0.03, 0.04), (-0.42, 0.74), (-0.03, 0.74))
    frame.shape(LIGHT, (0.03, 0.1), (0.36, 0.72), (0.03, 0.74))
    frame.blob(frame.main(MIDDLE), (-0.52, 0.8), (0.0, 0.82), (0.6, 0.78), (0.4, 0.95), (-0.36, 0.96))


def _draw_water(frame: PropFrame) -> None:
    for row, (left, right) in enumerate(((-1.9, -1.2), (1.3, 2.0), (-1.0, 1.2))):
        y = 0.95 + 0.03 * row
        frame.curve(*((left + (right - left) * n / 6, y + (0.015 if n % 2 else -0.015)) for n in range(7)), width=0.8)


def _draw_airplane(frame: PropFrame) -> None:
    frame.shape(LIGHT, (-0.1, 0.45), (-0.6, 0.02), (-0.35, 0.02), (0.35, 0.45))
    frame.shape(frame.main(MIDDLE), (-1.35, 0.45), (-1.65, 0.05), (-1.4, 0.05), (-1.05, 0.42))
    frame.blob(
        frame.main(PAPER), (-1.5, 0.5), (-0.8, 0.4), (0.8, 0.38), (1.45, 0.5), (1.5, 0.6), (0.9, 0.66), (-0.6, 0.64)
    )
    frame.shape(MIDDLE, (0.25, 0.58), (-0.7, 1.0), (-0.35, 1.0), (0.65, 0.6))
    for n in range(7):
        frame.dot(DEEP, -0.7 + 0.25 * n, 0.48, 0.045, 0.045)


def _draw_helicopter(frame: PropFrame) -> None:
    frame.stroke((-1.2, 0.05), (1.0, 0.05), width=2.4)
    frame.stroke((-0.1, 0.05), (-0.1, 0.25), width=2.0)
    frame.limb(frame.main(MIDDLE), (0.22, 0.1), (-0.3, 0.45), (-1.4, 0.35))
    frame.oval(LIGHT, -1.4, 0.32, 0.14, 0.14)
    frame.blob(frame.main(MIDDLE), (-0.6, 0.4), (-0.1, 0.22), (0.4, 0.28), (0.65, 0.58), (0.3, 0.78), (-0.4, 0.74))
    frame.blob(PAPER, (0.12, 0.34), (0.4, 0.34), (0.58, 0.56), (0.14, 0.56))
    frame.stroke((-0.6, 0.98), (0.6, 0.98), width=2.0)
    for x in (-0.3, 0.25):
        frame.stroke((x, 0.76), (x, 0.98), width=1.6)


def _draw_spaceship(frame: PropFrame) -> None:
    frame.blob(LIGHT, (-0.95, 0.42), (-1.5, 0.5), (-0.95, 0.58))
    frame.shape(DARK, (-0.3, 0.4), (-0.95, 0.02), (-1.0, 0.35))
    frame.shape(DARK, (-0.3, 0.62), (-0.95, 0.98), (-1.0, 0.66))
    frame.blob(
        frame.main(MIDDLE), (-1.0, 0.36), (0.2, 0.3), (1.0, 0.44), (1.3, 0.52), (1.0, 0.6), (0.2, 0.7), (-1.0, 0.66)
    )
    frame.blob(PAPER, (0.3, 0.38), (0.65, 0.42), (0.8, 0.5), (0.3, 0.5))


def _draw_house(frame: PropFrame) -> None:
    frame.box(frame.main(PAPER), -0.6, 0.42, 0.6, 1.0)
    frame.shape(DARK, (-0.74, 0.45), (-0.3, 0.05), (0.34, 0.05), (0.74, 0.45))
    frame.box(DEEP, -0.12, 0.62, 0.14, 1.0)
    for x in (-0.48, 0.26):
        frame.box(LIGHT, x, 0.56, x + 0.22, 0.78)
        frame.stroke((x + 0.11, 0.56), (x + 0.11, 0.78))


def _draw_tower(frame: PropFrame) -> None:
    frame.shape(frame.main(LIGHT), (-0.14, 0.16), (0.14, 0.16), (0.2, 1.0), (-0.2, 1.0))
    frame.box(DARK, -0.17, 0.12, 0.17, 0.2)
    frame.shape(DEEP, (-0.14, 0.12), (0.0, 0.0), (0.14, 0.12))
    for y in (0.34, 0.55, 0.76):
        frame.box(DEEP, -0.03, y, 0.03, y + 0.07)


def _draw_block(frame: PropFrame) -> None:
    """Draw a block of a town, with rows of windows."""
    frame.box(frame.main(LIGHT), -0.34, 0.0, 0.24, 1.0)
    frame.shape(MIDDLE, (0.24, 0.0), (0.42, 0.08), (0.42, 1.0), (0.24, 1.0))
    for row in range(6):
        for column in range(4):
            x, y = -0.29 + 0.13 * column, 0.06 + 0.15 * row
            frame.box(DARK if (row + column) % 3 else PAPER, x, y, x + 0.08, y + 0.09)


def _draw_tree(frame: PropFrame) -> None:
    frame.limb(DARK, (0.1, 0.07, 0.06), (0.0, 0.99), (0.02, 0.75), (0.0, 0.5))
    frame.blob(
        frame.main(MIDDLE), (0.0, 0.0), (0.2, 0.05), (0.36, 0.2), (0.4, 0.4), (0.28, 0.6), (0.06, 0.64), (-0.2, 0.62),
        (-0.38, 0.46), (-0.4, 0.24), (-0.22, 0.06),
    )  # fmt: skip
    for x, y in ((-0.16, 0.3), (0.1, 0.2), (0.14, 0.44)):
        frame.curve((x - 0.08, y + 0.02), (x, y + 0.05), (x + 0.08, y), width=0.8)


def _draw_plant(frame: PropFrame) -> None:
    for lean in (-0.42, -0.2, 0.04, 0.26, 0.46):
        frame.limb(
            frame.main(MIDDLE), (0.04, 0.13, 0.02), (0.0, 0.72), (lean * 0.55, 0.4), (lean, 0.05 + abs(lean) * 0.4)
        )
    frame.shape(DARK, (-0.2, 0.68), (0.2, 0.68), (0.14, 1.0), (-0.14, 1.0))


# Animals with four legs; lengths in units of their height, the height itself in heads of a person.
_BEASTS = """
#kind     tall  wide  tone    legs  thick  length  girth  neck  head  muzzle  ears   tail   extra
animal    3.4   1.6   middle  0.42  0.1    1.12    0.34   0.3   0.3   0.22    down   up     -
dog       3.4   1.6   middle  0.42  0.1    1.12    0.34   0.3   0.3   0.22    down   up     -
cat       1.9   1.5   dark    0.36  0.08   1.05    0.3    0.12  0.36  0.1     up     up     -
horse     8.4   1.4   middle  0.5   0.075  0.92    0.28   0.38  0.2   0.17    up     hair   horse
deer      6.4   1.3   light   0.5   0.055  0.8     0.24   0.3   0.18  0.14    up     -      antlers
fox       2.4   1.9   middle  0.36  0.07   1.15    0.28   0.2   0.3   0.22    up     bushy  -
wolf      3.8   1.8   dark    0.42  0.09   1.2     0.34   0.2   0.3   0.22    up     bushy  -
bear      6.2   1.6   deep    0.32  0.17   1.25    0.5    0.16  0.34  0.16    round  -      -
lion      4.6   1.7   light   0.4   0.12   1.15    0.34   0.18  0.32  0.12    round  thin   mane
tiger     4.6   1.7   light   0.4   0.12   1.2     0.34   0.16  0.32  0.1     round  up     -
elephant  13.0  1.5   middle  0.36  0.17   1.0     0.5    0.14  0.4   0.06    -      thin   trunk
cow       6.4   1.6   paper   0.4   0.1    1.2     0.42   0.14  0.28  0.18    round  thin   -
camel     9.0   1.4   light   0.52  0.07   0.85    0.3    0.36  0.16  0.14    round  thin   -
sheep     3.8   1.5   paper   0.32  0.07   1.05    0.5    0.1   0.28  0.1     down   -      -
pig       3.2   1.8   light   0.26  0.1    1.3     0.54   0.06  0.4   0.16    up     thin   -
rabbit    1.8   1.2   light   0.24  0.12   0.7     0.42   0.08  0.36  0.08    long   -      -
mouse     0.7   1.8   middle  0.22  0.09   1.1     0.5    0.05  0.42  0.16    round  thin   -
"""


def _read_beasts(table: str) -> dict[str, Prop]:
    tones = {"paper": PAPER, "light": LIGHT, "middle": MIDDLE, "dark": DARK, "deep": DEEP}
    found: dict[str, Prop] = {}
    for line in table.split("\n")[2:-1]:
        kind, tall, wide, tone, *lengths, ears, tail, extra = line.replace(" -", " .").split()
        legs, thick, length, girth, neck, head, muzzle = map(float, lengths)
        build = _Beast(tones[tone], legs, thick, length, girth, neck, head, muzzle, ears, tail, extra)
        found[kind] = Prop(float(tall), float(wide), _beast(build))
    return found


MOVERS: Mapping[str, Prop] = {
    **_read_beasts(_BEASTS),
    "bird": Prop(1.5, 2.0, _draw_bird), "eagle": Prop(2.6, 2.0, _draw_bird), "duck": Prop(1.6, 2.0, _draw_bird),
    "owl": Prop(1.8, 0.7, _draw_small_bird), "chicken": Prop(1.6, 0.7, _draw_small_bird),
    "penguin": Prop(3.0, 0.7, _draw_small_bird), "fish": Prop(1.4, 2.3, _draw_fish),
    "whale": Prop(14.0, 2.3, _draw_fish), "shark": Prop(5.0, 2.3, _draw_fish), "dolphin": Prop(4.0, 2.3, _draw_fish),
    "insect": Prop(0.6, 1.8, _draw_insect), "butterfly": Prop(0.8, 1.8, _draw_insect),
    "vehicle": Prop(6.4, 3.2, _draw_car), "car": Prop(6.4, 3.2, _draw_car), "truck": Prop(13.0, 2.2, _draw_truck),
    "bus": Prop(13.0, 2.5, _draw_bus), "train": Prop(15.0, 4.2, _draw_train),
    "bicycle": Prop(4.6, 1.7, _draw_bicycle), "motorcycle": Prop(5.0, 2.0, _draw_motorcycle),
    "boat": Prop(4.4, 3.2, _draw_boat), "ship": Prop(30.0, 2.6, _draw_ship),
    "sailboat": Prop(22.0, 1.6, _draw_sailboat), "airplane": Prop(14.0, 3.2, _draw_airplane),
    "helicopter": Prop(12.0, 2.4, _draw_helicopter), "spaceship": Prop(14.0, 2.8, _draw_spaceship),
    "building": Prop(40.0, 0.8, _draw_block), "house": Prop(24.0, 1.5, _draw_house),
    "church": Prop(40.0, 0.8, _draw_tower), "tower": Prop(60.0, 0.5, _draw_tower),
    "lighthouse": Prop(60.0, 0.5, _draw_tower), "windmill": Prop(40.0, 0.6, _draw_tower),
    "castle": Prop(50.0, 1.0, _draw_block), "bridge": Prop(24.0, 1.5, _draw_block),
    "plant": Prop(3.0, 0.9, _draw_plant), "tree": Prop(22.0, 0.9, _draw_tree),
}  # fmt: skip
