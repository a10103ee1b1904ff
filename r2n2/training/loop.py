"""The training loop: batches, steps, lines of the log, validation, checkpoints to resume from, and a stop that loses no
steps. `train` lists the files that it writes.
"""

import math
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import torch
from torch import Tensor

from r2n2.data.augmentation import AUGMENTATIONS
from r2n2.data.dataset import Batches, TrainingBatches, TrainingSet, as_inputs, read_batches
from r2n2.data.fingerprint import fingerprint
from r2n2.data.readable import Readable
from r2n2.errors import UserError
from r2n2.files import written_beside
from r2n2.network.checkpoint import save_weights
from r2n2.network.model import R2N2
from r2n2.training.checkpoints import Checkpoints
from r2n2.training.clock import Clock
from r2n2.training.interruption import Interruption, StoppedError
from r2n2.training.narration import Narrator
from r2n2.training.records import Records, view_column
from r2n2.training.run import Run
from r2n2.training.state import Best, Description, capture
from r2n2.training.validation import VIEWS, validate

WEIGHTS_FILE, BEST_FILE, PICTURES_FOLDER = "weights.safetensors", "best.safetensors", "pictures"


class Loop:
    """Trains a run in its folder from the iteration that it has reached to the last one, or until a signal."""

    def __init__(
        self, run: Run, description: Description, checkpoints: Checkpoints, validation: Sequence[Readable]
    ) -> None:
        self.run, self.config, self.processes = run, run.config, run.processes
        self.description, self.checkpoints, self.folder = description, checkpoints, checkpoints.run
        self.validation = validation if self.config.validate_every else ()
        self.judged = fingerprint(self.validation)
        self.losses: list[Tensor] = []  # losses of this process since they were last gathered
        self.saved: int | None = None  # None: a resumed run may have been killed before its weights were written
        self.clock = Clock()
        if self.processes.writes:
            checkpoints.forget_after(run.iteration)
            views = VIEWS if self.validation else 0
            self.records = Records(self.folder, views, run.iteration, self.config.tensorboard)
        self.narrator = Narrator(run.iteration, self.config.iterations, self.processes.writes)

    def go(self, models: Sequence[Readable], interruption: Interruption, taught: bool = False) -> None:
        """Train on `models`. Raises StoppedError if a signal stopped it.

        taught: another run has trained the weights, so validate them before the first step.
        """
        run, last = self.run, self.config.iterations
        batches, stopped = self._batches(models), 0
        with self.narrator, closing(batches):
            if self.config.validate_every and not self.validation:
                self.narrator.tell("The data have no validation split, so IoU is not measured.")
            if run.iteration == last:
                self.narrator.tell(f"{self.folder} has done its {last:,} iterations; --iterations sets a later end.")
            if self.validation and taught:
                self._aside(self._validate)
            while run.iteration < last and not (stopped := self._heard(interruption)):
                self._step(batches)
                if run.iteration % self.config.report_every == 0:
                    self._report()
                if self.validation and self._due(self.config.validate_every):
                    try:
                        self._aside(self._validate)
                    except UserError:
                        self._save()  # an unreadable validation split must not lose steps
                        raise
                    self._aside(self._save)
                elif self._due(self.config.save_every):
                    self._aside(self._save)
            if self.saved != run.iteration:
                self._save()
        self.processes.wait()  # no process exits before the first one has written
        if stopped:
            cause = "Ctrl-C" if stopped == signal.SIGINT else "SIGTERM"
            raise StoppedError(
                f"stopped by {cause} after iteration {run.iteration:,} of {last:,}, saved in {self.folder}; "
                f"continue with --resume -o {self.folder}.",
                stopped,
            )

    def _batches(self, models: Sequence[Readable]) -> Batches:
        config, share = self.config, (self.processes.rank, self.processes.count)
        sizes = len(models), config.batch_size, config.max_views
        batches = TrainingBatches(*sizes, config.seed, self.run.iteration, self.description.order, share)
        data = TrainingSet(models, AUGMENTATIONS[config.augmentation], config.strict)
        return read_batches(data, batches, config.workers, pinned=self.run.device.type == "cuda")

    def _heard(self, interruption: Interruption) -> int:
        """The number of the signal that any process has received, or 0: all processes stop after the same step."""
        return self.processes.largest(int(interruption.signal or 0))

    def _due(self, every: int) -> bool:
        return self.run.iteration % every == 0 or self.run.iteration == self.config.iterations

    def _step(self, batches: Iterator[tuple[Tensor, Tensor]]) -> None:
        self.clock.ask()
        views, voxels = (tensor.to(self.run.device, non_blocking=True) for tensor in next(batches))
        self.clock.got(views.shape[0] * views.shape[1] * self.processes.count)
        self.losses.append(self.run.step(*as_inputs(views, voxels)))
        self.narrator.step()

    def _aside(self, work: Callable[[], None]) -> None:
        """Do work that is not a step, excluding its time from the clock."""
        begun = time.perf_counter()
        work()
        self.clock.rest(time.perf_counter() - begun)

    def _gather(self) -> tuple[float, ...]:
        """The losses since the last line of the log, averaged over the processes; this waits for the GPU."""
        if self.losses:
            found = self.processes.mean(torch.stack(self.losses)).tolist()
            self.losses = []
            self.description = replace(self.description, pending=(*self.description.pending, *found))
        return self.description.pending

    def _report(self) -> None:
        losses, iteration = self._gather(), self.run.iteration
        self.description, loss = replace(self.description, pending=()), math.fsum(losses) / len(losses)
        figures = {"loss": loss, "learning_rate": self.config.learning_rate_at(iteration - 1)} | self.clock.figures()
        self.clock = Clock()
        if self.processes.writes:
            self.records.step(iteration, figures)
        self.narrator.report(iteration, loss, figures["pictures_per_second"])
        self._require_sane(loss)

    def _validate(self) -> None:
        iteration, best = self.run.iteration, self.description.best
        found = validate(model := self.run.result(), self.validation, VIEWS, self.processes)
        if best and best.objects not in (None, self.judged):  # scores on other objects are not comparable
            best = None
        if not best or found.iou > best.iou:
            self.description = replace(self.description, best=Best(iteration, found.iou, self.judged))
            self._write_weights(BEST_FILE, model)
        if self.processes.writes:
            by_views = {view_column(count): iou for count, iou in enumerate(found.by_views, start=1)}
            self.records.validated(iteration, {"iou": found.iou} | by_views, found.picture)
            if found.picture:
                with written_beside(self.folder / PICTURES_FOLDER / f"{iteration:08d}.png") as temporary:
                    found.picture.save(temporary)
        self.narrator.tell(f"iteration {iteration:,}: validation IoU {found.iou:.4f}")

    def _save(self) -> None:
        losses = self._gather()
        if losses:
            self._require_sane(losses[-1])
        self.saved = self.run.iteration
        self.description = replace(self.description, iteration=self.run.iteration)
        if self.processes.writes:
            self.checkpoints.save(capture(self.run), self.description)
        self._write_weights(WEIGHTS_FILE, self.run.result())

    def _write_weights(self, name: str, model: R2N2) -> None:
        if self.processes.writes:
            extra = {"iteration": self.run.iteration, "config": self.config.to_dict()}
            save_weights(self.folder / name, model, extra=extra)

    def _require_sane(self, loss: float) -> None:
        if not math.isfinite(loss) or loss > self.config.largest_loss:
            raise UserError(
                f"The loss is {loss:g} at iteration {self.run.iteration}; "
                f"resume {self.folder} with a lower --learning-rate."
            )
