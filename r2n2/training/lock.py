"""One run at a time in a folder: a job that is queued again may begin while its predecessor still saves.

The lock is the system's and ends with the process that holds it, by `kill -9` too; the workers that read ahead do not
inherit it. Where there are no such locks, as on Windows and some network file systems, nothing is locked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from r2n2.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder, made if it is missing. Raises UserError if another process holds it or it cannot be written."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK_FILE).open("w")
    except OSError as error:
        raise UserError(f"Cannot write into {folder}: {error.strerror}; choose another folder with -o.") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:  # POSIX leaves the choice between the two
            raise UserError(
                f"Another process trains in {folder}; wait for its end, or choose another folder with -o."
            ) from error
        except OSError:
            pass
        yield
