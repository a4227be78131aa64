"""Who is drawn: the parameters of a portrait, how they are sampled, and the CelebA attributes that they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")

CROPPED = ("buzz", "short", "quiff", "curls")  # styles that leave ears and neck free
FLOWING = ("bob", "long", "ponytail", "bun", "pixie", "cloud")
HAIR_COLOURS = ("black", "brown", "blond", "gray", "red")  # CelebA has no attribute for red
HATS = ("beanie", "cap", "brim")
FRAMES = ("round", "square", "cat")


@dataclass(frozen=True)
class Portrait:
    """One face. Numbers without a unit run from 0 to 1; the defaults draw a plain young woman.

    Attributes:
        complexion: from light to dark among the skin tones; ignored when `pale`.
        face: narrow to wide.
        jaw: pointed to square.
        turn: pixels by which the nose leads when the head turns, negative to the left.
        light: side the light comes from, -1 left or 1 right.
        hair: "bald", or one of `CROPPED` or `FLOWING`.
        shade: dark to light among the tones of the hair colour.
        parting: x of the parting in pixels from the middle of the head.
        hat: "" or one of `HATS`.
        glasses: "" or one of `FRAMES`.
        beard: "none", "stubble", "goatee" or "full".
        gaze: pixels by which the eyes look aside.
        lip, cloth, iris, metal, backdrop: places in the palettes of lipsticks, fabrics, eyes, frames and backgrounds.
        shift, tilt, scale: how the face sits in the picture, in pixels, degrees and as a factor.
    """

    male: bool = False
    young: bool = True
    pale: bool = False
    complexion: float = 0.3
    face: float = 0.5
    jaw: float = 0.5
    turn: float = 0.0
    light: int = -1
    hair: str = "long"
    hair_colour: str = "brown"
    shade: float = 0.5
    wavy: bool = False
    bangs: bool = False
    receding: bool = False
    sideburns: bool = False
    parting: float = 8.0
    hat: str = ""
    eye_size: float = 0.5
    narrow_eyes: bool = False
    gaze: float = 0.0
    iris: float = 0.3
    arched_eyebrows: bool = False
    bushy_eyebrows: bool = False
    bags_under_eyes: bool = False
    glasses: str = ""
    metal: float = 0.2
    big_nose: bool = False
    smiling: bool = False
    mouth_open: bool = False
    big_lips: bool = False
    lipstick: bool = False
    heavy_makeup: bool = False
    lip: float = 0.3
    rosy_cheeks: bool = False
    beard: str = "none"
    mustache: bool = False
    earrings: bool = False
    necklace: bool = False
    necktie: bool = False
    cloth: float = 0.4
    collar: float = 0.2
    backdrop: float = 0.3
    shift: tuple[float, float] = (0.0, 0.0)
    tilt: float = 0.0
    scale: float = 1.0


def attributes(face: Portrait) -> dict[str, bool]:
    """What the portrait shows, by CelebA's names; a name that is not here is never drawn."""
    haired = face.hair != "bald"
    hidden = face.hair == "buzz" or (face.hat != "" and face.hair in (*CROPPED, "pixie"))
    textured = haired and not hidden  # whether one sees if the hair is straight
    return {
        "5_o_Clock_Shadow": face.beard == "stubble",
        "Arched_Eyebrows": face.arched_eyebrows,
        "Bags_Under_Eyes": face.bags_under_eyes,
        "Bald": not haired,
        "Bangs": face.bangs,
        "Big_Lips": face.big_lips,
        "Big_Nose": face.big_nose,
        "Black_Hair": haired and face.hair_colour == "black",
        "Blond_Hair": haired and face.hair_colour == "blond",
        "Brown_Hair": haired and face.hair_colour == "brown",
        "Bushy_Eyebrows": face.bushy_eyebrows,
        "Eyeglasses": face.glasses != "",
        "Goatee": face.beard == "goatee",
        "Gray_Hair": haired and face.hair_colour == "gray",
        "Heavy_Makeup": face.heavy_makeup,
        "Male": face.male,
        "Mouth_Slightly_Open": face.mouth_open,
        "Mustache": face.mustache,
        "Narrow_Eyes": face.narrow_eyes,
        "No_Beard": face.beard == "none",
        "Pale_Skin": face.pale,
        "Receding_Hairline": face.receding,
        "Rosy_Cheeks": face.rosy_cheeks,
        "Sideburns": face.sideburns,
        "Smiling": face.smiling,
        "Straight_Hair": textured and not face.wavy,
        "Wavy_Hair": textured and face.wavy,
        "Wearing_Earrings": face.earrings,
        "Wearing_Hat": face.hat != "",
        "Wearing_Lipstick": face.lipstick,
        "Wearing_Necklace": face.necklace,
        "Wearing_Necktie": face.necktie,
        "Young": face.young,
    }


def sample_parameters(rng: np.random.Generator) -> Portrait:
    """Draw a plausible person: beards on men, bangs under no hat, gray hair mostly on the old, and so on."""

    def chance(probability: float) -> bool:
        return bool(rng.random() < probability)

    def among(choices: Sequence[Choice], weights: Sequence[float]) -> Choice:
        return choices[int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights), side="right"))]

    male, young = chance(0.45), chance(0.72)
    pale = chance(0.1)
    complexion = rng.random() ** 1.2
    light_skinned = pale or complexion < 0.5

    hat = among(("", *HATS), (0.86, 0.05, 0.05, 0.04))
    if male:
        bald_share = 0 if hat else 0.09 if young else 0.22
        hair = among(("bald", *CROPPED, "bob", "bun"), (bald_share, 0.14, 0.32, 0.2, 0.17, 0.06, 0.03))
    else:
        hair = among((*FLOWING, "buzz"), (0.2, 0.37, 0.1, 0.12, 0.11, 0.12, 0.01))
    if hat and hair in ("quiff", "bun"):
        hair = "short" if male else "long"
    if young:
        weights = (0.3, 0.33, 0.25, 0.01, 0.11) if light_skinned else (0.72, 0.25, 0.02, 0.01, 0.0)
    else:
        weights = (0.12, 0.2, 0.12, 0.5, 0.06) if light_skinned else (0.38, 0.12, 0.02, 0.48, 0.0)
    hair_colour = among(HAIR_COLOURS, weights)
    wavy = hair in ("curls", "cloud") or (hair not in ("bald", "buzz", "bun") and chance(0.4))
    bangs = not hat and hair in ("short", "bob", "long", "ponytail", "pixie", "bun") and chance(0.3)
    receding = male and not hat and not bangs and hair in ("buzz", "short", "quiff") and chance(0.1 if young else 0.45)

    beard = among(("none", "stubble", "goatee", "full"), (0.5, 0.16, 0.12, 0.22)) if male else "none"
    mustache = male and chance({"none": 0.1, "stubble": 0.05, "goatee": 0.6, "full": 0.85}[beard])
    necktie = male and chance(0.2)
    smiling = chance(0.5)
    heavy_makeup = not male and chance(0.3 if young else 0.2)
    return Portrait(
        male=male,
        young=young,
        pale=pale,
        complexion=complexion,
        face=float(np.clip(rng.normal(0.56 if male else 0.42, 0.22), 0, 1)),
        jaw=float(np.clip(rng.normal(0.75 if male else 0.25, 0.15), 0, 1)),
        turn=float(np.clip(rng.normal(0, 1.6), -4, 4)),
        light=1 if chance(0.5) else -1,
        hair=hair,
        hair_colour=hair_colour,
        shade=rng.random(),
        wavy=wavy,
        bangs=bangs,
        receding=receding,
        sideburns=male and hair not in ("bald", "bob") and (beard == "full" or chance(0.2)),
        parting=float(rng.choice((-1, 1)) * rng.uniform(0, 18)),
        hat=hat,
        eye_size=float(np.clip(rng.normal(0.4 if male else 0.65, 0.2), 0, 1)),
        narrow_eyes=chance(0.1),
        gaze=float(np.clip(rng.normal(0, 0.8), -2, 2)),
        iris=rng.random() * (1.0 if pale or complexion < 0.3 else 0.43),  # dark skin, brown eyes
        arched_eyebrows=chance(0.1 if male else 0.4),
        bushy_eyebrows=chance(0.3 if male else 0.07),
        bags_under_eyes=chance(0.1 if young else 0.6),
        glasses=among(("", *FRAMES), (0.8, 0.09, 0.08, 0.0 if male else 0.04)),
        metal=rng.random(),
        big_nose=chance(0.3 if male else 0.12),
        smiling=smiling,
        mouth_open=chance(0.65 if smiling else 0.25),
        big_lips=chance(0.15 if male else 0.35),
        lipstick=heavy_makeup or (not male and chance(0.35)),
        heavy_makeup=heavy_makeup,
        lip=rng.random(),
        rosy_cheeks=chance(0.06 if male else 0.25),
        beard=beard,
        mustache=mustache,
        earrings=chance(0.05 if male else 0.4),
        necklace=not necktie and chance(0.03 if male else 0.25),
        necktie=necktie,
        cloth=rng.random(),
        collar=rng.random(),
        backdrop=rng.random(),
        shift=(float(np.clip(rng.normal(0, 0.6), -1.5, 1.5)), float(np.clip(rng.normal(0, 0.6), -1.5, 1.5))),
        tilt=float(np.clip(rng.normal(0, 1.6), -4, 4)),
        scale=float(np.clip(rng.normal(1, 0.015), 0.96, 1.04)),
    )
