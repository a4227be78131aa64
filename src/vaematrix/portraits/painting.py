"""A portrait's parameters as a picture, painted from the back to the front.

Hair is in :mod:`.hair`; hats, glasses and all that is worn in :mod:`.wardrobe`.
"""

import numpy as np

from vaematrix.portraits import hair, wardrobe
from vaematrix.portraits.canvas import (
    INK,
    WHITE,
    Canvas,
    at,
    blob,
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
from vaematrix.portraits.head import EYE_LINE, EYES, LIPSTICKS, MIDDLE, Head
from vaematrix.portraits.parameters import Portrait

BACKDROPS = tuple(
    (rgb(start), rgb(end))
    for start, end in (
        ("BFE3DC", "6FB7B7"), ("FBD9C4", "EE9C86"), ("D9D3F0", "9A8CCB"), ("F8E3A8", "E6B457"), ("CFE4F5", "7FAFDA"),
        ("F6CFD8", "D98BA3"), ("E9E4D8", "BDB29C"), ("C9DDB9", "86AC80"), ("5E7FA3", "2E4766"), ("4E8C88", "235453"),
        ("A6576B", "6B2F47"), ("E8EEF2", "B3C2CE"), ("F3B27A", "CE6F4B"), ("7A6AA8", "433A6B"),
    )
)  # fmt: skip
IRISES = tuple(map(rgb, ("3B2416", "5B3A1E", "7A5426", "6B7A3A", "4C7F6B", "4F86A8", "6F8FA5")))


def paint(face: Portrait) -> np.ndarray:
    """Draw the portrait: uint8 [218, 178, 3]."""
    canvas = Canvas(face.shift, face.tilt, face.scale)
    head = Head(face)
    _backdrop(canvas, face)
    if face.hat == "brim":
        wardrobe.brim_behind(canvas, face, head)
    hair.paint_behind(canvas, face, head)
    _neck(canvas, face, head)
    wardrobe.clothes(canvas, face, head)
    if face.necklace:
        wardrobe.necklace(canvas, head)
    _ears(canvas, head)
    _skull(canvas, face, head)
    if not face.young:
        _wrinkles(canvas, head)
    _beard(canvas, face, head)
    _nose(canvas, face, head)
    _mouth(canvas, face, head)
    for side in (-1, 1):
        _eye(canvas, face, head, side)
    hair.paint_in_front(canvas, face, head)
    for side in (-1, 1):
        _eyebrow(canvas, face, head, side)
    if face.hat:
        wardrobe.hat(canvas, face, head)
    if face.glasses:
        wardrobe.glasses(canvas, face, head)
    if face.earrings:
        wardrobe.earrings(canvas, face, head)
    return canvas.pixels()


def _backdrop(canvas: Canvas, face: Portrait) -> None:
    start, end = pick(BACKDROPS, face.backdrop)
    canvas.gradient(start, end, (-face.light * 0.7, 1.0))
    canvas.glow((MIDDLE + face.light * 55, 50), (110, 110), WHITE, 0.3)


def _neck(canvas: Canvas, face: Portrait, head: Head) -> None:
    half = head.neck
    neck = mirrored([(0, 140), (half, 145), (half, 178), (half + 4, 190), (half + 26, 203), (half + 30, 225)], head.x)
    canvas.fill(neck, head.skin)
    canvas.glow((head.x - face.light * 26, 185), (34, 50), head.shadow, 0.6, neck)
    # The chin's shadow is the head's own outline, lowered and moved away from the light.
    canvas.fill(moved(head.outline, -face.light * 3, 9), head.shadow, 0.75, neck)


def _ears(canvas: Canvas, head: Head) -> None:
    for side in (-1, 1):
        x = head.x + side * (head.width + 1.5)
        ear = ellipse(x, 118, 6.5, 11)
        canvas.fill(ear, head.skin)
        canvas.fill(ear, head.shadow, 0.25 if side == head.light else 0.5)
        canvas.stroke(line(at(x, side, [2.5, -1, 0.5, -1], [111, 113, 120, 124])), head.crease, 1.3, 0.5)


def _skull(canvas: Canvas, face: Portrait, head: Head) -> None:
    x, light, outline = head.x, head.light, head.outline
    canvas.fill(outline, head.skin)
    canvas.glow((x - light * head.width * 1.05, 125), (34, 75), head.shadow, 0.75, outline)
    canvas.glow((x, 178), (44, 26), head.shadow, 0.45, outline)
    canvas.glow((x + light * 14, 84), (36, 28), head.glint, 0.5, outline)
    for side in (-1, 1):
        canvas.glow((EYES[side], EYE_LINE), (19, 13), head.shadow, 0.3, outline)  # the sockets
        cheek = (MIDDLE + side * 24 + face.turn * 0.3, 131 - 1.5 * face.smiling)
        canvas.glow(cheek, (17, 13), head.blush, 0.22 + 0.12 * face.smiling, outline)
        if face.rosy_cheeks:
            canvas.glow(cheek, (20, 16), rgb("E23D58"), head.rouge, outline)
        canvas.glow((cheek[0] + light * 3, 125), (11, 7), head.glint, 0.4, outline)


def _wrinkles(canvas: Canvas, head: Head) -> None:
    for side in (-1, 1):
        canvas.stroke(line(at(head.mouth, side, [10, 16.5, 18.5], [132, 139, 146])), head.crease, 1.6, 0.6)
        for slope in (-3, 1, 5):
            foot = at(MIDDLE, side, [32, 37], [EYE_LINE + slope * 0.4, EYE_LINE + slope])
            canvas.stroke(line(foot), head.crease, 1.0, 0.45)
        for y in (80, 87):
            canvas.stroke(line(at(head.x, side, [0, 9, 17], [y + 0.5, y, y + 1.5])), head.crease, 1.1, 0.42)


def _beard(canvas: Canvas, face: Portrait, head: Head) -> None:
    if face.beard in ("stubble", "full"):
        w, jaw, mouth = head.width, head.jaw, head.mouth
        drop = 4.5 if face.beard == "full" else 0.0  # a full beard hangs below the chin
        outer = (
            [w + 0.6, w + 1 + drop * 0.3, jaw + 2 + drop * 0.5, jaw * 0.62 + 1, jaw * 0.3, 0],
            [112, 130, 148 + drop * 0.4, 160 + drop, head.chin + drop - 1, head.chin + drop],
        )
        inner = ([w - 4, w - 6.5, 26, 20, 16, 7, 0], [112, 128, 137, 143, 152, 157.5, 158])
        right = curve(at(head.x, 1, *outer)), curve(at(mouth, 1, *inner))
        left = curve(at(head.x, -1, *outer)), curve(at(mouth, -1, *inner))
        shape = shape_of(right[0], left[0][::-1], left[1], right[1][::-1])
        if face.beard == "full":
            _whiskers(canvas, head, shape, (head.x, 152), 30)
        else:
            canvas.fill(shape, head.stubble, 0.26, head.outline)
            canvas.glow((mouth, 164), (30, 16), head.stubble, 0.3, head.outline)
            canvas.glow((mouth, 140), (20, 6), head.stubble, 0.4, head.outline)
    elif face.beard == "goatee":
        half = [(0, 156), (6, 155.5), (12, 153), (14, 157), (12.5, 164), (8, head.chin + 2), (0, head.chin + 5)]
        _whiskers(canvas, head, mirrored(half, head.mouth), (head.mouth, 150), 18)
    if face.mustache:
        half = [(0, 138.5), (6, 137), (13, 140.5), (19, 147.5), (17.5, 150), (11, 146.5), (5, 144.8), (0, 145)]
        _whiskers(canvas, head, mirrored(half, head.mouth), (head.mouth, 132), 18)


def _whiskers(canvas: Canvas, head: Head, shape: np.ndarray, root: tuple[float, float], spread: float) -> None:
    """Fill a patch of facial hair, lit from the light's side, with a few hairs fanning out from `root`."""
    (x, y), colour = root, head.whiskers
    canvas.fill(shape, colour)
    canvas.glow((x + head.light * 20, y + 2), (26, 26), mix(colour, WHITE, 0.45), 0.35, shape)
    canvas.glow((x - head.light * 26, y + 12), (30, 34), mix(colour, INK, 0.6), 0.55, shape)
    for share in np.linspace(-1, 1, 9):
        strand = at(x, 1, [share * spread * 0.6, share * spread * 1.15], [y + 4, y + 26 - 10 * share**2])
        canvas.stroke(strand, mix(colour, INK, 0.5), 1.0, 0.3, shape)


def _nose(canvas: Canvas, face: Portrait, head: Head) -> None:
    x = MIDDLE + face.turn
    wide, tip = (10.5, 134.5) if face.big_nose else (7.2, 132.5)
    dark_side = at(x, -face.light, [2.5, 5, 4.5, wide * 0.95, 1.5, 1.2], [108, 112, 122, tip - 3, tip - 2, 118])
    canvas.fill(blob(dark_side), head.shadow, 0.5)
    canvas.glow((x, tip + 3), (wide + 5, 6), head.shadow, 0.65)
    canvas.glow((x + face.light * 1.2, 116), (4.5, 20), head.glint, 0.5)
    canvas.fill(ellipse(x, tip - 4, wide * 0.66, 5.5 + face.big_nose), head.skin, 0.75)
    canvas.glow((x + face.light * 2, tip - 6), (5, 4.5), head.glint, 0.85)
    across = wide * np.array([-1, -0.9, -0.45, 0, 0.45, 0.9, 1])
    canvas.stroke(line(at(x, 1, across, tip + np.array([-4, -0.5, 0.2, 1.8, 0.2, -0.5, -4]))), head.crease, 1.5, 0.6)
    for side in (-1, 1):
        canvas.fill(ellipse(x + side * wide * 0.48, tip - 0.2, 1.9, 1.1), head.crease, 0.75)


def _mouth(canvas: Canvas, face: Portrait, head: Head) -> None:
    x = head.mouth
    half = (14.5 if face.smiling else 11.5) + 0.8 * face.male
    corner, seam = (145.5, 149.5) if face.smiling else (147.7, 148.2)  # a smile lifts the corners above the middle
    gap = (8.5 if face.smiling else 5.0) if face.mouth_open else 0.0
    full = 1.5 if face.big_lips else 1.0
    lips = pick(LIPSTICKS, face.lip) if face.lipstick else head.lips

    def arc(middle: float, roundness: float, bow: float = 0.0) -> np.ndarray:
        """A line from corner to corner that passes `middle`; `bow` is the dent of the upper lip."""
        way = corner + roundness * (middle - corner)
        across = half * np.array([-1, -0.6, -0.2, 0, 0.2, 0.6, 1])
        return curve(at(x, 1, across, [corner, way, middle - bow, middle, middle - bow, way, corner]))

    upper_seam, lower_seam = arc(seam - gap * 0.25, 0.65), arc(seam + gap * 0.75, 0.74)
    upper_edge = arc(seam - gap * 0.25 - 3.6 * full, 0.65, bow=1.2)
    lower_edge = arc(seam + gap * 0.75 + 4.4 * full, 0.74)
    bottom = lower_edge[:, 1].max()
    canvas.glow((x, bottom + 4), (half * 0.9, 5), head.shadow, 0.6, head.outline)
    if gap:
        inside = shape_of(upper_seam, lower_seam[::-1])
        canvas.fill(inside, rgb("5A1720"))
        canvas.glow((x, seam + gap * 0.8), (half * 0.7, gap * 0.55), rgb("D8596A"), 0.9, inside)  # the tongue
        teeth = shape_of(upper_seam, moved(upper_seam, 0, 1.2 + gap * 0.42)[::-1])
        canvas.fill(teeth, rgb("FCF8F2"), 1.0, inside)
    upper, lower = shape_of(upper_edge, upper_seam[::-1]), shape_of(lower_seam, lower_edge[::-1])
    canvas.fill(upper, mix(lips, INK, 0.18))
    canvas.fill(lower, lips)
    shine = (x + face.light * 3, bottom - 2.4 * full)
    canvas.glow(shine, (6.5, 2.6 * full), WHITE, 0.75 if face.lipstick else 0.4, lower)
    if not gap:
        canvas.stroke(upper_seam, mix(lips, INK, 0.6), 1.5, 0.85)
    for side in (-1, 1):
        if face.smiling:
            dimple = at(x, side, [half + 0.5, half + 2.5, half + 1.5], [corner - 2.5, corner, corner + 3])
            canvas.stroke(line(dimple), head.crease, 1.4, 0.5)
        else:
            canvas.glow((x + side * (half + 1), corner), (3.5, 3), head.crease, 0.4)


def _eye(canvas: Canvas, face: Portrait, head: Head, side: int) -> None:
    x, y = EYES[side], EYE_LINE
    half = 9.2 + 1.4 * face.eye_size
    rise = 5.6 + 1.6 * face.eye_size - 2.6 * face.narrow_eyes
    drop = 4.2 + 0.8 * face.eye_size - 1.7 * face.narrow_eyes - 1.2 * face.smiling
    # Across is counted from the nose outwards, as at() mirrors it.
    upper = [y + 1.2, y - rise * 0.75, y - rise, y - rise * 0.72, y - 0.8]
    lid = curve(at(x, side, half * np.array([-1, -0.55, 0.05, 0.66, 1]), upper))
    below = curve(at(x, side, half * np.array([1, 0.5, -0.3, -1]), [y - 0.8, y + drop * 0.85, y + drop, y + 1.2]))
    opening = shape_of(lid, below)

    if face.heavy_makeup:
        shadow = mix(pick(LIPSTICKS, face.lip), rgb("5B3A78"), 0.5)
        canvas.glow((x + side * 1.5, y - rise), (half + 5, 9), shadow, 0.75, head.outline)
    fold = at(x, side, half * np.array([-0.8, 0, 1]), [y - rise * 0.7 - 2.2, y - rise - 3.4, y - 3.6])
    canvas.stroke(line(fold), head.crease, 1.2, 0.55)
    if face.bags_under_eyes:
        for step, alpha in ((3.6, 0.65), (6.2, 0.45)):
            bag = at(x, side, half * np.array([-0.7, 0, 0.8]), y + drop + step - np.array([1.2, 0, 2]))
            canvas.stroke(line(bag), head.crease, 1.3, alpha)

    canvas.fill(opening, mix(rgb("FDFAF7"), head.skin, 0.12))
    _iris(canvas, face, (x + face.gaze + face.turn * 0.15, y - 0.4), opening)
    canvas.stroke(moved(lid, 0, 1.2), rgb("4A3038"), 2.4, 0.35, opening)  # the lid's shadow on the eye
    canvas.stroke(below, head.crease, 1.0, 0.5)
    canvas.stroke(lid, INK, 1.7 if face.male else 2.3 + 0.8 * face.heavy_makeup, 0.95)
    if not face.male:
        for lift, length in ((2.6, 3.6), (4.4, 2.2)) if face.heavy_makeup else ((2.4, 2.8),):
            up = np.array([1.2, lift * 0.6, lift])
            lash = at(x, side, half + np.array([-1.6, length * 0.6, length]), y - 0.8 - up)
            canvas.stroke(line(lash), INK, 1.5, 0.95)


def _iris(canvas: Canvas, face: Portrait, centre: tuple[float, float], opening: np.ndarray) -> None:
    (x, y), colour = centre, pick(IRISES, face.iris)
    canvas.fill(ellipse(x, y, 5.3), mix(colour, INK, 0.55), 1.0, opening)
    canvas.fill(ellipse(x, y, 4.5), colour, 1.0, opening)
    canvas.glow((x - face.light * 1.2, y + 2.2), (4, 3.2), mix(colour, WHITE, 0.6), 0.75, opening)
    canvas.fill(ellipse(x, y, 2.4), rgb("140D0E"), 1.0, opening)
    canvas.fill(ellipse(x + face.light * 1.9, y - 1.9, 1.5), WHITE, 0.95, opening)
    canvas.fill(ellipse(x - face.light * 1.7, y + 1.8, 0.8), WHITE, 0.5, opening)


def _eyebrow(canvas: Canvas, face: Portrait, head: Head, side: int) -> None:
    y = 98.3 - 1.2 * face.smiling - 1.2 * (not face.male) + 0.6 * face.narrow_eyes - 1.6 * face.arched_eyebrows
    thick = (3.0 if face.male else 2.3) * (1.75 if face.bushy_eyebrows else 1.0)
    peak, end = (3.9, 1.2) if face.arched_eyebrows else (1.8, 2.2)
    heights = y + np.array([0.1 * peak, -0.62 * peak, -peak, -0.66 * peak, end])
    spine = curve(at(EYES[side], side, [-11.5, -4.5, 2.5, 8.5, 13.5], heights))
    taper = thick / 2 * np.interp(np.linspace(0, 1, len(spine)), (0, 0.15, 0.6, 1), (0.75, 1.05, 0.9, 0.15))
    canvas.fill(shape_of(moved(spine, 0, -taper), moved(spine, 0, taper)[::-1]), head.eyebrows, 0.92)
    if face.bushy_eyebrows:
        canvas.stroke(spine[1:-7], head.eyebrows, thick * 0.9, 0.7)
