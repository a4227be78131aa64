"""What is worn: clothes, hats, glasses and jewellery."""

import numpy as np

from vaematrix.portraits.canvas import (
    INK,
    WHITE,
    Canvas,
    Colour,
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
from vaematrix.portraits.head import EYE_LINE, EYES, MIDDLE, Head
from vaematrix.portraits.parameters import Portrait

FABRICS = tuple(
    map(rgb, ("2F3E5C", "C8553D", "F1EFEA", "3F7D6E", "E0A83B", "7B4B6E", "2B2B33", "6E93B8", "D98C9A", "8A9A5B"))
)
FELTS = tuple(map(rgb, ("C8553D", "2F4A63", "E0A83B", "4E7F6B", "7B4B6E", "D9CDB8", "33333B", "C98A9B")))
SILKS = tuple(map(rgb, ("C8553D", "2F3E5C", "3F7D6E", "7B4B6E", "E0A83B", "6E93B8")))
METALS = tuple(map(rgb, ("22222A", "4A2C1C", "8C2F39", "B08D4A", "2F4A63", "C9C6C2")))
STONES = tuple(map(rgb, ("D6415F", "4C7F6B", "4F86A8", "C2487E", "F4F2EE", "E0A83B")))
GOLD, SILVER = rgb("E2B94F"), rgb("DDE3EA")
NIGHT = rgb("1A0D33")  # what shades of cloth are mixed with


def clothes(canvas: Canvas, face: Portrait, head: Head) -> None:
    """Shoulders in a round neckline, or a jacket over shirt and tie."""
    x, fabric = head.x, pick(FABRICS, face.cloth)
    dark, light = mix(fabric, NIGHT, 0.35), mix(fabric, WHITE, 0.3)
    reach, opening = (82, 26) if face.male else (70, 22)
    depth = 199 if face.necktie else pick((194, 199, 208), face.collar)
    shoulder = ([opening, opening + 6, reach, reach + 18], [186, 188, 203, 230])
    across = opening * np.array([-1, -0.7, 0, 0.7, 1])
    rim = curve(at(x, 1, across, [186, depth - 5, depth, depth - 5, 186]))
    body = shape_of(curve(at(x, -1, *shoulder))[::-1], rim, curve(at(x, 1, *shoulder)))
    canvas.fill(body, fabric)
    canvas.glow((x - face.light * 62, 215), (60, 40), dark, 0.6, body)
    canvas.glow((x + face.light * 58, 198), (45, 25), light, 0.5, body)
    if face.necktie:
        _shirt_and_tie(canvas, face, x)
    else:
        canvas.stroke(rim, dark, 2.6, 0.55)


def _shirt_and_tie(canvas: Canvas, face: Portrait, x: float) -> None:
    shirt, silk = rgb("F4F2EE"), pick(SILKS, face.collar)
    canvas.fill(at(x, 1, [-26, 0, 26, 21, -21], [184, 200, 184, 225, 225]), shirt)
    canvas.fill(at(x, 1, [-5, 5, 10, -10], [196, 196, 225, 225]), silk)
    canvas.fill(at(x, 1, [-6, 6, 4, -4], [191, 191, 200, 200]), mix(silk, INK, 0.25))
    for side in (-1, 1):
        flap = at(x, side, [25, 27, 14, 3, 22], [179, 187, 204, 192, 183])
        canvas.fill(flap, shirt)
        canvas.stroke(flap[1:4], rgb("B9B6B6"), 1.0)


def necklace(canvas: Canvas, head: Head) -> None:
    """A thin chain with a golden drop."""
    half = head.neck + 4
    canvas.stroke(line(at(head.x, 1, [-half, -12, 0, 12, half], [184, 195, 199, 195, 184])), GOLD, 1.6)
    canvas.fill(ellipse(head.x, 201.5, 3.4), GOLD)
    canvas.fill(ellipse(head.x - 1, 200.5, 1.1), WHITE, 0.8)


def earrings(canvas: Canvas, face: Portrait, head: Head) -> None:
    """Hoops, or stones on a thread."""
    metal = GOLD if face.metal < 0.6 else SILVER
    for side in (-1, 1):
        x, y = head.x + side * (head.width + 3.5), 129.0
        if face.lip < 0.5:
            hoop = ellipse(x, y + 6.5, 4.4, 6.2)
            canvas.stroke(hoop, mix(metal, INK, 0.35), 2.6)
            canvas.stroke(hoop, metal, 1.7)
        else:
            canvas.stroke(at(x, 1, [0, 0], [y, y + 7]), metal, 1.3)
            canvas.fill(ellipse(x, y + 9.5, 3.6), pick(STONES, face.cloth))
            canvas.fill(ellipse(x - 1, y + 8.5, 1.2), WHITE, 0.8)
        canvas.fill(ellipse(x, y - 0.5, 1.7), metal)


def glasses(canvas: Canvas, face: Portrait, head: Head) -> None:
    """Both lenses with a glare, the bridge, and the temples that run to the ears."""
    metal, thick = pick(METALS, face.metal), 2.4
    for side in (-1, 1):
        x, y = EYES[side], EYE_LINE + 1.5
        if face.glasses == "round":
            rim = ellipse(x + side * 0.5, y, 15, 14.2)
        elif face.glasses == "square":
            across = 15.5 * np.array([-1, -0.7, 0.7, 1, 0.95, 0.6, -0.6, -0.95])
            rim = blob(at(x + side, side, across, y + np.array([-10.5, -12, -12, -10.5, 8, 11.5, 11.5, 8])))
        else:
            down = y + np.array([-6, -10.5, -11.5, -13.5, -3, 9, 10.5, 6])
            rim = blob(at(x, side, [-14.5, -8, 6, 18, 16, 10, -4, -12.5], down))
        canvas.fill(rim, WHITE, 0.12)
        canvas.fill(at(x, 1, [-2, 5, -5, -12], [y - 14, y - 14, y + 14, y + 14]), WHITE, 0.2, rim)
        canvas.stroke(moved(rim, 0, 1.6), head.shadow, thick, 0.4, head.outline)
        temple = np.array([(x + side * 15, y - 4), (head.x + side * (head.width + 2), y - 3)])
        canvas.stroke(temple, mix(metal, INK, 0.3), thick)
        canvas.stroke(rim, metal, thick)
        canvas.stroke(rim[20:27], WHITE, 0.8, 0.35)
    bridge = [(EYES[-1] + 15, EYE_LINE), (MIDDLE + face.turn * 0.3, EYE_LINE - 3.5), (EYES[1] - 15, EYE_LINE)]
    canvas.stroke(line(bridge), metal, thick)


def hat(canvas: Canvas, face: Portrait, head: Head) -> None:
    """The hat that `face` wears, with its shadow on the forehead."""
    felt = pick(FELTS, face.cloth)
    dark, light = mix(felt, NIGHT, 0.4), mix(felt, WHITE, 0.35)
    {"beanie": _beanie, "cap": _cap, "brim": _brim}[face.hat](canvas, face, head, felt, dark, light)


def _beanie(canvas: Canvas, face: Portrait, head: Head, wool: Colour, dark: Colour, light: Colour) -> None:
    x, w = head.x, head.width
    if face.collar > 0.5:
        pompom = ellipse(x, 36, 9)
        canvas.fill(pompom, light)
        canvas.glow((x - head.light * 4, 40), (12, 12), dark, 0.6, pompom)
    dome = mirrored([(0, 40), (18, 43), (34, 56), (w + 4, 78), (w + 4, 84), (0, 84)], x)
    canvas.fill(dome, wool)
    for share in np.linspace(-0.8, 0.8, 7):
        canvas.stroke(line(at(x, 1, share * np.array([8, 36, 44]), [42, 60, 80])), dark, 1.3, 0.45, dome)
    _shade(canvas, head, dome, dark, light)
    band = mirrored([(0, 74), (25, 74), (w + 5, 77), (w + 6, 83), (w + 5, 90), (25, 87), (0, 87)], x)
    canvas.stroke(moved(band, 0, 3), head.shadow, 4.0, 0.4, head.outline)
    canvas.fill(band, mix(wool, light, 0.35))
    for share in np.linspace(-0.95, 0.95, 17):
        canvas.stroke(at(x, 1, share * np.array([w, w + 1]), [75, 89]), dark, 1.2, 0.4, band)
    _shade(canvas, head, band, dark, light)


def _cap(canvas: Canvas, face: Portrait, head: Head, cloth: Colour, dark: Colour, light: Colour) -> None:
    x, w = head.x, head.width
    dome = mirrored([(0, 43), (20, 46), (35, 60), (w + 3, 80), (w + 2, 86), (0, 86)], x)
    canvas.fill(dome, cloth)
    _shade(canvas, head, dome, dark, light)
    for side in (-1, 1):
        canvas.stroke(line(at(x, side, [0, 14, 18], [44, 58, 80])), dark, 1.1, 0.6, dome)
    canvas.fill(ellipse(x, 43.5, 3.5, 2), dark)
    canvas.fill(ellipse(x, 65, 8, 7), mix(light, WHITE, 0.5), 0.9)
    visor = mirrored([(0, 77), (25, 79), (w + 1, 86), (w - 2, 91.5), (22, 88), (0, 87)], x)
    canvas.stroke(moved(visor, 0, 5), head.shadow, 5.0, 0.6, head.outline)
    canvas.fill(visor, dark)
    canvas.glow((x + head.light * 16, 80), (30, 6), light, 0.5, visor)


def brim_behind(canvas: Canvas, face: Portrait, head: Head) -> None:
    """The far side of a hat's brim, behind the head."""
    canvas.fill(ellipse(head.x, 78, 70, 15), mix(pick(FELTS, face.cloth), NIGHT, 0.4))


def _brim(canvas: Canvas, face: Portrait, head: Head, felt: Colour, dark: Colour, light: Colour) -> None:
    x = head.x
    crown = mirrored([(0, 45), (10, 40), (24, 38), (33, 46), (37, 70), (38, 82), (0, 84)], x)
    canvas.fill(crown, felt)
    _shade(canvas, head, crown, dark, light)
    canvas.stroke(line([(x - 38, 77), (x, 81), (x + 38, 77)]), pick(FELTS[::-1], face.cloth), 8.0, 1.0, crown)
    front = mirrored([(0, 83), (40, 77), (69, 74), (66, 83), (38, 90), (0, 92)], x)
    canvas.stroke(moved(front, 0, 5), head.shadow, 6.0, 0.55, head.outline)
    canvas.fill(front, felt)
    _shade(canvas, head, front, dark, light)
    canvas.stroke(line(at(x, 1, [-66, -38, 0, 38, 66], [82, 89.5, 91.5, 89.5, 82])), dark, 1.4, 0.7)


def _shade(canvas: Canvas, head: Head, shape: np.ndarray, dark: Colour, light: Colour) -> None:
    """Round a flat shape: dark away from the light, bright towards it."""
    top, bottom = shape[:, 1].min(), shape[:, 1].max()
    canvas.glow((head.x - head.light * 38, (top + bottom) / 2), (36, 44), dark, 0.65, shape)
    canvas.glow((head.x + head.light * 16, top + 0.3 * (bottom - top)), (26, 0.6 * (bottom - top)), light, 0.55, shape)
