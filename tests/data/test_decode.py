"""One image's bytes become one face, held against Pillow and torchvision."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile

from layouts import picture
from vaematrix.data import decode
from vaematrix.data.containers import BadImage
from vaematrix.data.decode import FILTERS, decode_face


def whole(data: bytes, side: int = 64, **options) -> np.ndarray:
    """The decoded pixels themselves: crop and size are the image's side."""
    return decode_face(data, side, side, **options)


def saved(image: Image.Image, format: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def random_image(mode: str, bands: int, side: int = 64) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, bands), dtype=np.uint8)
    return (
        Image.fromarray(pixels.squeeze(), mode=mode)
        if mode not in ("LA", "CMYK")
        else Image.frombytes(mode, (side, side), pixels.tobytes())
    )


@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"subsampling": 1}, {"progressive": True}, {"quality": 30}]
)
def test_jpeg_has_the_pixels_that_pillow_decodes(options):
    data = picture(1, 64, 64, **options)
    np.testing.assert_array_equal(whole(data), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize(("crop", "size"), [(140, 64), (148, 64), (141, 32), (178, 64), (64, 64), (108, 128)])
def test_crop_and_resize_are_torchvisions(filter, crop, size):
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import center_crop, resize

    data = picture(2)
    image = center_crop(Image.open(io.BytesIO(data)).convert("RGB"), [crop, crop])
    expected = np.asarray(resize(image, [size, size], InterpolationMode[filter.upper()]))
    np.testing.assert_array_equal(decode_face(data, crop, size, filter), expected)


@pytest.mark.parametrize(("width", "height"), [(178, 218), (177, 218), (178, 217), (175, 215), (179, 221)])
@pytest.mark.parametrize("crop", [140, 141, 143])
def test_the_crop_is_rounded_as_torchvision_does(width, height, crop):
    from torchvision.transforms import CenterCrop

    data = picture(3, width, height, format="PNG")
    expected = np.asarray(CenterCrop(crop)(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(decode_face(data, crop, crop), expected)


def test_nothing_outside_the_crop_is_seen():
    """A resize of the whole image through a box would let the filter reach over the edge of the crop."""
    pixels = np.zeros((218, 178, 3), np.uint8)
    pixels[39:179, 19:159] = 100
    image = Image.fromarray(pixels)
    assert (decode_face(saved(image), 140, 64) == 100).all()
    assert (np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR, box=(19, 39, 159, 179))) != 100).any()


def test_the_resize_is_antialiased():
    stripes = np.zeros((128, 128, 3), np.uint8)
    stripes[:, ::2] = 255
    face = decode_face(saved(Image.fromarray(stripes)), 128, 32)
    assert np.abs(face[:, 1:-1].astype(int) - 128).max() < 16


def test_gray_jpeg_and_png():
    image = random_image("L", 1)
    gray = np.asarray(image)
    np.testing.assert_array_equal(whole(saved(image)), np.stack([gray] * 3, axis=-1))
    jpeg = saved(image, "JPEG", quality=95)
    np.testing.assert_array_equal(whole(jpeg), np.stack([np.asarray(Image.open(io.BytesIO(jpeg)))] * 3, axis=-1))


def test_cmyk_jpeg():
    """Flat inks: R = 255 (1 - C)(1 - K), and so on, within what JPEG loses."""
    inks = np.empty((64, 64, 4), np.uint8)
    inks[:] = (51, 102, 0, 51)
    data = saved(Image.frombytes("CMYK", (64, 64), inks.tobytes()), "JPEG", quality=100)
    assert b"Adobe" in data  # Pillow writes Adobe's form, in which the inks are inverted
    expected = [255 * (1 - ink / 255) * (1 - 51 / 255) for ink in (51, 102, 0)]
    np.testing.assert_allclose(whole(data).reshape(-1, 3), np.tile(expected, (64 * 64, 1)), atol=3)


def test_rgb_jpeg_without_a_colour_transform():
    image = Image.open(io.BytesIO(picture(4, 64, 64, format="PNG")))
    data = saved(image, "JPEG", quality=100, keep_rgb=True)
    np.testing.assert_array_equal(whole(data), np.asarray(Image.open(io.BytesIO(data))))
    np.testing.assert_allclose(whole(data).astype(int), np.asarray(image).astype(int), atol=3)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_lies_on_white(mode):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, len(mode)), dtype=np.uint8)
    data = saved(Image.frombytes(mode, (64, 64), pixels.tobytes()))
    alpha = pixels[..., -1:] / 255
    expected = pixels[..., :-1] * alpha + 255 * (1 - alpha)
    np.testing.assert_allclose(whole(data), np.broadcast_to(expected, (64, 64, 3)), atol=1)


def test_transparent_colour_of_a_palette_and_of_rgb():
    palette = Image.new("P", (64, 64), 0)
    palette.putpalette([10, 20, 30, 200, 100, 50])
    palette.paste(1, (0, 0, 32, 64))
    face = whole(saved(palette, transparency=0))
    assert (face[:, 32:] == 255).all()
    assert (face[:, :32] == (200, 100, 50)).all()
    assert (whole(saved(palette))[:, 32:] == (10, 20, 30)).all()
    rgb = Image.new("RGB", (64, 64), (1, 2, 3))
    assert (whole(saved(rgb, transparency=(1, 2, 3))) == 255).all()


def test_sixteen_bits_are_scaled_and_not_clipped():
    values = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64) * 16
    face = whole(saved(Image.fromarray(values)))
    expected = np.round(values / 257)
    np.testing.assert_array_equal(face, np.stack([expected] * 3, axis=-1))


def test_sixteen_bit_rgb():
    values = np.random.default_rng(0).integers(0, 65536, (64, 64, 3), dtype=np.uint16)
    np.testing.assert_allclose(whole(sixteen_bit_rgb_png(values)).astype(float), values / 257, atol=1)


def sixteen_bit_rgb_png(values: np.ndarray) -> bytes:
    """A PNG written by hand, since Pillow writes none of 3 x 16 bits (PNG specification, sections 5 and 9)."""
    height, width, _ = values.shape

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_one_bit():
    image = random_image("L", 1).point(lambda value: 255 * (value > 127)).convert("1")
    np.testing.assert_array_equal(whole(saved(image)), np.stack([np.asarray(image) * np.uint8(255)] * 3, axis=-1))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_obeyed(orientation):
    """Of the sensor's corners red, green, blue, white, the top left one after the turn is this (EXIF 2.3, 4.6.4 A)."""
    image = Image.new("RGB", (96, 64), "white")
    image.paste("red", (0, 0, 48, 32))
    image.paste("lime", (48, 0, 96, 32))
    image.paste("blue", (0, 32, 48, 64))
    exif = Image.Exif()
    exif[0x0112] = orientation
    size = (96, 64) if orientation < 5 else (64, 96)
    face = decode_face(saved(image, "JPEG", quality=95, exif=exif), 64, 64, image_size=size)
    red, green, blue, white = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
    corner = [red, green, white, blue, red, blue, white, green][orientation - 1]
    np.testing.assert_allclose(face[2, 2], corner, atol=12)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
@pytest.mark.parametrize("options", [{}, {"mode": "L"}, {"mode": "CMYK"}, {"format": "PNG"}], ids=str)
def test_truncated_image(share, options):
    data = picture(5, **options)
    with pytest.raises(BadImage, match="not a whole"):
        decode_face(data[: int(len(data) * share)], 140, 64)


def test_every_cut_of_a_jpeg_is_noticed():
    data = picture(5, 64, 64)
    for end in range(len(data)):
        with pytest.raises(BadImage):
            whole(data[:end])


def test_jpeg_with_its_middle_missing():
    data = picture(5)
    with pytest.raises(BadImage, match="not a whole JPEG"):
        decode_face(data[: len(data) // 2] + data[-2:], 140, 64)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"GIF89a" + bytes(100), bytes(1000)])
def test_what_is_no_image(data):
    with pytest.raises(BadImage, match="not a whole"):
        decode_face(data, 140, 64)


def test_formats_other_than_jpeg_and_png_are_refused():
    with pytest.raises(BadImage, match="not a whole JPEG or PNG"):
        whole(saved(random_image("RGB", 3), "BMP"))


def test_html_page_as_image():
    with pytest.raises(BadImage, match="HTML page"):
        decode_face(b"<!doctype html><title>Quota</title>", 140, 64)


@pytest.mark.parametrize("options", [{}, {"mode": "L"}, {"format": "PNG"}], ids=str)
def test_wrong_size(options):
    with pytest.raises(BadImage, match="170x218 pixels instead of 178x218"):
        decode_face(picture(6, 170, 218, **options), 140, 64, image_size=(178, 218))
    with pytest.raises(BadImage, match="139x218 pixels, fewer than the crop of 140x140"):
        decode_face(picture(6, 139, 218, **options), 140, 64)
    assert decode_face(picture(6, 178, 218, **options), 140, 64, image_size=(178, 218)).shape == (64, 64, 3)


def bombs() -> dict[str, bytes]:
    """Small files whose headers claim 60,000 x 60,000 pixels."""
    jpeg = bytearray(picture(7))
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    png = bytearray(picture(7, format="PNG"))
    png[16:24] = struct.pack(">II", 60_000, 60_000)
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    gray = bytearray(picture(7, mode="L"))
    at = gray.index(b"\xff\xc0") + 5
    gray[at : at + 4] = struct.pack(">HH", 60_000, 60_000)
    return {"jpeg": bytes(jpeg), "png": bytes(png), "gray": bytes(gray)}


@pytest.mark.parametrize("kind", ["jpeg", "png", "gray"])
@pytest.mark.parametrize("image_size", [(178, 218), None])
def test_decompression_bomb_is_refused_by_its_header(kind, image_size, monkeypatch):
    data = bombs()[kind]

    def explode(*_, **__):
        raise AssertionError("decoded")

    monkeypatch.setattr(decode.simplejpeg, "decode_jpeg", explode)
    monkeypatch.setattr(Image.Image, "load", explode)
    monkeypatch.setattr(ImageFile.ImageFile, "load", explode)
    with pytest.raises(BadImage, match=r"60000x60000 pixels|decompression bomb"):
        decode_face(data, 140, 64, image_size=image_size)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bomb_between_pillows_limit_and_ours():
    """Pillow only warns of up to 179 million pixels; here 100 million are refused."""
    data = bytearray(picture(7, format="PNG"))
    data[16:24] = struct.pack(">II", 10_000, 10_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    with pytest.raises(BadImage, match=r"claims 10000x10000 pixels, more than the 67,108,864"):
        decode_face(bytes(data), 140, 64)


def test_the_face_belongs_to_the_caller():
    first, second = decode_face(picture(8), 140, 64), decode_face(picture(9), 140, 64)
    assert first.dtype == np.uint8
    assert first.flags.c_contiguous
    assert not np.shares_memory(first, second)


def test_real_faces_have_the_pixels_that_pillow_makes(real_faces):
    with zipfile.ZipFile(real_faces / "img_align_celeba.zip") as archive:
        for number in range(1, 8000, 400):
            data = archive.read(f"img_align_celeba/{number:06d}.jpg")
            image = Image.open(io.BytesIO(data)).crop((19, 39, 159, 179))
            expected = np.asarray(image.resize((64, 64), Image.Resampling.BILINEAR))
            np.testing.assert_array_equal(decode_face(data, 140, 64, image_size=(178, 218)), expected)
