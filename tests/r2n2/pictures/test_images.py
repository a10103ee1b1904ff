"""Pictures as users have them: sizes, modes, orientation, and files that cannot be used."""

import os
import sys
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from r2n2.errors import UserError
from r2n2.pictures.images import check_preprocessing, find_images, read_image, to_view

GRADIENT = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F", "I;16", "PA"])
def test_any_mode_becomes_a_view(mode: str) -> None:
    gray = Image.fromarray(GRADIENT).convert("L")
    image = Image.fromarray(np.asarray(gray, np.uint16) * 257) if mode == "I;16" else gray.convert(mode)
    assert image.mode == mode
    from r2n2.pictures.images import _rgba

    view = to_view(_rgba(image, "a picture"))
    assert view.shape == (3, 127, 127)
    assert view.dtype == np.float32
    assert 0 <= view.min() < 0.2 < 0.8 < view.max() <= 1


def test_sixteen_bit_greys_keep_their_range(tmp_path: Path) -> None:
    values = np.linspace(0, 65535, 32 * 32).reshape(32, 32).astype(np.uint16)
    image = read_image(save(tmp_path / "deep.png", Image.fromarray(values)))
    np.testing.assert_allclose(np.asarray(image)[..., 0], values / 257, atol=1)


@pytest.mark.parametrize("size", [(127, 127), (137, 137), (16, 16), (40, 400), (3000, 2000)])
def test_any_size_becomes_a_view(size: tuple[int, int]) -> None:
    assert to_view(Image.new("RGBA", size, (255, 0, 0, 255))).shape == (3, 127, 127)


def test_a_picture_of_the_networks_size_is_used_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (127, 127, 3), np.uint8)
    view = to_view(Image.fromarray(pixels).convert("RGBA"))
    np.testing.assert_allclose(view.transpose(1, 2, 0) * 255, pixels, atol=1e-4)


def test_a_render_loses_its_border() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (137, 137, 3), np.uint8)
    view = to_view(Image.fromarray(pixels).convert("RGBA"))
    np.testing.assert_allclose(view.transpose(1, 2, 0) * 255, pixels[5:132, 5:132], atol=1e-4)


def test_a_wide_picture_is_not_cropped() -> None:
    pixels = np.full((100, 400, 4), 255, np.uint8)
    pixels[40:60, :12] = pixels[40:60, -12:] = (255, 0, 0, 255)
    view = to_view(Image.fromarray(pixels))
    red = view[0] - view[1] > 0.5
    assert red[:, :3].any()
    assert red[:, -3:].any()
    assert view[:, 0, 0].min() > 0.98  # padded with the picture's own white


def test_transparency_shows_the_background() -> None:
    view = to_view(Image.new("RGBA", (127, 127), (0, 0, 0, 0)))
    np.testing.assert_allclose(view, 240 / 255)
    half = to_view(Image.new("RGBA", (127, 127), (0, 0, 0, 128)))
    np.testing.assert_allclose(half, 240 / 255 * (1 - 128 / 255), atol=0.003)


def test_preprocessing_of_2016_fills_only_fully_transparent_pixels() -> None:
    pixels = np.zeros((127, 127, 4), np.uint8)
    pixels[:, :40, 3], pixels[:, 40:80, 3] = 255, 128
    view = to_view(Image.fromarray(pixels), "2016")
    np.testing.assert_allclose(view[:, 0, [0, 60, 100]], np.tile([0, 0, 240 / 255], (3, 1)))
    with pytest.raises(UserError, match="no preprocessing"):
        check_preprocessing("1999")


def test_extreme_aspect_ratios_become_a_view() -> None:
    assert to_view(Image.new("RGBA", (16, 200_000), (255, 0, 0, 255))).shape == (3, 127, 127)


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:, :15] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by a quarter turn clockwise
    image = read_image(save(tmp_path / "turned.jpg", Image.fromarray(pixels), exif=exif, quality=95))
    assert image.size == (20, 30)
    assert np.asarray(image)[0, 0, 0] > 200  # the left side is on top now
    assert np.asarray(image)[-1, 0, 0] < 50


def test_files_folders_and_patterns_are_found_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "notes.txt"):
        save(tmp_path / name, Image.new("RGB", (20, 20)), format="PNG")
    names = [path.name for path in find_images([tmp_path])]
    assert names == ["a.jpg", "b.png"]
    assert [path.name for path in find_images([str(tmp_path / "*.png"), tmp_path / "a.jpg"])] == ["b.png", "a.jpg"]
    (tmp_path / ".a.png").write_bytes(b"what other systems leave beside pictures")
    (tmp_path / "folder.png").mkdir()
    save(tmp_path / "object-views.png", Image.new("RGB", (20, 20)), format="PNG")  # what an earlier call wrote
    assert [path.name for path in find_images([tmp_path])] == names
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures"):
        find_images([tmp_path / "empty"])
    with pytest.raises(UserError, match="No file matches"):
        find_images([str(tmp_path / "*.gif")])
    with pytest.raises(UserError, match="is empty"):
        find_images([""])


def test_a_cameras_jpeg_with_two_pictures_gives_the_first(tmp_path: Path) -> None:
    first, second = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (20, 20), "blue")
    path = save(tmp_path / "phone.jpg", first, format="MPO", save_all=True, append_images=[second])
    image = read_image(path)
    assert image.size == (40, 30)
    assert np.asarray(image)[0, 0, 0] > 200


def test_a_file_name_with_brackets_is_not_taken_as_a_pattern(tmp_path: Path) -> None:
    path = save(tmp_path / "chair [1].png", Image.new("RGB", (20, 20)))
    assert find_images([str(path)]) == [path]


def huge_png(path: Path, side: int) -> Path:
    """Write a PNG of a few bytes whose header claims side x side pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = side.to_bytes(4) + side.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


def test_unusable_pictures_are_refused_by_name(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", Image.fromarray(GRADIENT).resize((200, 200)))
    jpeg = save(tmp_path / "good.jpg", Image.fromarray(GRADIENT).resize((200, 200)))
    frames = [Image.new("RGB", (20, 20), color) for color in ("red", "blue")]
    cases = {
        tmp_path / "missing.png": "no picture",
        tmp_path: "folder",
        save(tmp_path / "pixel.png", Image.new("RGB", (1, 1))): "only 1x1",
        save(tmp_path / "moving.gif", frames[0], save_all=True, append_images=frames[1:]): "animated",
        save(tmp_path / "pages.tiff", frames[0], save_all=True, append_images=frames[1:]): "several pages",
        huge_png(tmp_path / "large.png", 10_100): "10100x10100 pixels",
        huge_png(tmp_path / "huge.png", 14_200): "megapixels",
        huge_png(tmp_path / "bomb.png", 60_000): "megapixels",
    }
    for name, content, says in (
        ("zero.png", b"", "empty"),
        ("text.png", b"hello there", "not a picture"),
        ("cut.png", good.read_bytes()[:300], "cannot be read"),
        ("cut.jpg", jpeg.read_bytes()[: jpeg.stat().st_size // 2], "cannot be read"),
    ):
        (tmp_path / name).write_bytes(content)
        cases[tmp_path / name] = says
    for path, says in cases.items():
        with pytest.raises(UserError, match=says) as caught:
            read_image(path)
        assert str(path) in str(caught.value)


def through_a_pipe(path: Path, content: bytes) -> Path:
    """Make a pipe, like the shell's <(...), that gives `content` once."""
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()
    return path


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_a_picture_can_be_read_from_a_pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = save(tmp_path / "file.png", Image.fromarray(GRADIENT).resize((200, 200)))
    pipe = through_a_pipe(tmp_path / "pipe", file.read_bytes())
    assert find_images([pipe]) == [pipe]
    np.testing.assert_array_equal(np.asarray(read_image(pipe)), np.asarray(read_image(file)))
    for number, content in enumerate((b"", b"hello there", b"hello there" * 100)):
        pipe = through_a_pipe(tmp_path / str(number), content)
        with pytest.raises(UserError, match=f"{pipe} is not a picture"):
            read_image(pipe)
    monkeypatch.setattr("r2n2.pictures.images.MAX_PIPED", 10_000)
    for device in ("/dev/null", "/dev/zero"):
        with pytest.raises(UserError, match=f"{device} is not a picture"):
            read_image(device)


def test_heic_is_read_with_pillow_heif_and_refused_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = tmp_path / "phone.heic"
    name.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    assert find_images([tmp_path]) == [name]
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(UserError, match=r"phone\.heic is a HEIC picture; .* pip install pillow-heif"):
            read_image(name)
    heif = pytest.importorskip("pillow_heif")
    with pytest.raises(UserError, match=r"phone\.heic"):
        read_image(name)
    pixels = Image.fromarray(GRADIENT).resize((80, 64))
    heif.from_pillow(pixels).save(name, quality=90)
    image = read_image(name)
    assert image.size == (80, 64)
    np.testing.assert_allclose(np.asarray(image)[..., :3], np.asarray(pixels), atol=40)
    if hasattr(os, "mkfifo"):
        piped = read_image(through_a_pipe(tmp_path / "pipe", name.read_bytes()))
        np.testing.assert_array_equal(np.asarray(piped), np.asarray(image))


def test_pixels_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    pixels = np.full((20, 20), 0.5, np.float32)
    pixels[3, 4] = np.nan
    Image.fromarray(pixels).save(tmp_path / "holed.tif")
    with pytest.raises(UserError, match=r"holed\.tif has pixels that are not finite numbers"):
        read_image(tmp_path / "holed.tif")
