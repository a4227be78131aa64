"""Hair: locks between an outer and an inner line, and garlands of curls, behind the head and in front of it."""

import numpy as np

from vaematrix.portraits.canvas import (
    INK,
    WHITE,
    Canvas,
    at,
    curve,
    ellipse,
    line,
    mirrored,
    mix,
    moved,
    pick,
    rgb,
    shape_of,
)  # fmt: skip
from vaematrix.portraits.head import Head
from vaematrix.portraits.parameters import Portrait

HAT_LINE = 84.0  # y below which the hair shows under a hat
ENDS = {"bob": 160.0, "long": 228.0}  # y of the tips of hanging hair
# Pixels by which the hair stands above the skull.
VOLUMES = {"buzz": 3, "short": 11, "quiff": 15, "pixie": 14, "bun": 9, "ponytail": 11, "bob": 15, "long": 15}
HAIRLINES = {"buzz": 77, "quiff": 75}  # y; 79 for all others
RIBBONS = tuple(map(rgb, ("C8553D", "2F4A63", "E0A83B", "4E7F6B", "7B4B6E", "F4F2EE")))


def paint_behind(canvas: Canvas, face: Portrait, head: Head) -> None:
    """What hangs or stands behind neck and head."""
    x, w = head.x, head.width
    if face.hair == "cloud":
        # A hat presses the cloud down to both sides of the face.
        y, height = (118, 32) if face.hat else (100, 56)
        canvas.fill(ellipse(x, y - 2, w + 20, height + 1), mix(head.hair, head.hair_dark, 0.6))
        _curls(canvas, head, (x, y), (w + 19, height), size=11, count=27, reach=2.35)
        _curls(canvas, head, (x, y), (w + 8, height - 12), size=10, count=20, reach=2.2)
    elif face.hair == "bun":
        canvas.fill(ellipse(x, 45, 17, 15), head.hair_dark)
        canvas.fill(ellipse(x + head.light * 1.5, 44, 15, 13), head.hair)
        for dy in (-6, 0, 6):
            canvas.stroke(line(at(x, 1, [-12, 0, 12], [46 + dy, 42 + dy, 45 + dy])), head.hair_dark, 1.2, 0.5)
    elif face.hair == "ponytail":
        side = -1 if face.parting > 0 else 1
        outer = curve(at(x, side, [20, w + 10, w + 25, w + 22, w + 9], [62, 80, 112, 155, 192]))
        inner = curve(at(x, side, [12, w + 1, w + 3, w + 3, w + 8], [80, 96, 122, 160, 193]))
        _lock(canvas, head, outer, inner, 3.0 * face.wavy)
        canvas.stroke(line(at(x, side, [w + 9, w + 4], [84, 96])), pick(RIBBONS, face.cloth), 5.0)
    elif face.hair in ENDS:
        end, flare = ENDS[face.hair], 12 if face.hair == "long" else 7
        across = [0, w - 6, w + 7, w + 8, w + flare, w + flare - 6]
        half = curve(at(0, 1, across, [50, 60, 95, 130, end - 18, end]))
        half = _rippled(half, 3.2) if face.wavy else half
        shape = shape_of(moved(half, x, 0), moved(half[::-1] * (-1, 1), x, 0))
        canvas.fill(shape, head.hair_dark)
        canvas.glow((x, 150), (34, 70), mix(head.hair_dark, INK, 0.7), 0.5, shape)


def paint_in_front(canvas: Canvas, face: Portrait, head: Head) -> None:
    """What lies on the head; under a hat only the part below it."""
    with canvas.only_below(HAT_LINE if face.hat else None):
        if face.hair == "bald":
            canvas.glow((head.x + head.light * 13, 70), (20, 12), WHITE, 0.45, head.outline)
        elif face.hair in ("curls", "cloud"):
            _curly_top(canvas, face, head)
        else:
            _crown(canvas, face, head)
    if face.bangs:
        _bangs(canvas, face, head)


def _crown(canvas: Canvas, face: Portrait, head: Head) -> None:
    """Two locks that leave the parting and run down both sides of the head, as far as the style says."""
    parting = 0.0 if face.hair in ("bun", "buzz") else face.parting * (0.6 if face.hair in ENDS else 1.0)
    if face.hair in ("short", "quiff", "pixie"):
        parting += np.sign(parting) * 6
    sides = (-1, 1) if parting <= 0 else (1, -1)  # the wider lock comes last, on top
    locks = [_side_lock(face, head, side, parting) for side in sides]
    for _, inner in locks:  # the hair's shadow on the skin
        canvas.stroke(moved(inner, 0, 3), head.shadow, 5.0, 0.5, head.outline)
    wave = (2.2 if face.hair in ENDS else 1.5) * face.wavy
    for outer, inner in locks:
        _lock(canvas, head, outer, inner, wave, strands=0 if face.hair == "buzz" else 6)


def _side_lock(face: Portrait, head: Head, side: int, parting: float) -> tuple[np.ndarray, np.ndarray]:
    """Outer and inner line of the lock on one side, from the parting to its tip, in picture coordinates."""
    w, volume, hairline = head.width, VOLUMES[face.hair], HAIRLINES.get(face.hair, 79)
    if side * parting <= 0:  # the wider lock overlaps the other one
        parting -= side * 3.0
    root = side * parting  # from here on distances count towards this lock's side
    angles = np.linspace(np.arcsin(np.clip(root / (w + 4), -0.9, 0.9)), np.pi / 2, 5)
    over = (w + 3 + volume * 0.15) * np.sin(angles)
    top = 98 - (39 + volume) * np.cos(angles)
    if face.hair == "quiff":
        top = top - 5 * np.exp(-(((over - root * 0.4) / 20) ** 2))
    if face.hair in ENDS:
        end = ENDS[face.hair]
        outer = [*over, w + 8, w + 10, w + 9], [*top, 125, 150, end]
        inner = [root, root * 0.4 + 16, 29, w - 4.5, w - 4, w - 4, w - 5], [68, 75, 89, 106, 130, 150, end + 1]
    else:
        tip = 127.0 if face.sideburns else 106.0
        outer = [*over, w + 1.5], [*top, tip]
        if face.receding:  # bare temples beside a tongue of hair
            across, down = [root * 0.3, 10, 20, 30], [-1, -3, -11, -3]
        else:
            across, down = [root, 17 + root * 0.3, 28, 33], [-4, 0, 4, 11]
        down = [hairline + dy for dy in down]
        inner = [*across, w - 4.5, w - 3.5 - 1.5 * face.sideburns], [*down, 98, tip - 2]
    return curve(at(head.x, side, *outer)), curve(at(head.x, side, *inner))


def _lock(
    canvas: Canvas, head: Head, outer: np.ndarray, inner: np.ndarray, wave: float = 0.0, strands: int = 6
) -> None:
    """Fill between two lines that run from root to tip; strands lie in between them."""
    outer, inner = _evenly(outer, 33), _evenly(inner, 33)
    if wave:
        outer, inner = _rippled(outer, wave), _rippled(inner, wave * 0.6)
    shape = shape_of(outer, inner[::-1])
    canvas.fill(shape, head.hair)
    middle = (outer + inner) / 2
    lit = (middle[:, 0].mean() - head.x) * head.light > 0
    for share in np.linspace(0.12, 0.9, strands):
        strand = (1 - share) * outer + share * inner
        canvas.stroke(strand[1:], head.hair_dark, 2.2, 0.22, shape)
        canvas.stroke(moved(strand[4:-6], 0.9, -0.9), head.hair_light, 1.0, 0.4 if lit else 0.2, shape)
    canvas.stroke(inner, head.hair_dark, 5.0, 0.4, shape)
    x, y = middle[len(middle) // 4]
    canvas.glow((x, y), (22, 10), head.hair_light, 0.6 if lit else 0.3, shape)


def _bangs(canvas: Canvas, face: Portrait, head: Head) -> None:
    """A fringe from the crown to just above the eyebrows."""
    x, w, edge = head.x, head.width, 95.5
    top = 56 - VOLUMES[face.hair] * 0.45
    lean = np.sign(face.parting) * 5
    down = edge + np.array([4, -1, -1.5, -1, -1.5, -1, 4])
    lower = curve(at(x, -1, [-w + 3, -24, -12, 0, 12, 24, w - 3], down))
    if face.wavy:
        scallops = np.sin(np.linspace(0, 5 * np.pi, len(lower))) ** 2
        lower = moved(lower, 0, 4.4 * scallops - 2)
    upper = curve(at(x, 1, [-w - 1, -30, -14, 0, 14, 30, w + 1], [82, 66, top + 2, top, top + 2, 66, 82]))
    shape = shape_of(lower, upper)
    canvas.stroke(moved(lower, 0, 3), head.shadow, 5.0, 0.55, head.outline)
    canvas.fill(shape, head.hair)
    for number, share in enumerate(np.linspace(-0.92, 0.92, 13)):
        across = [share * 13 - lean, share * 30 - lean * 0.5, share * (w - 2)]
        strand = line(at(x, 1, across, [top + 3, 80, edge + 3 * abs(share) ** 3]))
        canvas.stroke(strand, head.hair_dark, 1.7, 0.12 + 0.1 * (number * 5 % 3), shape)
        canvas.stroke(moved(strand[4:-5], 1.2, 0), head.hair_light, 0.9, 0.35, shape)
    canvas.glow((x + head.light * 12, 74), (26, 9), head.hair_light, 0.6, shape)
    canvas.stroke(lower, head.hair_dark, 3.0, 0.35, shape)


def _curly_top(canvas: Canvas, face: Portrait, head: Head) -> None:
    """Curls along the hairline; the rest of a cloud of hair is behind the head."""
    x, w = head.x, head.width
    hairline = line(at(x, 1, [-w + 3, -32, -18, 0, 18, 32, w - 3], [100, 86, 80, 78, 80, 86, 100]))
    canvas.stroke(hairline, head.shadow, 8.0, 0.55, head.outline)
    if face.hair == "cloud":
        _curls(canvas, head, (x, 97), (39, 32), size=8.5, count=17, reach=1.65)
        _curls(canvas, head, (x, 82), (30, 28), size=9.5, count=12, reach=1.6)
        return
    cap = [
        (0, 46),
        (22, 49),
        (38, 63),
        (w + 3, 84),
        (w + 2, 112),
        (w - 3, 110),
        (w - 5, 96),
        (31, 84),
        (15, 76),
        (0, 75),
    ]
    canvas.fill(mirrored(cap, x), head.hair_dark)
    if face.sideburns:
        for side in (-1, 1):
            canvas.fill(ellipse(x + side * (w - 1), 116, 3, 12), head.hair_dark)
    _curls(canvas, head, (x, 77), (36, 27), size=8.5, count=15, reach=1.6)
    _curls(canvas, head, (x, 70), (23, 12), size=8.5, count=9, reach=1.6)


def _curls(
    canvas: Canvas,
    head: Head,
    centre: tuple[float, float],
    radii: tuple[float, float],
    size: float,
    count: int,
    reach: float,
) -> None:
    """A garland of curls on an ellipse, up to `reach` radians from its top, each with its own light and shade."""
    angles = np.linspace(-reach, reach, count)
    numbers = np.arange(count)
    wobble = np.sin(numbers * 2.4) * size * 0.28
    xs = centre[0] + (radii[0] + wobble) * np.sin(angles)
    ys = centre[1] - (radii[1] + wobble) * np.cos(angles)
    sizes = size * (1 + 0.16 * np.cos(numbers * 1.7))
    edge = mix(head.hair, head.hair_dark, 0.7)
    for number in np.argsort(-np.abs(angles), kind="stable"):  # the topmost curl comes last, on top
        x, y, radius = xs[number], ys[number], sizes[number]
        canvas.fill(ellipse(x, y + 0.6, radius), edge)
        canvas.fill(ellipse(x + head.light * 0.7, y - 0.7, radius * 0.9), head.hair)
        ring = ellipse(x + head.light * 1.2, y - 1, radius * 0.52)
        canvas.stroke(ring[22:38], head.hair_light, 1.1, 0.4)


def _evenly(points: np.ndarray, count: int) -> np.ndarray:
    """`count` points at equal distances along the line through `points`."""
    length = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    even = np.linspace(0, length[-1], count)
    return np.stack([np.interp(even, length, points[:, 0]), np.interp(even, length, points[:, 1])], axis=1)


def _rippled(points: np.ndarray, depth: float) -> np.ndarray:
    """The line pushed to and fro by up to `depth` pixels, one wave in 26 pixels, growing from the root."""
    points = _evenly(points, 65)
    steps = np.diff(points, axis=0, append=2 * points[-1:] - points[-2:-1])
    lengths = np.maximum(np.hypot(*steps.T), 1e-9)
    normals = steps[:, ::-1] * (1, -1) / lengths[:, None]
    travelled = np.cumsum(lengths)
    push = depth * np.minimum(travelled / 50, 1) * np.sin(travelled * 2 * np.pi / 26)
    return points + normals * push[:, None]
