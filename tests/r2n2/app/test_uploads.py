"""Limits on uploads: a picture is refused before it is decoded, by a one-line message with its name."""

from pathlib import Path

import pytest
from PIL import Image

from r2n2.app import uploads
from r2n2.app.uploads import read_upload
from r2n2.errors import UserError


def test_a_picture_is_read_upright_and_its_shared_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[274] = 6  # the camera was turned by 90 degrees
    Image.new("RGB", (60, 40)).save(path, exif=exif)
    assert read_upload(path, tmp_path).size == (40, 60)
    assert path.exists()


def test_a_refusal_names_the_picture_but_not_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_FILE", 5000)
    monkeypatch.setattr(uploads, "MAX_PIXELS", 100 * 100)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    (tmp_path / "zero.png").touch()
    (tmp_path / "heavy.png").write_bytes(bytes(5001))
    Image.new("RGB", (101, 100)).save(tmp_path / "many.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "tiny.png")
    for name, words in (
        ("bad.png", "not a picture"),
        ("zero.png", "empty"),
        ("heavy.png", "MB"),
        ("many.png", "megapixels"),
        ("tiny.png", "8x8"),
        ("gone.png", "no longer exists"),
    ):
        with pytest.raises(UserError, match=words) as error:
            read_upload(tmp_path / name, tmp_path)
        assert name in str(error.value)
        assert str(tmp_path) not in str(error.value)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "bomb.png"
    Image.new("L", (8000, 8000)).save(path)
    monkeypatch.setattr(uploads, "read_image", lambda path: pytest.fail("decoded"))
    with pytest.raises(UserError, match=r"bomb\.png has 64 megapixels"):
        read_upload(path, tmp_path)


def test_a_file_outside_the_upload_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "uploads").mkdir()
    private = tmp_path / "private.png"
    Image.new("RGB", (60, 40)).save(private)
    (tmp_path / "uploads" / "link.png").symlink_to(private)
    for path in (private, tmp_path / "uploads" / ".." / "private.png", tmp_path / "uploads" / "link.png"):
        with pytest.raises(UserError, match="was not uploaded"):
            read_upload(path, tmp_path / "uploads")


def test_the_pixel_limit_holds_for_the_first_heic_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow can open HEIC only once the first one is read."""
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.new("RGB", (101, 100))).save(tmp_path / "phone.heic")
    monkeypatch.setattr(Image, "ID", [kind for kind in Image.ID if kind != "HEIF"])
    monkeypatch.setattr(Image, "OPEN", {kind: how for kind, how in Image.OPEN.items() if kind != "HEIF"})
    monkeypatch.setattr(uploads, "MAX_PIXELS", 100 * 100)
    with pytest.raises(UserError, match=r"phone\.heic has 0 megapixels, more than 0"):
        read_upload(tmp_path / "phone.heic", tmp_path)
