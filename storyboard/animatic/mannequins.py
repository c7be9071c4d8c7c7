"""People on a storyboard panel: heads, figures of any part of the body, hands and crowds, drawn in ink.

A figure is measured in heads, as draughtsmen do: the chin is at 1, the shoulders at 1.4, the waist at 2.9, the hands
at 4, the knees at 5.6 and the soles at 7.5.
"""

from collections.abc import Sequence

import numpy as np
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
    PLAIN,
    Ink,
    Point,
    Tone,
    ellipse,
    smooth,
)

TALL = 7.5  # heads of a grown person
_CHILD_TALL = 5.2
_FACE_ROOM = 0.075  # stage units; a smaller head has no features


class Person(Struct, frozen=True):
    """Looks of one person. *turn* is where the face points: -1 left, 0 at the camera, 1 right.

    ``kind`` is man, woman, child, elder or person; ``pose`` one of ``POSES``; ``top`` and ``legs`` are the tones of the
    clothes.
    """

    kind: str = "person"
    pose: str = "stand"
    turn: float = 0.0
    back: bool = False
    hair: Tone = DEEP
    top: Tone = MIDDLE
    legs: Tone = DARK

    @property
    def tall(self) -> float:
        """The height in heads of its own."""
        return _CHILD_TALL if self.kind == "child" else TALL


_Joints = tuple[Point, Point]
# Joints of the limbs in heads, of the right side of the picture and of the left: elbow and wrist, knee and ankle.
_POSES = """
stand  1.12,2.75  1.05,3.85  -1.12,2.75  -1.05,3.85   0.36,5.6   0.38,7.15  -0.36,5.6   -0.38,7.15
walk   1.05,2.7   1.55,3.55  -1.05,2.7   -1.3,3.8     0.75,5.45  0.95,7.1   -0.15,5.6   -1.05,6.85
run    1.25,2.55  1.95,1.95  -1.25,2.5   -1.75,3.3    1.25,4.9   0.75,6.35  -0.45,5.5   -1.85,6.2
talk   1.35,2.6   1.85,1.75  -1.12,2.75  -0.95,3.85   0.36,5.6   0.42,7.15  -0.36,5.6   -0.38,7.15
hold   1.2,2.7    0.42,2.5   -1.2,2.7    -0.42,2.5    0.36,5.6   0.4,7.15   -0.36,5.6   -0.38,7.15
dance  1.5,1.25   1.75,0.05  -1.5,1.6    -2.0,0.7     0.85,5.3   0.55,6.9   -0.3,5.6    -0.55,7.15
sit    1.1,2.75   0.75,3.75  -1.1,2.75   -0.75,3.75   0.62,4.55  0.62,6.05  -0.62,4.55  -0.62,6.05
"""


def _read_poses(table: str) -> dict[str, tuple[_Joints, _Joints, _Joints, _Joints]]:
    found: dict[str, tuple[_Joints, _Joints, _Joints, _Joints]] = {}
    for line in table.split("\n")[1:-1]:
        name, *places = line.split()
        points = [(float(x), float(y)) for x, y in (place.split(",") for place in places)]
        found[name] = (
            (points[0], points[1]),
            (points[2], points[3]),
            (points[4], points[5]),
            (points[6], points[7]),
        )
    return found


POSES = _read_poses(_POSES)


class BodyFrame:
    """The coordinates of one figure: heads to stage units."""

    def __init__(self, ink: Ink, crown: Point, head: float, person: Person) -> None:
        self.ink, self.crown, self.head = ink, crown, head
        self._short = (person.tall - 1) / (TALL - 1)
        self._slim = {"child": 0.72, "woman": 0.88, "elder": 0.92}.get(person.kind, 1.0)
        self.line = min(BOLD, max(FINE, head * 0.045))

    def at(self, x: float, y: float) -> Point:
        """Return the place of a point of the body; below the chin, children are shorter and slimmer."""
        low = y if y <= 1 else 1 + (y - 1) * self._short
        wide = x if y <= 1 else x * self._slim
        return self.crown[0] + wide * self.head, self.crown[1] + low * self.head

    def points(self, given: Sequence[Point]) -> list[Point]:
        return [self.at(x, y) for x, y in given]

    def blob(self, tone: Tone, *given: Point) -> None:
        self.ink.blob(self.points(given), tone, self.line)

    def limb(self, tone: Tone, given: Sequence[Point], widths: Sequence[float]) -> None:
        self.ink.limb(self.points(given), [width * self.head * self._slim for width in widths], tone, self.line)

    def stroke(self, *given: Point, width: float = 0.6) -> None:
        self.ink.stroke(smooth(self.points(given)), self.line * width)

    def oval(self, tone: Tone, x: float, y: float, wide: float, high: float) -> None:
        self.ink.oval(self.at(x, y), wide * self.head, high * self.head, tone, self.line)

    def dot(self, x: float, y: float, wide: float, high: float, tone: Tone = INK) -> None:
        self.ink.oval(self.at(x, y), wide * self.head, high * self.head, tone, 0)


def draw_person(ink: Ink, crown: Point, head: float, person: Person) -> None:
    """Draw a whole figure whose head begins at *crown* and is *head* stage units high; the picture crops it."""
    body = BodyFrame(ink, crown, head, person)
    right_arm, left_arm, right_leg, left_leg = POSES[person.pose]
    if person.kind == "woman":
        _draw_long_hair(body, person)
    far, near = (
        ((right_arm, right_leg), (left_arm, left_leg))
        if person.turn < 0
        else (
            (left_arm, left_leg),
            (right_arm, right_leg),
        )
    )
    for leg, side in ((left_leg, -1), (right_leg, 1)):
        _draw_leg(body, person, leg, side)
    side = 1 if person.turn < 0 else -1
    raised = person.pose in ("hold", "talk")
    if not raised:
        _draw_arm(body, person, far[0], side)
    body.blob(LIGHT if not person.back else MIDDLE, (-0.2, 0.8), (0.2, 0.8), (0.24, 1.5), (-0.24, 1.5))
    _draw_torso(body, person)
    if raised:
        _draw_arm(body, person, far[0], side)
    _draw_arm(body, person, near[0], -side)
    _draw_head(body, person)


def _draw_leg(body: BodyFrame, person: Person, joints: _Joints, side: int) -> None:
    knee, ankle = joints
    skirted = person.kind == "woman"
    tone = PAPER if skirted else person.legs
    body.limb(tone, [(side * 0.33, 3.75), knee, ankle], (0.68, 0.46, 0.3))
    toe = 0.26 if person.turn >= 0 else -0.26
    toe = toe if abs(person.turn) > 0.3 or person.pose in ("walk", "run") else side * 0.12
    body.limb(DEEP, [(ankle[0] - toe * 0.2, ankle[1] + 0.2), (ankle[0] + toe, ankle[1] + 0.25)], (0.26, 0.2))


def _draw_arm(body: BodyFrame, person: Person, joints: _Joints, side: int) -> None:
    elbow, wrist = joints
    body.limb(
        PAPER, [wrist, (wrist[0] + (wrist[0] - elbow[0]) * 0.3, wrist[1] + (wrist[1] - elbow[1]) * 0.3)], (0.26, 0.2)
    )
    body.limb(person.top, [(side * 0.82, 1.62), elbow, wrist], (0.46, 0.36, 0.26))


def _draw_torso(body: BodyFrame, person: Person) -> None:
    waist, hip = (0.56, 0.8) if person.kind == "woman" else (0.72, 0.74)
    hem = 5.0 if person.kind == "woman" else 4.0
    flare = 1.02 if person.kind == "woman" else hip
    outline = [
        (-0.24, 1.3), (0.24, 1.3), (0.7, 1.42), (0.98, 1.66), (0.86, 2.2), (waist, 2.95), (hip, 3.6), (flare, hem),
        (0.0, hem + 0.1), (-flare, hem), (-hip, 3.6), (-waist, 2.95), (-0.86, 2.2), (-0.98, 1.66), (-0.7, 1.42),
    ]  # fmt: skip
    body.blob(person.top, *outline)
    if person.back:
        body.stroke((0.0, 1.6), (0.03, 2.6))
        return
    body.blob(LIGHT, (-0.24, 1.27), (0.24, 1.27), (0.02 + 0.1 * person.turn, 1.72))
    body.stroke((0.02 + 0.1 * person.turn, 1.75), (0.05 + 0.16 * person.turn, 2.6), (0.08 * person.turn, hem - 0.2))


def _draw_head(body: BodyFrame, person: Person) -> None:
    """Draw the head with its hair; features only where it is large enough."""
    body.blob(PAPER, *_FACE)
    body.oval(
        PAPER, 0.37 - 0.1 * person.turn, 0.53, 0.06, 0.1
    ) if person.turn < 0.3 and person.kind != "woman" else None
    body.oval(
        PAPER, -0.37 - 0.1 * person.turn, 0.53, 0.06, 0.1
    ) if person.turn > -0.3 and person.kind != "woman" else None
    if person.back:
        body.blob(
            person.hair, *[(x * 1.06, 0.02 + (y - 0.02) * (1.18 if person.kind == "woman" else 0.82)) for x, y in _FACE]
        )
        return
    if body.head > _FACE_ROOM:
        draw_face(body, person)
    else:
        body.stroke((0.12 * person.turn, 0.32), (0.16 * person.turn, 0.9), width=0.5)
        body.stroke((-0.3, 0.5), (0.3, 0.5), width=0.5)
    _draw_hair(body, person)


_FACE: tuple[Point, ...] = (
    (0.0, 0.02), (0.22, 0.06), (0.36, 0.24), (0.375, 0.48), (0.33, 0.7), (0.2, 0.92), (0.0, 1.0),
    (-0.2, 0.92), (-0.33, 0.7), (-0.375, 0.48), (-0.36, 0.24), (-0.22, 0.06),
)  # fmt: skip


def _draw_long_hair(body: BodyFrame, person: Person) -> None:
    """Draw the hair that falls behind the shoulders."""
    body.blob(
        person.hair, (0.0, -0.08), (0.36, 0.04), (0.5, 0.45), (0.52, 1.0), (0.62, 1.5), (0.3, 1.62), (-0.3, 1.62),
        (-0.62, 1.5), (-0.52, 1.0), (-0.5, 0.45), (-0.36, 0.04),
    )  # fmt: skip


def _draw_hair(body: BodyFrame, person: Person) -> None:
    t = 0.13 * person.turn
    if person.kind == "woman":
        body.blob(
            person.hair,
            (0.0, -0.09),
            (0.3, -0.02),
            (0.44, 0.28),
            (0.4, 0.55),
            (0.3, 0.3),
            (t, 0.17),
            (-0.3, 0.3),
            (-0.4, 0.55),
            (-0.44, 0.28),
            (-0.3, -0.02),
        )
    elif person.kind == "elder":
        for side in (-1, 1):
            body.blob(LIGHT, (side * 0.3, 0.2), (side * 0.44, 0.36), (side * 0.42, 0.56), (side * 0.35, 0.5))
        body.stroke((-0.2, 0.2), (0.0, 0.17), (0.2, 0.2))
        body.blob(LIGHT, (-0.3, 0.74), (t, 0.8), (0.3, 0.74), (0.2, 1.02), (0.0, 1.12), (-0.2, 1.02))
    elif person.kind == "child":
        body.blob(
            person.hair,
            (0.0, -0.08),
            (0.28, -0.02),
            (0.42, 0.26),
            (0.34, 0.3),
            (0.16 + t, 0.24),
            (0.0 + t, 0.34),
            (-0.18 + t, 0.24),
            (-0.34, 0.32),
            (-0.42, 0.26),
            (-0.28, -0.02),
        )
    else:
        body.blob(
            person.hair,
            (0.0, -0.06),
            (0.28, 0.0),
            (0.41, 0.2),
            (0.4, 0.46),
            (0.34, 0.3),
            (0.18 + t, 0.2),
            (-0.12 + t, 0.24),
            (-0.34, 0.3),
            (-0.4, 0.46),
            (-0.41, 0.2),
            (-0.28, 0.0),
        )


def draw_face(body: BodyFrame, person: Person) -> None:
    """Draw eyes, brows, nose and mouth, moved to the side to which the face turns."""
    t = 0.13 * person.turn
    big = 1.25 if person.kind == "child" else 1.0
    for side in (-1, 1):
        x = side * (0.165 - 0.02 * abs(person.turn)) + t
        _draw_eye(body, x, 0.52, 0.075 * big, side, lashes=person.kind == "woman")
        body.stroke((x - 0.1, 0.415), (x, 0.385), (x + 0.1, 0.41), width=0.9)
    body.stroke((t * 1.15, 0.5), (t * 1.15 + 0.03 + 0.06 * person.turn, 0.68), (t * 1.1 - 0.03, 0.7))
    smile = 0.02 if person.kind in ("child", "woman") else 0.005
    body.stroke((t - 0.12, 0.81), (t, 0.82 + smile), (t + 0.12, 0.81), width=0.9)
    body.stroke((t - 0.05, 0.875), (t + 0.05, 0.875), width=0.5)
    if person.kind == "elder":
        for side in (-1, 1):
            body.stroke((t + side * 0.15, 0.64), (t + side * 0.2, 0.76), width=0.5)


def _draw_eye(body: BodyFrame, x: float, y: float, wide: float, side: int, *, lashes: bool) -> None:
    lid = [(x - wide, y + 0.01), (x, y - wide * 0.62), (x + wide, y + 0.005)]
    body.ink.shape(
        np.concatenate([smooth(body.points(lid)), smooth(body.points([lid[2], (x, y + wide * 0.5), lid[0]]))]),
        PAPER,
        0.5 * body.line,
    )
    body.dot(x, y - 0.003, wide * 0.46, wide * 0.5)
    body.dot(x + wide * 0.14, y - wide * 0.18, wide * 0.12, wide * 0.12, PAPER)
    body.stroke(*lid, width=1.4 if lashes else 1.0)
    if lashes:
        body.stroke((x + side * wide, y), (x + side * wide * 1.5, y - wide * 0.5), width=1.2)


def draw_eyes(ink: Ink, middle: Point, unit: float, person: Person) -> None:
    """Draw the eyes of a face alone, *unit* stage units from the middle of one to the middle of the other."""
    x0, y0 = middle

    def at(x: float, y: float) -> Point:
        return x0 + x * unit, y0 + y * unit

    _fill_with_skin(ink)
    for side in (-1, 1):
        ink.fill([at(side * 1.25, -1.4), at(side * 2.6, -1.4), at(side * 2.6, 1.8), at(side * 1.32, 1.4)], LIGHT)
        ink.stroke(smooth([at(side * 1.24, -1.4), at(side * 1.2, 0.0), at(side * 1.05, 1.4)]), PLAIN)
        x = side * 0.5
        brow = [at(x - side * 0.3, -0.34), at(x + side * 0.02, -0.45), at(x + side * 0.42, -0.3)]
        ink.limb(brow, [0.06 * unit, 0.1 * unit, 0.03 * unit], person.hair, FINE)
        upper = [at(x - 0.32, 0.05), at(x - 0.12, -0.15), at(x + 0.12, -0.15), at(x + 0.32, 0.04)]
        lower = [at(x + 0.32, 0.04), at(x, 0.19), at(x - 0.32, 0.05)]
        ink.shape(np.concatenate([smooth(upper), smooth(lower)]), PAPER, PLAIN)
        ink.oval(at(x, 0.0), 0.145 * unit, 0.15 * unit, MIDDLE, PLAIN)
        ink.oval(at(x, 0.0), 0.07 * unit, 0.075 * unit, INK, 0)
        ink.oval(at(x + 0.05, -0.055), 0.03 * unit, 0.03 * unit, PAPER, 0)
        ink.stroke(smooth(upper), 0.045 * unit)
        if person.kind == "woman":
            for lash in range(4):
                ink.stroke(
                    [
                        at(x + side * (0.2 + 0.045 * lash), -0.1 + 0.035 * lash),
                        at(x + side * (0.3 + 0.07 * lash), -0.21 + 0.05 * lash),
                    ],
                    0.02 * unit,
                )
        ink.stroke(smooth([at(x - 0.3, -0.16), at(x, -0.27), at(x + 0.32, -0.12)]), FINE)
    ink.stroke(smooth([at(-0.16, -0.1), at(-0.1, 0.5), at(-0.2, 0.82), at(-0.06, 0.92)]), PLAIN)
    ink.stroke(smooth([at(0.2, 0.8), at(0.06, 0.92), at(-0.06, 0.92)]), PLAIN)


def _fill_with_skin(ink: Ink) -> None:
    """Cover the whole picture: of a face this near, nothing is seen around it."""
    ink.fill([(-6, -6), (6, -6), (6, 6), (-6, 6)], PAPER)


def draw_mouth(ink: Ink, middle: Point, unit: float) -> None:
    """Draw a mouth alone, with the tip of the nose, *unit* stage units from one corner to the other."""
    x0, y0 = middle

    def at(x: float, y: float) -> Point:
        return x0 + x * unit, y0 + y * unit

    _fill_with_skin(ink)
    ink.stroke(smooth([at(-0.26, -0.6), at(-0.14, -0.5), at(0.0, -0.55), at(0.14, -0.5), at(0.26, -0.6)]), PLAIN)
    upper = smooth([at(-0.5, 0.0), at(-0.16, -0.15), at(0.0, -0.1), at(0.16, -0.15), at(0.5, 0.0)])
    lower = smooth([at(0.5, 0.0), at(0.2, 0.2), at(0.0, 0.23), at(-0.2, 0.2), at(-0.5, 0.0)])
    ink.shape(np.concatenate([upper, lower]), MIDDLE, PLAIN)
    ink.stroke(smooth([at(-0.5, 0.0), at(-0.1, 0.02), at(0.1, 0.02), at(0.5, 0.0)]), BOLD)
    ink.stroke(smooth([at(-0.2, 0.42), at(0.0, 0.46), at(0.2, 0.42)]), PLAIN)


def draw_hand(ink: Ink, middle: Point, size: float, way: int = 1, sleeve: Tone = MIDDLE) -> None:
    """Draw a hand that grips something at *middle*, *size* stage units from wrist to knuckles, its arm from below.

    *way* is 1 for an arm from the right, -1 from the left. What is gripped is drawn before; fingers lie over it.
    """
    x0, y0 = middle

    def at(x: float, y: float) -> Point:
        return x0 + way * x * size, y0 + y * size

    forearm = [at(0.75, 0.5), at(1.5, 1.3), at(2.8, 2.6)]
    ink.limb(forearm, [0.62 * size, 0.8 * size, 1.1 * size], PAPER, PLAIN)
    ink.limb([at(1.35, 1.15), at(2.0, 1.8), at(3.2, 3.0)], [1.0 * size, 1.15 * size, 1.4 * size], sleeve, BOLD)
    ink.blob(
        [at(0.2, -0.42), at(0.72, -0.36), at(1.0, 0.1), at(0.95, 0.66), at(0.5, 0.72), at(0.12, 0.5)], PAPER, PLAIN
    )
    for number, reach in enumerate((0.5, 0.58, 0.56, 0.46)):
        y = -0.36 + 0.25 * number
        ink.limb(
            [at(0.38, y), at(0.02, y - 0.03), at(-reach * 0.75, y + 0.03)],
            [0.25 * size, 0.25 * size, 0.19 * size],
            PAPER,
            PLAIN,
        )
        ink.stroke([at(-reach * 0.62, y - 0.02), at(-reach * 0.72, y + 0.07)], FINE)
    ink.limb([at(0.62, -0.3), at(0.3, -0.62), at(-0.14, -0.66)], [0.3 * size, 0.26 * size, 0.18 * size], PAPER, PLAIN)


def draw_open_hand(ink: Ink, middle: Point, size: float, way: int = 1, sleeve: Tone = MIDDLE) -> None:
    """Draw an open hand seen from its back, fingers up, *size* stage units high from wrist to knuckles."""
    x0, y0 = middle

    def at(x: float, y: float) -> Point:
        return x0 + way * x * size, y0 + y * size

    ink.limb([at(0.0, 0.5), at(0.1, 1.4), at(0.3, 3.0)], [0.62 * size, 0.7 * size, 1.0 * size], PAPER, PLAIN)
    ink.limb([at(0.12, 1.35), at(0.2, 2.0), at(0.4, 3.4)], [0.95 * size, 1.05 * size, 1.3 * size], sleeve, BOLD)
    for x, lean, reach in ((-0.36, -0.3, 0.78), (-0.12, -0.1, 0.98), (0.12, 0.08, 0.92), (0.35, 0.28, 0.68)):
        tip = at(x + lean * reach, -0.4 - reach)
        ink.limb(
            [at(x, -0.2), at(x + lean * 0.4, -0.35 - reach * 0.4), tip],
            [0.25 * size, 0.24 * size, 0.17 * size],
            PAPER,
            PLAIN,
        )
    ink.limb([at(-0.3, 0.35), at(-0.75, 0.0), at(-0.98, -0.38)], [0.34 * size, 0.28 * size, 0.19 * size], PAPER, PLAIN)
    ink.blob(
        [
            at(-0.48, -0.38),
            at(0.0, -0.46),
            at(0.48, -0.34),
            at(0.46, 0.25),
            at(0.28, 0.62),
            at(-0.28, 0.62),
            at(-0.5, 0.2),
        ],
        PAPER,
        PLAIN,
    )
    for x in (-0.24, 0.0, 0.24):
        ink.stroke([at(x, -0.32), at(x * 0.7, 0.1)], FINE, MIDDLE)


def draw_crowd(ink: Ink, left: float, right: float, horizon: float, foot: float, rng: np.random.Generator) -> None:
    """Draw a crowd between two sides: rows of people from the *horizon* to the *foot* line, nearer ones larger."""
    rows = 5
    for row in range(rows):
        near = ((row + 1) / rows) ** 1.6
        head = (foot - horizon) * (0.035 + 0.085 * near)
        crown = horizon + (foot - horizon) * 0.62 * near - head * 1.2
        gap = head * 2.05
        tone = (LIGHT, LIGHT, MIDDLE, DARK, DEEP)[row]
        for x in np.arange(left + float(rng.uniform(0, gap)), right + gap, gap):
            shift = float(rng.uniform(-0.3, 0.3)) * head
            kind = ("person", "woman", "man")[int(rng.integers(3))]
            arms = ("stand", "stand", "dance")[int(rng.integers(3))]
            who = Person(kind, arms, 0.0, back=row > 1, hair=INK if row < 3 else DEEP, top=tone)
            draw_person(ink, (float(x), crown + shift), head, who)


def draw_person_from_above(ink: Ink, middle: Point, head: float, person: Person, way: float = 0.0) -> None:
    """Draw a person as seen from straight above, with the long shadow of a low sun; *way* turns them, in radians."""
    x0, y0 = middle

    def at(x: float, y: float) -> Point:
        return x0 + (x * np.cos(way) - y * np.sin(way)) * head, y0 + (x * np.sin(way) + y * np.cos(way)) * head

    for side in (-1, 1):
        ink.limb(
            [at(side * 0.85, 0.0), at(side * 1.15, -0.45), at(side * 0.8, -0.95)],
            [0.42 * head, 0.36 * head, 0.24 * head],
            person.top,
        )
        ink.limb([at(side * 0.35, -0.1), at(side * 0.36, -0.62 - 0.2 * side)], [0.34 * head, 0.3 * head], DEEP)
    ink.shape([at(float(x), float(y)) for x, y in ellipse((0.0, 0.0), 1.08, 0.46)], person.top)
    ink.shape([at(float(x), float(y)) for x, y in ellipse((0.0, -0.06), 0.42, 0.48)], person.hair)
    ink.stroke([at(0.0, -0.5), at(0.0, 0.1)], FINE, LIGHT)
