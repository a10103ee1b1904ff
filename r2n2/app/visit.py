"""The state of one browser tab: the shape after each of its views.

A new view updates the state that the earlier views left; those are not read again. Undo returns to the shape before the
last view, whose state is stored. A visit is an immutable value: visits share only the network, which has no state of
its own.
"""

import secrets
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from PIL import Image

from r2n2.errors import UserError
from r2n2.shapes.reconstruction import Reconstruction, Reconstructor

MAX_VIEWS = 48


@dataclass(frozen=True)
class Visit:
    """token: identifies the visit in download links, and cannot be guessed; shapes: the shape after each view.

    taken: the files of the last upload; see `Page.add_files`.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    shapes: tuple[Reconstruction, ...] = ()
    taken: tuple[str, ...] = ()

    @property
    def shape(self) -> Reconstruction | None:
        """The shape from all views so far, or None without views."""
        if not self.shapes:
            return None
        steps = [shape.history for shape in self.shapes]
        return replace(
            self.shapes[-1],
            views=np.concatenate([shape.views for shape in self.shapes]),
            names=tuple(f"view {number}" for number in range(1, len(self.shapes) + 1)),
            history=replace(
                steps[0],
                features=torch.cat([step.features for step in steps], dim=1),  # (1, T, F)
                states=torch.cat([step.states for step in steps], dim=1),  # (1, T, 4, 4, 4, C)
            ),
        )

    def add(self, model: Reconstructor, picture: Image.Image) -> "Visit":
        """The visit with one more view. Raises UserError if there are too many, or if the picture cannot be used."""
        if len(self.shapes) >= MAX_VIEWS:
            raise UserError(f"A shape can have at most {MAX_VIEWS} views here; undo some, or clear them.")
        state = self.shapes[-1].state if self.shapes else None
        return replace(self, shapes=(*self.shapes, model.reconstruct(picture, state=state)))

    def undo(self) -> "Visit":
        """The visit without its last view."""
        return replace(self, shapes=self.shapes[:-1], taken=())

    def clear(self) -> "Visit":
        """The visit without views."""
        return replace(self, shapes=(), taken=())
