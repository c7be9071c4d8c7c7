"""Objects on a storyboard panel, drawn in ink, and the table of everything that has a drawing."""

from collections.abc import Mapping

from storyboard.animatic.ink import (
    DARK,
    DEEP,
    INK,
    LIGHT,
    MIDDLE,
    PAPER,
    Ink,
    Point,
    Tone,
    ellipse,
)
from storyboard.animatic.prompt import Subject
from storyboard.animatic.props import MOVERS, Prop, PropFrame


def _draw_bottle(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE),
        (-0.08, 0.06),
        (0.08, 0.06),
        (0.09, 0.28),
        (0.2, 0.42),
        (0.2, 0.7),
        (0.19, 0.98),
        (-0.19, 0.98),
        (-0.2, 0.7),
        (-0.2, 0.42),
        (-0.09, 0.28),
    )
    frame.box(DEEP, -0.09, 0.0, 0.09, 0.09)
    frame.box(PAPER, -0.2, 0.52, 0.2, 0.78)
    frame.stroke((-0.12, 0.6), (0.12, 0.6), width=1.4)
    frame.stroke((-0.12, 0.68), (0.05, 0.68))


def _draw_can(frame: PropFrame) -> None:
    frame.shape(frame.main(MIDDLE), (-0.27, 0.08), (0.27, 0.08), (0.27, 0.92), (0.2, 1.0), (-0.2, 1.0), (-0.27, 0.92))
    frame.oval(LIGHT, 0.0, 0.08, 0.27, 0.07)
    frame.oval(DARK, 0.04, 0.07, 0.09, 0.022)
    frame.blob(PAPER, (-0.26, 0.5), (0.0, 0.36), (0.26, 0.4), (0.26, 0.62), (0.0, 0.6), (-0.26, 0.74))


def _draw_cup(frame: PropFrame) -> None:
    ring = [(float(x), float(y)) for x, y in ellipse((0.46, 0.52), 0.22, 0.24)]
    frame.ink.stroke(frame.points(ring), frame.size * 0.07)
    frame.blob(frame.main(PAPER), (-0.46, 0.16), (0.46, 0.16), (0.42, 0.6), (0.26, 0.96), (-0.26, 0.96), (-0.42, 0.6))
    frame.oval(LIGHT, 0.0, 0.18, 0.46, 0.12)
    frame.oval(DEEP, 0.0, 0.2, 0.38, 0.08)


def _draw_glass(frame: PropFrame) -> None:
    frame.blob(PAPER, (-0.22, 0.02), (0.22, 0.02), (0.24, 0.3), (0.06, 0.52), (-0.06, 0.52), (-0.24, 0.3))
    frame.blob(frame.main(DARK), (-0.22, 0.24), (0.22, 0.24), (0.16, 0.42), (0.04, 0.5), (-0.04, 0.5), (-0.16, 0.42))
    frame.stroke((0.0, 0.52), (0.0, 0.94), width=2.0)
    frame.oval(PAPER, 0.0, 0.96, 0.2, 0.04)


def _draw_phone(frame: PropFrame) -> None:
    frame.box(DEEP, -0.26, 0.0, 0.26, 1.0)
    frame.box(frame.main(LIGHT), -0.22, 0.08, 0.22, 0.9)
    frame.stroke((-0.06, 0.04), (0.06, 0.04), tone=PAPER)
    frame.oval(PAPER, 0.0, 0.34, 0.1, 0.1)
    for y in (0.58, 0.66, 0.74):
        frame.stroke((-0.14, y), (0.14, y))


def _draw_book(frame: PropFrame) -> None:
    for side in (-1, 1):
        frame.shape(PAPER, (0.0, 0.16), (side * 0.72, 0.0), (side * 0.78, 0.84), (0.0, 1.0))
        for y in (0.28, 0.4, 0.52, 0.64):
            frame.stroke((side * 0.12, y + 0.08), (side * 0.62, y - 0.02), width=0.8)


def _draw_letter(frame: PropFrame) -> None:
    frame.box(frame.main(PAPER), -0.72, 0.0, 0.72, 1.0)
    frame.stroke((-0.72, 0.0), (0.0, 0.58), (0.72, 0.0))
    frame.stroke((-0.72, 1.0), (-0.16, 0.46))
    frame.stroke((0.72, 1.0), (0.16, 0.46))


def _draw_box(frame: PropFrame) -> None:
    frame.shape(PAPER, (-0.6, 0.3), (0.2, 0.38), (0.2, 1.0), (-0.6, 0.9))
    frame.shape(frame.main(MIDDLE), (0.2, 0.38), (0.62, 0.22), (0.62, 0.8), (0.2, 1.0))
    frame.shape(LIGHT, (-0.6, 0.3), (-0.15, 0.16), (0.62, 0.22), (0.2, 0.38))


def _draw_screen(frame: PropFrame) -> None:
    frame.box(DEEP, -0.8, 0.0, 0.8, 0.82)
    frame.box(frame.main(LIGHT), -0.74, 0.06, 0.74, 0.75)
    frame.stroke((-0.4, 0.3), (0.4, 0.3), width=1.5)
    frame.stroke((-0.4, 0.44), (0.1, 0.44), width=1.5)
    frame.shape(MIDDLE, (-0.8, 0.84), (0.8, 0.84), (1.0, 1.0), (-1.0, 1.0))


def _draw_bag(frame: PropFrame) -> None:
    frame.ink.stroke(
        frame.points([(float(x), float(y)) for x, y in ellipse((0.0, 0.36), 0.26, 0.34, 180, 360)]), frame.size * 0.05
    )
    frame.blob(frame.main(DARK), (-0.44, 0.36), (0.44, 0.36), (0.54, 0.7), (0.5, 0.98), (-0.5, 0.98), (-0.54, 0.7))
    frame.stroke((-0.46, 0.5), (0.46, 0.5))


def _draw_umbrella(frame: PropFrame) -> None:
    frame.stroke((0.0, 0.3), (0.0, 0.94), (0.06, 1.0), (0.12, 0.94), width=2.4)
    frame.blob(
        frame.main(DARK),
        (0.0, 0.0),
        (0.44, 0.1),
        (0.66, 0.42),
        (0.33, 0.36),
        (0.0, 0.44),
        (-0.33, 0.36),
        (-0.66, 0.42),
        (-0.44, 0.1),
    )
    frame.curve((0.0, 0.02), (0.24, 0.18), (0.33, 0.36))
    frame.curve((0.0, 0.02), (-0.24, 0.18), (-0.33, 0.36))


def _draw_gun(frame: PropFrame) -> None:
    frame.shape(
        DEEP,
        (-0.5, 0.12),
        (1.0, 0.12),
        (1.0, 0.38),
        (0.25, 0.4),
        (-0.1, 0.46),
        (-0.25, 1.0),
        (-0.62, 1.0),
        (-0.42, 0.42),
    )
    frame.curve((0.25, 0.42), (0.22, 0.64), (-0.12, 0.62))


def _draw_blade(frame: PropFrame) -> None:
    frame.shape(PAPER, (0.0, 0.0), (0.07, 0.14), (0.06, 0.7), (-0.06, 0.7), (-0.07, 0.14))
    frame.box(DARK, -0.18, 0.7, 0.18, 0.75)
    frame.box(DEEP, -0.04, 0.75, 0.04, 1.0)


def _draw_camera(frame: PropFrame) -> None:
    frame.box(DEEP, -0.26, 0.04, 0.26, 0.3)
    frame.box(frame.main(DARK), -0.72, 0.22, 0.72, 1.0)
    frame.oval(LIGHT, 0.0, 0.6, 0.32, 0.32)
    frame.oval(DEEP, 0.0, 0.6, 0.2, 0.2)
    frame.dot(PAPER, 0.07, 0.52, 0.05, 0.05)


def _draw_guitar(frame: PropFrame) -> None:
    frame.box(DEEP, -0.035, 0.06, 0.035, 0.55)
    frame.box(DARK, -0.07, 0.0, 0.07, 0.1)
    frame.blob(
        frame.main(MIDDLE),
        (0.0, 0.5),
        (0.17, 0.54),
        (0.13, 0.67),
        (0.25, 0.82),
        (0.16, 0.98),
        (-0.16, 0.98),
        (-0.25, 0.82),
        (-0.13, 0.67),
        (-0.17, 0.54),
    )
    frame.dot(DEEP, 0.0, 0.7, 0.055, 0.055)
    frame.stroke((-0.09, 0.88), (0.09, 0.88), width=2.0)


def _draw_piano(frame: PropFrame) -> None:
    frame.box(frame.main(DARK), -0.75, 0.0, 0.75, 0.5)
    frame.box(PAPER, -0.8, 0.5, 0.8, 0.6)
    for n in range(12):
        frame.stroke((-0.7 + 0.12 * n, 0.5), (-0.7 + 0.12 * n, 0.57), width=1.6)
    for x in (-0.7, 0.62):
        frame.box(DARK, x, 0.6, x + 0.08, 1.0)


def _draw_flower(frame: PropFrame) -> None:
    frame.curve((0.0, 1.0), (0.05, 0.7), (0.0, 0.35), width=2.0)
    frame.blob(MIDDLE, (0.04, 0.75), (0.2, 0.58), (0.34, 0.56), (0.24, 0.72))
    for x, y in ((0.0, 0.08), (0.18, 0.18), (0.12, 0.38), (-0.12, 0.38), (-0.18, 0.18)):
        frame.oval(frame.main(LIGHT), x, y, 0.13, 0.12)
    frame.oval(DARK, 0.0, 0.24, 0.09, 0.09)


def _draw_fruit(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE),
        (0.0, 0.24),
        (0.3, 0.16),
        (0.5, 0.42),
        (0.4, 0.82),
        (0.14, 1.0),
        (0.0, 0.96),
        (-0.14, 1.0),
        (-0.4, 0.82),
        (-0.5, 0.42),
        (-0.3, 0.16),
    )
    frame.curve((0.0, 0.26), (0.02, 0.1), (0.1, 0.0), width=2.0)
    frame.blob(DARK, (0.06, 0.14), (0.26, -0.02), (0.4, 0.04), (0.22, 0.16))


def _draw_plate(frame: PropFrame) -> None:
    """Draw food on a plate, with its steam."""
    frame.blob(frame.main(DARK), (-0.6, 0.82), (-0.4, 0.5), (0.0, 0.38), (0.42, 0.52), (0.6, 0.82))
    frame.shape(PAPER, *[(float(x), float(y)) for x, y in ellipse((0.0, 0.84), 1.0, 0.15)])
    frame.blob(frame.main(DARK), (-0.6, 0.84), (-0.4, 0.5), (0.0, 0.4), (0.42, 0.54), (0.6, 0.84), (0.0, 0.9))
    for x in (-0.25, 0.0, 0.25):
        frame.curve((x, 0.3), (x + 0.06, 0.2), (x - 0.04, 0.1), (x + 0.03, 0.0), width=0.9)


def _draw_cake(frame: PropFrame) -> None:
    frame.box(frame.main(LIGHT), -0.6, 0.4, 0.6, 0.95)
    frame.blob(
        PAPER,
        (-0.6, 0.36),
        (0.6, 0.36),
        (0.6, 0.56),
        (0.4, 0.5),
        (0.2, 0.6),
        (0.0, 0.52),
        (-0.2, 0.62),
        (-0.4, 0.5),
        (-0.6, 0.58),
    )
    for x in (-0.3, 0.0, 0.3):
        frame.box(DARK, x - 0.02, 0.12, x + 0.02, 0.36)
        frame.oval(PAPER, x, 0.06, 0.03, 0.06)
    frame.stroke((-0.8, 0.97), (0.8, 0.97), width=2.4)


def _draw_watch(frame: PropFrame) -> None:
    frame.box(DARK, -0.16, 0.0, 0.16, 1.0)
    frame.oval(PAPER, 0.0, 0.5, 0.3, 0.3)
    frame.stroke((0.0, 0.3), (0.0, 0.5), (0.14, 0.58), width=1.8)


def _draw_clock(frame: PropFrame) -> None:
    frame.oval(PAPER, 0.0, 0.5, 0.5, 0.5)
    frame.oval(LIGHT, 0.0, 0.5, 0.42, 0.42)
    frame.stroke((0.0, 0.2), (0.0, 0.5), (0.22, 0.62), width=2.4)


def _draw_shoe(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE),
        (-0.8, 0.05),
        (-0.35, 0.02),
        (-0.1, 0.3),
        (0.5, 0.5),
        (0.95, 0.72),
        (0.95, 0.9),
        (-0.85, 0.9),
    )
    frame.box(PAPER, -0.87, 0.86, 0.98, 1.0)
    for x in (-0.12, 0.04, 0.2):
        frame.stroke((x, 0.3 + x * 0.3), (x + 0.14, 0.48 + x * 0.25), width=1.6)


def _draw_ring(frame: PropFrame) -> None:
    frame.ink.stroke(
        frame.points([(float(x), float(y)) for x, y in ellipse((0.0, 0.66), 0.32, 0.32)]), frame.size * 0.07
    )
    frame.shape(PAPER, (-0.2, 0.08), (0.2, 0.08), (0.3, 0.2), (0.0, 0.42), (-0.3, 0.2))
    frame.stroke((-0.3, 0.2), (0.3, 0.2))


def _draw_key(frame: PropFrame) -> None:
    frame.ink.stroke(frame.points([(float(x), float(y)) for x, y in ellipse((0.0, 0.22), 0.2, 0.2)]), frame.size * 0.08)
    frame.stroke((0.0, 0.42), (0.0, 1.0), width=5.0)
    frame.stroke((0.0, 0.82), (0.18, 0.82), width=5.0)
    frame.stroke((0.0, 0.97), (0.18, 0.97), width=5.0)


def _draw_candle(frame: PropFrame) -> None:
    frame.box(frame.main(PAPER), -0.12, 0.34, 0.12, 0.97)
    frame.blob(LIGHT, (0.0, 0.02), (0.1, 0.2), (0.0, 0.32), (-0.1, 0.2))
    frame.oval(DARK, 0.0, 0.97, 0.26, 0.04)


def _draw_lamp(frame: PropFrame) -> None:
    frame.stroke((0.0, 0.4), (0.0, 0.95), width=3.0)
    frame.oval(DARK, 0.0, 0.96, 0.24, 0.04)
    frame.shape(frame.main(LIGHT), (-0.2, 0.0), (0.2, 0.0), (0.38, 0.42), (-0.38, 0.42))


def _draw_ball(frame: PropFrame) -> None:
    frame.oval(frame.main(LIGHT), 0.0, 0.5, 0.5, 0.5)
    frame.curve((-0.48, 0.4), (0.0, 0.56), (0.48, 0.4))
    frame.curve((0.0, 0.02), (0.14, 0.5), (0.0, 0.98))


def _draw_balloon(frame: PropFrame) -> None:
    frame.curve((0.0, 0.6), (0.06, 0.76), (-0.04, 0.9), (0.0, 1.0))
    frame.blob(
        frame.main(MIDDLE),
        (0.0, 0.0),
        (0.24, 0.1),
        (0.26, 0.32),
        (0.1, 0.54),
        (0.0, 0.6),
        (-0.1, 0.54),
        (-0.26, 0.32),
        (-0.24, 0.1),
    )


def _draw_mask(frame: PropFrame) -> None:
    frame.blob(
        frame.main(PAPER),
        (0.0, 0.0),
        (0.36, 0.1),
        (0.4, 0.5),
        (0.2, 0.9),
        (0.0, 1.0),
        (-0.2, 0.9),
        (-0.4, 0.5),
        (-0.36, 0.1),
    )
    for side in (-1, 1):
        frame.blob(DEEP, (side * 0.06, 0.4), (side * 0.2, 0.32), (side * 0.32, 0.4), (side * 0.18, 0.46))
    frame.blob(DEEP, (-0.16, 0.72), (0.0, 0.68), (0.16, 0.72), (0.0, 0.8))


def _draw_statue(frame: PropFrame) -> None:
    frame.box(LIGHT, -0.3, 0.78, 0.3, 1.0)
    frame.blob(
        frame.main(MIDDLE),
        (-0.14, 0.78),
        (-0.18, 0.5),
        (-0.2, 0.26),
        (0.0, 0.2),
        (0.2, 0.26),
        (0.18, 0.5),
        (0.14, 0.78),
    )
    frame.oval(MIDDLE, 0.0, 0.12, 0.09, 0.11)


def _draw_chair(frame: PropFrame) -> None:
    for x in (-0.26, 0.24):
        frame.stroke((x, 0.55), (x * 1.1, 1.0), width=3.0)
    frame.shape(frame.main(MIDDLE), (-0.34, 0.5), (0.3, 0.5), (0.36, 0.6), (-0.3, 0.6))
    frame.shape(frame.main(MIDDLE), (-0.36, 0.0), (-0.24, 0.0), (-0.22, 0.52), (-0.34, 0.52))


def _draw_table(frame: PropFrame) -> None:
    for x in (-0.9, 0.84):
        frame.box(DARK, x, 0.14, x + 0.07, 1.0)
    frame.box(frame.main(MIDDLE), -1.1, 0.0, 1.1, 0.14)


def _draw_door(frame: PropFrame) -> None:
    frame.box(DARK, -0.28, 0.0, 0.28, 1.0)
    frame.box(frame.main(LIGHT), -0.23, 0.04, 0.23, 1.0)
    frame.dot(INK, 0.16, 0.54, 0.025, 0.025)


def _draw_hat(frame: PropFrame) -> None:
    frame.blob(
        frame.main(DARK), (-0.5, 0.78), (-0.46, 0.2), (-0.2, 0.04), (0.0, 0.12), (0.2, 0.04), (0.46, 0.2), (0.5, 0.78)
    )
    frame.shape(frame.main(DARK), *[(float(x), float(y)) for x, y in ellipse((0.0, 0.82), 1.0, 0.16)])
    frame.stroke((-0.49, 0.68), (0.49, 0.68), width=4.0)


def _draw_tool(frame: PropFrame) -> None:
    frame.box(DARK, -0.05, 0.2, 0.05, 1.0)
    frame.shape(MIDDLE, (-0.3, 0.02), (0.22, 0.02), (0.36, 0.14), (0.22, 0.24), (-0.3, 0.24))


def _draw_mirror(frame: PropFrame) -> None:
    frame.oval(DARK, 0.0, 0.5, 0.36, 0.5)
    frame.oval(PAPER, 0.0, 0.5, 0.3, 0.43)
    frame.stroke((-0.14, 0.44), (0.08, 0.22))
    frame.stroke((-0.1, 0.58), (0.16, 0.32))


def _draw_dress(frame: PropFrame) -> None:
    frame.blob(
        frame.main(MIDDLE),
        (-0.16, 0.04),
        (0.0, 0.12),
        (0.16, 0.04),
        (0.2, 0.24),
        (0.12, 0.42),
        (0.4, 0.98),
        (0.0, 1.0),
        (-0.4, 0.98),
        (-0.12, 0.42),
        (-0.2, 0.24),
    )


def _draw_microphone(frame: PropFrame) -> None:
    frame.shape(DEEP, (-0.09, 0.34), (0.09, 0.34), (0.05, 1.0), (-0.05, 1.0))
    frame.oval(LIGHT, 0.0, 0.18, 0.18, 0.18)
    for n in (-0.09, 0.0, 0.09):
        frame.stroke((-0.14, 0.18 + n), (0.14, 0.18 + n), width=0.7)


def _draw_flacon(frame: PropFrame) -> None:
    frame.box(DEEP, -0.1, 0.0, 0.1, 0.22)
    frame.box(LIGHT, -0.06, 0.22, 0.06, 0.34)
    frame.shape(frame.main(MIDDLE), (-0.24, 0.34), (0.24, 0.34), (0.36, 0.46), (0.36, 1.0), (-0.36, 1.0), (-0.36, 0.46))
    frame.box(PAPER, -0.18, 0.58, 0.18, 0.84)


def _draw_note(frame: PropFrame) -> None:
    frame.box(frame.main(LIGHT), -1.0, 0.0, 1.0, 1.0)
    frame.oval(PAPER, 0.0, 0.5, 0.26, 0.36)
    frame.box(LIGHT, -0.9, 0.1, -0.7, 0.34)


def _draw_painting(frame: PropFrame) -> None:
    frame.box(DARK, -0.6, 0.0, 0.6, 1.0)
    frame.box(PAPER, -0.52, 0.09, 0.52, 0.91)
    frame.shape(frame.main(MIDDLE), (-0.52, 0.91), (-0.2, 0.4), (0.06, 0.7), (0.26, 0.5), (0.52, 0.91))


PROPS: Mapping[str, Prop] = {
    **MOVERS,
    "object": Prop(1.2, 1.2, _draw_box), "box": Prop(1.4, 1.2, _draw_box), "toy": Prop(1.0, 1.2, _draw_box),
    "bottle": Prop(1.3, 0.5, _draw_bottle), "can": Prop(0.6, 0.6, _draw_can), "cup": Prop(0.5, 1.3, _draw_cup),
    "glass": Prop(0.9, 0.5, _draw_glass), "phone": Prop(0.7, 0.55, _draw_phone), "book": Prop(1.0, 1.6, _draw_book),
    "letter": Prop(0.7, 1.5, _draw_letter), "bag": Prop(1.8, 1.1, _draw_bag), "gun": Prop(0.8, 1.7, _draw_gun),
    "sword": Prop(4.0, 0.4, _draw_blade), "knife": Prop(1.2, 0.4, _draw_blade),
    "camera": Prop(0.7, 1.5, _draw_camera), "umbrella": Prop(3.6, 1.4, _draw_umbrella),
    "instrument": Prop(4.0, 0.6, _draw_guitar), "guitar": Prop(4.2, 0.6, _draw_guitar),
    "piano": Prop(5.0, 1.7, _draw_piano), "flower": Prop(1.4, 0.7, _draw_flower), "food": Prop(0.7, 2.0, _draw_plate),
    "fruit": Prop(0.4, 1.0, _draw_fruit), "cake": Prop(1.0, 1.6, _draw_cake), "laptop": Prop(1.2, 2.0, _draw_screen),
    "screen": Prop(3.0, 2.0, _draw_screen), "watch": Prop(0.5, 0.6, _draw_watch), "shoe": Prop(0.5, 1.9, _draw_shoe),
    "jewel": Prop(0.3, 0.7, _draw_ring), "key": Prop(0.4, 0.5, _draw_key), "candle": Prop(0.9, 0.5, _draw_candle),
    "lamp": Prop(2.4, 0.8, _draw_lamp), "ball": Prop(0.9, 1.0, _draw_ball), "balloon": Prop(1.8, 0.6, _draw_balloon),
    "mask": Prop(1.0, 0.8, _draw_mask), "statue": Prop(9.0, 0.6, _draw_statue), "chair": Prop(4.2, 0.8, _draw_chair),
    "table": Prop(3.4, 2.2, _draw_table), "door": Prop(9.0, 0.6, _draw_door), "clock": Prop(1.4, 1.0, _draw_clock),
    "hat": Prop(0.6, 2.0, _draw_hat), "tool": Prop(1.5, 0.7, _draw_tool), "mirror": Prop(4.0, 0.75, _draw_mirror),
    "dress": Prop(5.0, 0.8, _draw_dress), "microphone": Prop(1.0, 0.4, _draw_microphone),
    "perfume": Prop(0.6, 0.75, _draw_flacon), "money": Prop(0.4, 2.0, _draw_note),
    "painting": Prop(3.6, 1.2, _draw_painting),
}  # fmt: skip


def prop_for(subject: Subject) -> Prop:
    """Return how *subject* is drawn; a kind without a drawing has the one of its family."""
    return PROPS.get(subject.kind) or PROPS[subject.family]


def draw_prop(ink: Ink, subject: Subject, foot: Point, size: float, way: int = 1, tone: Tone | None = None) -> None:
    """Draw *subject* with its foot at *foot*, *size* stage units high, facing right (*way* 1) or left (-1)."""
    prop_for(subject).draw(PropFrame(ink, foot, size, way, tone))
