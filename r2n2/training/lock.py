"""Allow only one run at a time in a folder: a job that is queued again may start while its predecessor still saves.

The lock is the operating system's and ends with the process that holds it, even on `kill -9`; the workers that read
ahead do not inherit it. Without such locks, as on Windows and some network file systems, nothing is locked.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from r2n2.errors import UserError

LOCK_FILE = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Lock the folder, creating it if needed. Raises UserError if another process holds it or it cannot be written."""
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
        except (BlockingIOError, PermissionError) as error:  # POSIX allows either of the two
            raise UserError(
                f"Another process is training in {folder}; wait for it to end, or choose another folder with -o."
            ) from error
        except OSError:
            pass
        yield
