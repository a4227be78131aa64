"""One image's bytes become one face: decode, crop the centre, resize."""

import io
import warnings

import numpy as np
import simplejpeg
from PIL import Image, ImageOps, UnidentifiedImageError

from vaematrix.data.containers import BadImage
from vaematrix.data.html import looks_like_html

FILTERS: dict[str, Image.Resampling] = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}
"""Pillow's antialiased filters, by the name they have in the configuration."""

# 64 million pixels are 200 MB as RGB; what claims to be larger is refused before it is decoded.
MAX_PIXELS = 1 << 26


def decode_face(
    data: bytes, crop: int, size: int, filter: str = "bilinear", image_size: tuple[int, int] | None = None
) -> np.ndarray:
    """Decode a JPEG or PNG, cut `crop` x `crop` pixels out of the centre and resize them.

    Grayscale, CMYK, palette, 16-bit and transparent images (on white) become 8-bit RGB, and an EXIF orientation is
    obeyed. The crop is rounded as torchvision's `CenterCrop` does, and only then resized, since a filter given a box
    of the whole image would reach beyond the crop.

    Args:
        data: the file's bytes.
        crop: side of the square that is kept, in pixels of the image.
        size: side of the result.
        filter: a name in FILTERS.
        image_size: the (width, height) that the image must have; None accepts any that hold the crop.

    Returns:
        uint8 [size, size, 3], RGB.

    Raises:
        BadImage: not a whole JPEG or PNG, or of the wrong size.
    """
    return centre(decode(data, image_size), crop, size, filter)


def centre(image: np.ndarray, crop: int, size: int, filter: str = "bilinear") -> np.ndarray:
    """Cut the square out of the centre of uint8 [height, width, 3] and resize it; see :func:`decode_face`."""
    height, width = image.shape[:2]
    if min(height, width) < crop:
        raise BadImage(f"it has {width}x{height} pixels, fewer than the crop of {crop}x{crop}")
    top, left = round((height - crop) / 2), round((width - crop) / 2)
    face = image[top : top + crop, left : left + crop]
    return np.asarray(Image.fromarray(face).resize((size, size), FILTERS[filter]))


def decode(data: bytes, image_size: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a whole image, uint8 RGB [height, width, 3]; see :func:`decode_face`."""
    if data[:2] == b"\xff\xd8" and b"Exif\0\0" not in data:
        try:
            height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
            _check_size(width, height, image_size)
            if colours in ("YCbCr", "RGB"):
                return simplejpeg.decode_jpeg(data, strict=True)  # three times as fast as Pillow, the same pixels
        except ValueError as error:
            raise BadImage(f"it is not a whole JPEG ({error})") from None
    try:
        return _decode_with_pillow(data, image_size)
    except BadImage:
        raise
    except Image.DecompressionBombError:
        raise BadImage("its header claims more pixels than any photograph has: a decompression bomb") from None
    except UnidentifiedImageError:  # whose own words hold a memory address, other in every rebuild
        raise BadImage(f"it is {_looks_like(data)}") from None
    except Exception as error:  # Pillow's plug-ins raise nearly anything on damaged data
        raise BadImage(f"it is {_looks_like(data)} ({error})") from None


def _looks_like(data: bytes) -> str:
    return "an HTML page, not an image" if looks_like_html(data) else "not a whole JPEG or PNG"


def _decode_with_pillow(data: bytes, image_size: tuple[int, int] | None) -> np.ndarray:
    # Two formats only: the less of Pillow's parsers unknown data reach, the better.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # _check_size decides, and says more
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    with image:
        # By the header, before anything is decoded; the EXIF orientation may be known only afterwards.
        _check_size(*image.size, image_size, either_way=True)
        upright = ImageOps.exif_transpose(image)
        _check_size(*upright.size, image_size)
        return np.asarray(_to_rgb(upright))


def _check_size(width: int, height: int, image_size: tuple[int, int] | None, either_way: bool = False) -> None:
    if image_size:
        allowed = {(image_size[0], image_size[1])} | ({(image_size[1], image_size[0])} if either_way else set())
        if (width, height) not in allowed:
            raise BadImage(f"it has {width}x{height} pixels instead of {image_size[0]}x{image_size[1]} (image_size)")
    if width * height > MAX_PIXELS:
        raise BadImage(f"it claims {width}x{height} pixels, more than the {MAX_PIXELS:,} allowed")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16-bit gray, which Pillow's own conversion would clip at 255
        gray = (np.asarray(image).astype(np.int64) + 128) // 257
        return Image.fromarray(gray.astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB")
