"""Files appear complete or not at all, and only files that were named are overwritten."""

import os
from pathlib import Path

import pytest

from r2n2.errors import UserError
from r2n2.files import check_writable, free_paths, write_together, written_beside


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.TXT"
    with written_beside(path) as temporary:
        assert temporary.suffix == ".TXT"
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    with pytest.raises(ZeroDivisionError), written_beside(path) as temporary:
        temporary.write_text("half")
        _ = 1 / 0
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_files_written_together_appear_together(tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    write_together({a: lambda path: path.write_text("a"), b: lambda path: path.write_text(str(a.exists()))})
    assert (a.read_text(), b.read_text()) == ("a", "False")


def test_if_one_file_cannot_be_written_none_is(tmp_path: Path) -> None:
    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    a, b, folder = tmp_path / "a.txt", tmp_path / "b.txt", tmp_path / "folder"
    folder.mkdir()
    a.write_text("old")
    with pytest.raises(UserError, match=r"Cannot write .*b\.txt: No space left on device; choose another place\.$"):
        write_together({a: lambda path: path.write_text("new"), b: full})
    with pytest.raises(UserError, match="folder is a folder"):
        write_together({a: lambda path: path.write_text("new"), folder: full})
    assert a.read_text() == "old"
    assert sorted(tmp_path.iterdir()) == [a, folder]


def test_a_failed_last_step_names_the_files_already_written(tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"

    def blocked(path: Path) -> None:
        path.write_text("b")
        b.mkdir()  # as another process could meanwhile

    with pytest.raises(UserError, match=r"Cannot write .*b\.txt: .* \(.*a\.txt written\)\.$"):
        write_together({a: lambda path: path.write_text("a"), b: blocked})
    assert a.read_text() == "a"
    assert sorted(tmp_path.iterdir()) == [a, b]


def test_free_paths_share_the_first_free_stem(tmp_path: Path) -> None:
    stem = str(tmp_path / "chair")
    assert free_paths(stem, (".glb", ".png")) == [tmp_path / "chair.glb", tmp_path / "chair.png"]
    (tmp_path / "chair.png").touch()
    (tmp_path / "chair-2.glb").symlink_to("nowhere")
    assert free_paths(stem, (".glb", ".png")) == [tmp_path / "chair-3.glb", tmp_path / "chair-3.png"]


@pytest.mark.parametrize("links", [True, False])
def test_without_overwrite_an_existing_file_stays_and_none_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as file systems without links do

    if not links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    writers = {path: lambda path: path.write_text("new") for path in (a, b)}
    b.write_text("old")
    with pytest.raises(FileExistsError):
        write_together(writers, overwrite=False)
    assert b.read_text() == "old" and list(tmp_path.iterdir()) == [b]
    b.unlink()
    write_together(writers, overwrite=False)
    assert (a.read_text(), b.read_text()) == ("new", "new") and len(list(tmp_path.iterdir())) == 2


def test_an_output_path_inside_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    for below in ("b.txt", "b/c.txt"):
        with pytest.raises(UserError, match="would be inside a file"):
            check_writable(tmp_path / "a.txt" / below)


def test_writing_through_a_symlink_replaces_its_target(tmp_path: Path) -> None:
    target, link, dangling = tmp_path / "target.txt", tmp_path / "link.txt", tmp_path / "dangling.txt"
    target.write_text("old")
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "new" / "file.txt")
    with written_beside(link) as temporary:
        temporary.write_text("new")
    write_together({dangling: lambda path: path.write_text("made")})
    assert link.is_symlink() and target.read_text() == "new"
    assert dangling.is_symlink() and (tmp_path / "new" / "file.txt").read_text() == "made"


def test_pipes_link_loops_and_devices_are_refused_and_stay(tmp_path: Path) -> None:
    pipe, loop = tmp_path / "pipe", tmp_path / "loop"
    os.mkfifo(pipe)
    loop.symlink_to(loop)
    for path in (pipe, loop, Path("/dev/null")):
        with pytest.raises(UserError, match=f"{path.name} is not a regular file; give the name of a file to write"):
            check_writable(path)
    assert pipe.is_fifo() and Path("/dev/null").is_char_device()
    assert sorted(tmp_path.iterdir()) == [loop, pipe]
