"""Plants as silhouettes: branches, crowns, firs, palms, mangrove roots, vines and grass. Shapes only, no colour."""

import numpy as np

from storyboard.animatic.brush import Stencil, curve, taper

Rng = np.random.Generator
Root = tuple[list[tuple[float, float]], list[float]]  # points and widths of a stroke

_T = np.linspace(0, 1, 9)
_HALF_LEAF = np.stack([_T, np.sin(np.pi * _T**0.8)], axis=1)
_LEAF = np.concatenate([_HALF_LEAF, (_HALF_LEAF * (1, -1))[::-1]])


def tuft(ink: Stencil, rng: Rng, x: float, y: float, radius: float, leaves: int = 70, tall: float = 0.7) -> None:
    """Draw a cluster of leaves, dense in the middle and loose at its edge."""
    ink.disc(x, y, radius * 0.62, tall)
    leaves = min(leaves, round(4 * radius * ink.canvas.scale))
    angles = rng.uniform(0, 2 * np.pi, leaves)
    reaches = radius * np.clip(rng.normal(0.66, 0.2, leaves), 0.2, 1.12)
    sizes = radius * rng.uniform(0.04, 0.12, leaves)
    places = x + np.cos(angles) * reaches, y + np.sin(angles) * reaches * tall
    ink.discs(*places, sizes, rng.uniform(0.55, 1.0, leaves))


def crown(ink: Stencil, rng: Rng, x: float, y: float, width: float, height: float, tufts: int = 9) -> None:
    """Draw the crown of a broadleaf tree: tufts over an ellipse."""
    for number in range(tufts):
        angle = 2 * np.pi * number / tufts + rng.uniform(-0.3, 0.3)
        reach = rng.uniform(0.25, 0.75)
        tuft(
            ink,
            rng,
            x + np.cos(angle) * width * reach * 0.6,
            y + np.sin(angle) * height * reach * 0.6,
            width * rng.uniform(0.26, 0.42),
            46,
            height / max(width, 1e-6),
        )


def branch(
    ink: Stencil, rng: Rng, x: float, y: float, angle: float, length: float, width: float, depth: int = 3
) -> None:
    """Draw a forking branch from (x, y) towards *angle* (radians, up is negative)."""
    bend = angle + rng.uniform(-0.35, 0.35)
    mid = (x + np.cos(angle) * length * 0.5, y + np.sin(angle) * length * 0.5)
    end = (mid[0] + np.cos(bend) * length * 0.5, mid[1] + np.sin(bend) * length * 0.5)
    ink.limb(curve((x, y), mid, end, steps=8), taper(width, width * 0.5, 8))
    if depth <= 0 or length * ink.canvas.scale < 4:
        return
    for _ in range(2 + int(rng.random() < 0.4)):
        branch(ink, rng, *end, bend + rng.uniform(-0.75, 0.75), length * rng.uniform(0.55, 0.8), width * 0.5, depth - 1)
    if rng.random() < 0.6:
        branch(
            ink, rng, *mid, angle + rng.choice([-1, 1]) * rng.uniform(0.5, 0.9), length * 0.5, width * 0.4, depth - 2
        )


def trunk(ink: Stencil, rng: Rng, x: float, base: float, top: float, width: float) -> None:
    """Draw a slightly leaning trunk that widens at its foot."""
    lean = rng.uniform(-0.05, 0.05) * (base - top)
    path = curve((x, base), (x + lean * 0.2, base * 0.6 + top * 0.4), (x + lean, top), steps=16)
    ink.limb(path, [width * (1 - 0.35 * i / 15 + 0.9 * np.exp(-i / 1.6)) for i in range(16)])


def tree(ink: Stencil, rng: Rng, x: float, base: float, height: float) -> None:
    """Draw a broadleaf tree of *height* at (x, base): boughs that end in clouds of leaves."""
    fork = base - height * rng.uniform(0.3, 0.38)
    trunk(ink, rng, x, base, fork - height * 0.06, height * 0.05)
    for number in range(6):
        angle = -np.pi / 2 + (number - 2.5) * 0.42 + rng.uniform(-0.12, 0.12)
        reach = height * rng.uniform(0.34, 0.46)
        end = (x + np.cos(angle) * reach, fork + np.sin(angle) * reach * 0.95)
        mid = (x + np.cos(angle) * reach * 0.35, fork - reach * 0.45)
        ink.limb(curve((x, fork), mid, end, steps=9), taper(height * 0.026, height * 0.008, 9))
        tuft(ink, rng, *end, height * rng.uniform(0.15, 0.2), 110, 0.75)
        inner = (x + (end[0] - x) * 0.55, fork + (end[1] - fork) * 0.75)
        tuft(ink, rng, *inner, height * rng.uniform(0.12, 0.17), 80, 0.8)
    tuft(ink, rng, x, fork - height * 0.36, height * 0.22, 110, 0.8)


def fir(ink: Stencil, rng: Rng, x: float, base: float, height: float) -> None:
    """Draw a conifer: tiers of drooping, ragged boughs."""
    half = height * rng.uniform(0.15, 0.21)
    ink.limb([(x, base), (x, base - height)], [height * 0.03, height * 0.006])
    tiers = max(5, min(13, int(height * 34)))
    for tier in range(tiers):
        t = tier / tiers
        y = base - height * (0.1 + 0.9 * t)
        reach = half * (1 - t) ** 0.85 * rng.uniform(0.8, 1.12)
        drop = height * 0.62 / tiers
        ink.polygon(
            [
                (x, y - drop * 1.5),
                (x + reach, y + drop * rng.uniform(0.4, 0.9)),
                (x + reach * 0.55, y + drop * 0.35),
                (x, y + drop * 0.7),
                (x - reach * 0.5, y + drop * 0.3),
                (x - reach, y + drop * rng.uniform(0.4, 0.9)),
            ]
        )


def palm(ink: Stencil, rng: Rng, x: float, base: float, height: float) -> None:
    """Draw a palm with a curved stem and feathered fronds."""
    lean = rng.uniform(-0.25, 0.25) * height
    top = (x + lean, base - height)
    ink.limb(curve((x, base), (x + lean * 0.1, base - height * 0.6), top), taper(height * 0.04, height * 0.022))
    for number in range(9):
        angle = -np.pi / 2 + (number - 4) * 0.52 + rng.uniform(-0.12, 0.12)
        reach = height * rng.uniform(0.3, 0.4)
        end = (top[0] + np.cos(angle) * reach, top[1] + np.sin(angle) * reach * 0.6 + reach * 0.42)
        spine = curve(top, (top[0] + np.cos(angle) * reach * 0.7, top[1] + np.sin(angle) * reach * 0.75), end, steps=12)
        ink.limb(spine, taper(height * 0.012, height * 0.003, 12))
        for i in range(2, 12):
            px, py = spine[i]
            length = reach * 0.2 * (1 - i / 16)
            for side in (-1, 1):
                ink.polygon(
                    [(px - 0.006 * height, py), (px + side * length * 0.35, py + length), (px + 0.012 * height, py)]
                )


def mangrove(ink: Stencil, rng: Rng, x: float, base: float, height: float) -> list[Root]:
    """Draw a mangrove on stilt roots: the stem starts above the water, and roots arch down on all sides.

    Returns the roots.
    """
    knee = base - height * rng.uniform(0.24, 0.34)
    width = height * 0.05
    top = base - height
    lean = rng.uniform(-0.12, 0.12) * height
    ink.limb(
        curve((x, knee + height * 0.05), (x, knee - height * 0.2), (x + lean, top), steps=14),
        taper(width, width * 0.55),
    )
    roots = arches(rng, x, knee, base, height)
    for path, widths in roots:
        ink.limb(path, widths)
    for side in (-1, 1):
        angle = -np.pi / 2 + side * rng.uniform(0.6, 1.0)
        branch(ink, rng, x + lean * 0.6, top + height * 0.28, angle, height * 0.3, width * 0.5, 2)
    crown(ink, rng, x + lean, top, height * 0.5, height * 0.24, 10)
    return roots


def arches(rng: Rng, x: float, knee: float, base: float, height: float, count: int = 13) -> list[Root]:
    """Return the stilt roots of a mangrove as strokes: points and widths."""
    roots: list[Root] = []
    for number in range(count):
        side = -1 if number % 2 else 1
        reach = side * height * rng.uniform(0.05, 0.42)
        start = knee + (base - knee) * rng.uniform(-0.55, 0.3)
        foot = base + height * rng.uniform(-0.005, 0.03)
        crest = start - abs(reach) * rng.uniform(0.02, 0.2)
        path = curve(
            (x, start),
            (x + reach * 0.55, crest),
            (x + reach * 0.96, start + (foot - start) * 0.3),
            (x + reach, foot),
            steps=16,
        )
        width = height * rng.uniform(0.012, 0.026)
        roots.append((path, taper(width, width * 0.6, 16)))
        if rng.random() < 0.65:
            px, py = path[int(rng.integers(6, 11))]
            away = side * height * rng.uniform(0.03, 0.11)
            twig = curve((px, py), (px + away, py), (px + away, foot), steps=10)
            roots.append((twig, taper(width * 0.6, width * 0.4, 10)))
    return roots


def vine(ink: Stencil, rng: Rng, x: float, top: float, length: float, width: float = 0.004) -> None:
    """Draw a hanging vine with a few leaves."""
    sway = rng.uniform(-0.12, 0.12) * length
    path = curve((x, top), (x + sway, top + length * 0.5), (x + sway * 0.4, top + length), steps=16)
    ink.limb(path, taper(width, width * 0.5, 16))
    for px, py in path[3:]:
        side = rng.choice([-1, 1])
        leaf(ink, px, py, np.pi / 2 - side * rng.uniform(0.5, 1.1), width * rng.uniform(3.5, 6.5), 0.4)


def leaf(ink: Stencil, x: float, y: float, angle: float, length: float, breadth: float = 0.32) -> None:
    """Draw a pointed leaf from its stalk at (x, y) towards *angle*."""
    ahead = np.array([np.cos(angle), np.sin(angle)]) * length
    aside = np.array([-ahead[1], ahead[0]]) * (breadth * 0.5)
    ink.polygon((x, y) + _LEAF[:, :1] * ahead + _LEAF[:, 1:] * aside)


def fern(ink: Stencil, rng: Rng, x: float, base: float, size: float, fronds: int = 7) -> None:
    """Draw a fern: arching fronds from one root."""
    for number in range(fronds):
        way = (number + 0.5) / fronds * 2 - 1 + rng.uniform(-0.1, 0.1)
        tip = (x + way * size, base - size * (0.75 - 0.5 * abs(way)))
        spine = curve((x, base), (x + way * size * 0.4, base - size * 0.95), tip, steps=14)
        ink.limb(spine, taper(size * 0.02, size * 0.006, 14))
        for i in range(3, 14):
            px, py = spine[i]
            length = size * 0.26 * (1 - i / 17)
            slope = np.arctan2(spine[i][1] - spine[i - 1][1], spine[i][0] - spine[i - 1][0])
            for side in (-1, 1):
                leaf(ink, px, py, slope + side * 1.05, length, 0.3)


def grass(ink: Stencil, rng: Rng, left: float, right: float, base: float, height: float, blades: int) -> None:
    """Draw blades of grass along a line."""
    for x in rng.uniform(left, right, blades):
        tall = height * rng.uniform(0.35, 1.0)
        bend = tall * rng.uniform(-0.45, 0.45)
        ink.limb(
            curve((x, base), (x + bend * 0.1, base - tall * 0.6), (x + bend, base - tall), steps=6),
            taper(height * 0.045, height * 0.008, 6),
        )


def spray(
    ink: Stencil, rng: Rng, x: float, y: float, angle: float, length: float, leaves: int = 9, size: float = 0.09
) -> None:
    """Draw a bough with broad leaves that reaches into the foreground."""
    bend = angle + rng.uniform(-0.4, 0.4)
    end = (x + np.cos(bend) * length, y + np.sin(bend) * length)
    path = curve((x, y), (x + np.cos(angle) * length * 0.6, y + np.sin(angle) * length * 0.6), end, steps=12)
    ink.limb(path, taper(size * 0.16, size * 0.05, 12))
    for number in range(leaves):
        px, py = path[min(11, 2 + number * 10 // leaves)]
        side = -1 if number % 2 else 1
        leaf(ink, px, py, bend + side * rng.uniform(0.35, 1.0), size * rng.uniform(0.75, 1.3), 0.38)
