"""A run's checkpoints: one safetensors file each; the newest few and the best are kept, the rest removed.

    RUN/checkpoints/00001500.safetensors

A file is written under a temporary name and renamed, so that a killed run leaves only whole checkpoints. If one is
damaged all the same, the one before it is used.
"""

import warnings
from pathlib import Path

from torch import Tensor

from r2n2.errors import SkippedWarning, UserError
from r2n2.network.checkpoint import load_tensors, save_tensors
from r2n2.training.state import Description

FOLDER, SUFFIX, KEY = "checkpoints", ".safetensors", "run"


class Checkpoints:
    """The checkpoints of the run in `folder`, of which the newest `keep` and the best are kept."""

    def __init__(self, folder: Path, keep: int = 1) -> None:
        self.run, self.folder, self.keep = folder, folder / FOLDER, keep

    def paths(self) -> list[Path]:
        """The files, oldest first."""
        return sorted(path for path in self.folder.glob(f"*{SUFFIX}") if path.stem.isdecimal())

    def save(self, tensors: dict[str, Tensor], description: Description) -> None:
        """Write a checkpoint, then remove those that are no longer kept. Raises UserError if a weight is not finite."""
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise UserError(
                f"The weights are no longer finite at iteration {description.iteration}; "
                f"resume {self.run} with a lower --learning-rate."
            )
        save_tensors(self._path(description.iteration), tensors, {KEY: description.to_json()})
        kept = {self._path(description.best.iteration)} if description.best else set()
        kept |= set(self.paths()[-self.keep :])
        for path in set(self.paths()) - kept:
            path.unlink()

    def newest(self) -> tuple[dict[str, Tensor], Description]:
        """The newest checkpoint that can be read; each newer one that cannot is named in a SkippedWarning.

        Raises UserError if there is none, or if it was written by another version.
        """
        return self._newest(None)

    def description(self) -> Description:
        """The description of the newest checkpoint, without its tensors."""
        return self._newest(())[1]

    def _newest(self, names: tuple[str, ...] | None) -> tuple[dict[str, Tensor], Description]:
        reason = None
        for path in reversed(self.paths()):
            try:
                tensors, metadata = load_tensors(path, names)
            except UserError as error:
                warnings.warn(f"skipped: {error}", SkippedWarning, stacklevel=3)
                reason = reason or error
                continue
            try:
                return tensors, Description.from_json(metadata[KEY])
            except (KeyError, ValueError, TypeError, AttributeError) as error:
                raise UserError(
                    f"{path} is not a checkpoint of this version of r2n2; start another run with -o."
                ) from error
        raise reason or UserError(f"There is no run to resume in {self.run}; check -o, or omit --resume to start one.")

    def forget_after(self, iteration: int) -> None:
        """Remove temporary files, and the checkpoints after the iteration at which the run continues: they are void.

        A killed run leaves temporary files of `written_beside`, and of safetensors within it.
        """
        for path in self.paths():
            if int(path.stem) > iteration:
                path.unlink()
        for folder in (self.run, self.folder):
            for path in (*folder.glob(f".*{SUFFIX}"), *folder.glob(".tmp*")):
                path.unlink()

    def _path(self, iteration: int) -> Path:
        return self.folder / f"{iteration:08d}{SUFFIX}"
