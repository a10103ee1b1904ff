"""Write files so that a half-written one never has the final name."""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count
from operator import methodcaller
from pathlib import Path

from safetensors import SafetensorError

from r2n2.errors import UserError


@contextmanager
def written_beside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; rename it to `path` if the block succeeds.

    The temporary file keeps the suffix, so that writers that choose a format by suffix work. A symbolic link is kept,
    and its target is replaced. Missing parent folders are created. Raises UserError if `path` cannot be written.
    """
    path = Path(path)
    with _named(path), _temporary(path) as temporary:
        yield temporary
        _rename(temporary, path)


def require_file(path: str | Path, what: str) -> None:
    """Raise UserError unless `path` is a file; `what` names the kind of file in the message."""
    path = Path(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, not a {what}; name one in it.")
    if not path.is_file():
        raise UserError(f"There is no {what} {path}; check the name.")


def require_no_file(folder: Path) -> None:
    """Raise UserError if `folder`, or a path above it, is a file."""
    with _named(folder):
        standing = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not standing.is_dir():
        raise UserError(f"{standing} is a file, not a folder; name another place.")


def check_writable(path: str | Path) -> None:
    """Raise UserError if `path` cannot be written; lets a command fail before its work instead of after it."""
    with _named(Path(path)), _temporary(Path(path)):
        pass


def write_together(writers: Mapping[Path, Callable[[Path], None]], overwrite: bool = True) -> None:
    """Write several files, each with a function of a temporary path next to it, and rename them when all are complete.

    Raises UserError if a file cannot be written; then none is written, or the message names those that are. Without
    `overwrite`, raises FileExistsError if one of the files exists by the time of renaming, and writes none.
    """
    done: list[Path] = []
    with ExitStack() as stack:
        temporaries = {}
        for path in writers:
            with _named(path):
                temporaries[path] = stack.enter_context(_temporary(path))
        for path, write in writers.items():
            with _named(path):
                write(temporaries[path])
        for path, temporary in temporaries.items():
            try:
                with _named(path, done):
                    _rename(temporary, path, overwrite)
            except _TakenError:
                for other in done:
                    _target(other).unlink(missing_ok=True)
                raise FileExistsError(f"{path} already exists") from None
            done.append(path)


def write_texts(texts: Mapping[Path, str]) -> None:
    """Write several text files in UTF-8, like `write_together`."""
    write_together({path: methodcaller("write_text", text, encoding="utf-8") for path, text in texts.items()})


def free_paths(stem: str, suffixes: Iterable[str]) -> list[Path]:
    """A path for each suffix with a common stem: the first of `stem`, stem-2, stem-3, ... for which no file exists."""
    for number in count(1):
        paths = [Path(f"{stem}{f'-{number}' if number > 1 else ''}{suffix}") for suffix in suffixes]
        if not any(os.path.lexists(path) for path in paths):
            return paths
    raise AssertionError("count ends")


class _TakenError(Exception):
    """A file exists that must not be overwritten."""


@contextmanager
def _named(path: Path, done: Iterable[Path] = ()) -> Iterator[None]:
    """Turn system errors into a UserError that names `path` and the files that were already written."""
    try:
        yield
    except (OSError, SafetensorError) as error:  # safetensors raises its own error for a full disk
        written = f" ({', '.join(map(str, done))} written)" if done else ""
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"Cannot write {path}: {reason}; choose another place{written}.") from error


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """Yield a temporary file in the folder of `path`, with its suffix; it is deleted afterwards unless renamed."""
    target = _target(path)
    if os.path.lexists(target) and not target.is_file():  # writing would replace a pipe or a device by a file
        what = "a folder" if target.is_dir() else "not a regular file"
        raise UserError(f"{path} is {what}; give the name of a file to write.")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UserError(f"{path} would be inside a file, not a folder; choose another place.") from error
    handle, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}.", suffix=path.suffix, dir=target.parent)
    os.close(handle)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _rename(temporary: Path, path: Path, overwrite: bool = True) -> None:
    temporary.chmod(0o666 & ~_umask())  # mkstemp creates files that only their owner can read
    target = _target(path)
    if overwrite:
        temporary.replace(target)
        return
    try:
        target.hardlink_to(temporary)  # fails if another process has written the file in the meantime
    except OSError:
        if target.exists():
            raise _TakenError from None
        temporary.replace(target)  # the file system has no hard links


def _target(path: Path) -> Path:
    """The target of a symbolic link; a link to itself is its own target."""
    return Path(os.path.realpath(path))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
