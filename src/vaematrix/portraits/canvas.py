"""A small antialiased canvas for the drawn faces: fills, strokes and soft glows on Agg, the renderer inside matplotlib.

Coordinates are pixels of CelebA's aligned pictures (178 wide, 218 high, y downwards). A shape is an array of points
[n, 2]; filled, it closes itself. Colours are RGB in [0, 1].
"""

import contextlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, TransformedPath

WIDTH, HEIGHT = 178, 218
SAMPLES = 8  # points drawn between two control points of a curve

Choice = TypeVar("Choice")
Colour = tuple[float, float, float]
Points = Sequence[tuple[float, float]] | np.ndarray
Coordinates = Sequence[float] | np.ndarray

WHITE: Colour = (1.0, 1.0, 1.0)
INK: Colour = (0.165, 0.106, 0.110)


class Canvas:
    """Paint in painter's order; every method takes its shape in picture coordinates.

    Args:
        shift: x and y in pixels by which everything is moved.
        tilt: degrees by which everything is turned about the point between the eyes.
        scale: enlargement about the same point.
    """

    def __init__(self, shift: tuple[float, float] = (0.0, 0.0), tilt: float = 0.0, scale: float = 1.0) -> None:
        self._renderer = RendererAgg(WIDTH, HEIGHT, 72)  # at 72 dpi a point is a pixel
        self._scale = scale
        self._place = Affine2D().translate(-89, -111).rotate_deg(tilt).scale(scale).translate(89, 111).translate(*shift)
        # Agg counts y upwards.
        self._to_agg = Affine2D((self._place + Affine2D().scale(1, -1).translate(0, HEIGHT)).get_matrix())
        self._clips: dict[int, tuple[np.ndarray, TransformedPath]] = {}
        self._window: Bbox | None = None

    def gradient(self, start: Colour, end: Colour, direction: tuple[float, float]) -> None:
        """Cover the whole canvas, from `start` to `end` along `direction` (x, y)."""
        x, y = direction
        ramp = np.linspace(-x, x, WIDTH, dtype=np.float32) + np.linspace(-y, y, HEIGHT, dtype=np.float32)[:, None]
        ramp = (ramp / (abs(x) + abs(y)) + 1) / 2
        pixels = np.asarray(self._renderer.buffer_rgba())
        for channel in range(3):
            pixels[..., channel] = 255 * (start[channel] + ramp * (end[channel] - start[channel])) + 0.5
        pixels[..., 3] = 255

    def fill(self, shape: np.ndarray, colour: Colour, alpha: float = 1.0, inside: np.ndarray | None = None) -> None:
        """Fill a shape, cut off at the outline of `inside`."""
        self._renderer.draw_path(self._context(inside), Path(shape), self._to_agg, (*colour, alpha))

    def stroke(
        self,
        points: np.ndarray,
        colour: Colour,
        width: float = 1.0,
        alpha: float = 1.0,
        inside: np.ndarray | None = None,
    ) -> None:
        """Draw a line with round ends, `width` pixels wide."""
        context = self._context(inside)
        context.set_linewidth(width * self._scale)
        context.set_foreground((*colour, alpha), isRGBA=True)
        context.set_capstyle("round")
        context.set_joinstyle("round")
        self._renderer.draw_path(context, Path(points), self._to_agg, None)

    def glow(
        self,
        centre: tuple[float, float],
        radii: tuple[float, float],
        colour: Colour,
        alpha: float,
        inside: np.ndarray | None = None,
    ) -> None:
        """Lay a soft spot over the picture: alpha (1 - r²)², which fades out smoothly at the given radii (r = 1)."""
        x, y = self._place.transform_point(centre)
        left, right = max(0, int(x - radii[0])), min(WIDTH, int(x + radii[0]) + 1)
        top, bottom = max(0, int(y - radii[1])), min(HEIGHT, int(y + radii[1]) + 1)
        if left >= right or top >= bottom:
            return
        across = ((np.arange(left, right, dtype=np.float32) + (0.5 - x)) / radii[0]) ** 2
        # Agg takes images bottom row first, placed by their lower left corner.
        down = ((np.arange(bottom - 1, top - 1, -1, dtype=np.float32) + (0.5 - y)) / radii[1]) ** 2
        height = np.maximum(1 - across - down[:, None], 0)
        spot = np.empty((bottom - top, right - left, 4), np.uint8)
        spot[:] = [int(255 * part + 0.5) for part in (*colour, 0)]
        spot[..., 3] = 255 * alpha * height * height + 0.5
        self._renderer.draw_image(self._context(inside), left, HEIGHT - bottom, spot)

    @contextlib.contextmanager
    def only_below(self, y: float | None) -> Iterator[None]:
        """Within the block nothing is painted above `y` (None: no limit)."""
        before = self._window
        self._window = None if y is None else Bbox([(0, 0), (WIDTH, HEIGHT - self._place.transform_point((89, y))[1])])
        try:
            yield
        finally:
            self._window = before

    def pixels(self) -> np.ndarray:
        """The picture so far, uint8 [218, 178, 3]."""
        return np.asarray(self._renderer.buffer_rgba())[..., :3].copy()

    def _context(self, inside: np.ndarray | None) -> GraphicsContextBase:
        context = GraphicsContextBase()
        context.set_linewidth(0)
        context.set_snap(False)
        context.set_clip_rectangle(self._window)
        if inside is not None:
            # Agg keeps its last clip mask as long as it is handed the same object. (The array is kept, too, so that
            # no later one gets its id.)
            if id(inside) not in self._clips:
                self._clips[id(inside)] = inside, TransformedPath(Path(inside), self._to_agg)
            context.set_clip_path(self._clips[id(inside)][1])
        return context


def at(x: float, side: int, across: Coordinates, down: Coordinates) -> np.ndarray:
    """Points `across` pixels from `x` towards `side` (-1 left, 1 right), at the heights `down`: [n, 2]."""
    return np.stack([x + side * np.asarray(across, dtype=float), np.asarray(down, dtype=float)], axis=1)


def curve(points: Points, closed: bool = False) -> np.ndarray:
    """Points along the Catmull-Rom spline through `points`."""
    return _spline(len(points), closed) @ np.asarray(points, dtype=float)


def line(points: Points) -> np.ndarray:
    """The open smooth line through `points`."""
    return curve(points)


def blob(points: Points) -> np.ndarray:
    """The closed smooth shape through `points`."""
    return curve(points, closed=True)


def mirrored(points: Points, x: float) -> np.ndarray:
    """The closed smooth shape symmetric about `x` whose right half runs through `points`, (offset from x, y)."""
    right = np.asarray(points, dtype=float)
    left = right[::-1] * (-1, 1)
    return moved(blob(np.concatenate([right, left[left[:, 0] < 0]])), x, 0)


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> np.ndarray:
    """An ellipse, or a circle of radius `rx`: 41 points from the right, clockwise, the last equal to the first."""
    return moved(_CIRCLE * (rx, rx if ry is None else ry), x, y)


def moved(points: np.ndarray, dx: float, dy: float | np.ndarray) -> np.ndarray:
    """The points, each moved by dx and dy."""
    result = points.copy()
    result[:, 0] += dx
    result[:, 1] += dy
    return result


def shape_of(*lines: np.ndarray) -> np.ndarray:
    """The shape whose outline runs along all these lines, one after the other."""
    return np.concatenate(lines)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour `share` of the way from the first to the second."""
    a, b, c = first
    d, e, f = second
    return a + share * (d - a), b + share * (e - b), c + share * (f - c)


def times(colour: Colour, factors: Colour) -> Colour:
    """The colour seen under a tinted light."""
    return colour[0] * factors[0], colour[1] * factors[1], colour[2] * factors[2]


@lru_cache
def rgb(code: str) -> Colour:
    """The colour of a code such as "F6D0B5"."""
    return int(code[0:2], 16) / 255, int(code[2:4], 16) / 255, int(code[4:6], 16) / 255


def pick(choices: Sequence[Choice], place: float) -> Choice:
    """The entry at `place` in [0, 1]."""
    return choices[min(int(place * len(choices)), len(choices) - 1)]


def blend(colours: Sequence[Colour], place: float) -> Colour:
    """The colour at `place` in [0, 1] on the way through all of them."""
    position = place * (len(colours) - 1)
    index = min(int(position), len(colours) - 2)
    return mix(colours[index], colours[index + 1], position - index)


@lru_cache
def _spline(count: int, closed: bool) -> np.ndarray:
    """The matrix that takes control points to points on their spline (uniform Catmull-Rom)."""
    segments = count if closed else count - 1
    matrix = np.zeros((segments * SAMPLES + 1, count))
    for row in range(len(matrix)):
        segment = min(row // SAMPLES, segments - 1)
        t = row / SAMPLES - segment
        weights = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
        for offset, weight in zip((-1, 0, 1, 2), weights, strict=True):
            index = (segment + offset) % count if closed else min(max(segment + offset, 0), count - 1)
            matrix[row, index] += weight / 2
    return matrix


_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 41)), np.sin(np.linspace(0, 2 * np.pi, 41))], axis=1)
