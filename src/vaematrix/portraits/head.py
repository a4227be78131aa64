"""What every part of the drawing shares: where the head is, its outline, and its colours."""

from vaematrix.portraits.canvas import INK, blend, mirrored, mix, rgb, times
from vaematrix.portraits.parameters import Portrait

MIDDLE = 89.0
EYE_LINE = 111.0  # CelebA's aligned pictures have the eyes here, at these x (-1: left in the picture)
EYES = {-1: 69.0, 1: 109.0}
LIPSTICKS = tuple(map(rgb, ("B5213B", "D6415F", "9B2743", "CC4B3C", "C2487E", "7E2A3E")))
PALE = rgb("FCEAE2")
SKINS = tuple(map(rgb, ("F5CFB3", "EFC09C", "E3AC85", "CF936A", "B5774E", "925A39", "6F422B", "52321F")))
HAIRS = {
    "black": ("15131A", "241E26", "2B211F"),
    "brown": ("3E2718", "5C3820", "7A4D2B", "8A5A38"),
    "blond": ("C4923F", "DDB05A", "EBCB82", "F3DFAE"),
    "gray": ("85878C", "A9ABB0", "C6C8CC", "DEDFE2"),
    "red": ("7E2B16", "A4431F", "C7622F"),
}
SHADES = {
    "black": (0.5, 0.5, 0.55),
    "brown": (0.58, 0.53, 0.52),
    "blond": (0.76, 0.63, 0.46),
    "gray": (0.68, 0.68, 0.73),
    "red": (0.64, 0.5, 0.48),
}


class Head:
    """Geometry in picture coordinates and colours of one portrait.

    Attributes:
        x, mouth: x of the head's middle and of the mouth's, which is nearer to where the head turns.
        width, jaw, neck, chin: half width at the eyes, of the jaw, of the neck, and y of the chin, in pixels.
        outline: the face's outline, from the top of the skull to the chin.
        light: side of the light, -1 or 1.
        skin, shadow, glint, crease, blush, lips: the skin and what is mixed from it.
        rouge: alpha at which red cheeks show on this skin.
        hair, hair_dark, hair_light, eyebrows, whiskers, stubble: the hair and what is mixed from it.
    """

    def __init__(self, face: Portrait) -> None:
        self.x = MIDDLE - face.turn * 0.6
        self.mouth = MIDDLE + face.turn * 0.5
        self.width = 36.5 + 4 * face.face
        self.jaw = self.width * (0.74 + 0.13 * face.jaw)
        self.chin = 166.0 + 2.5 * face.male
        self.neck = 23.0 if face.male else 17.5
        self.light = face.light
        w, square = self.width, face.jaw
        half = [(0, 57), (18, 59.5), (31, 70.5), (w - 1.5, 90), (w, 110), (w - 2 + square, 129), (self.jaw, 146)]
        half += [
            (self.jaw * (0.66 + 0.06 * square), 158),
            (self.jaw * (0.28 + 0.1 * square), self.chin - 1),
            (0, self.chin),
        ]
        self.outline = mirrored(half, self.x)

        skin = PALE if face.pale else blend(SKINS, face.complexion)
        depth = 1 - sum(skin) / 3
        self.skin = skin
        self.shadow = times(skin, (0.80, 0.66, 0.64)) if not face.pale else times(skin, (0.86, 0.74, 0.77))
        self.glint = mix(skin, (1.0, 0.96, 0.88), 0.7 - 0.45 * depth)
        self.crease = times(skin, (0.62 - 0.3 * depth, 0.43 - 0.3 * depth, 0.41 - 0.3 * depth))
        self.blush = mix(skin, rgb("E4566A"), 0.6 - 0.3 * depth)
        self.lips = mix(times(skin, (0.86, 0.6, 0.58)), rgb("C4606A"), 0.4)

        self.hair = blend(tuple(map(rgb, HAIRS[face.hair_colour])), face.shade)
        self.hair_dark = times(self.hair, SHADES[face.hair_colour])
        self.hair_light = mix(self.hair, (1.0, 0.93, 0.82), 0.16 if face.hair_colour == "black" else 0.38)
        self.eyebrows = mix(self.hair_dark, rgb("3A2A22"), 0.35)
        self.whiskers = mix(self.hair, self.hair_dark, 0.5)
        # Short stubble shows only where it differs from the skin: light on dark, otherwise darker than the beard.
        lighter = sum(self.whiskers) > sum(skin) + 0.45
        self.stubble = self.whiskers if lighter else mix(self.whiskers, INK, 0.6)
        self.rouge = 0.4 + 0.24 * depth
