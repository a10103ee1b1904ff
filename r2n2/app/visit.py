"""What one browser tab has: the shape after each of its views.

A new view is folded into the state that the views before it left; none of those is looked at again. Undo is the shape
before it, whose state is kept. A visit is a value: tabs share the network, which has no state of its own, and nothing
else.
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
    """token: names the visit in the address of a download, and cannot be guessed; shapes: after each view.

    taken: the files of the last drop, see `Page.add_files`.
    """

    token: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    shapes: tuple[Reconstruction, ...] = ()
    taken: tuple[str, ...] = ()

    @property
    def shape(self) -> Reconstruction | None:
        """What all views so far show, if there are any."""
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
        """With one more view. Raises UserError if there are too many, or the picture cannot be used."""
        if len(self.shapes) >= MAX_VIEWS:
            raise UserError(f"A shape takes {MAX_VIEWS} views at most here; undo some, or clear them.")
        state = self.shapes[-1].state if self.shapes else None
        return replace(self, shapes=(*self.shapes, model.reconstruct(picture, state=state)))

    def undo(self) -> "Visit":
        """Without the last view."""
        return replace(self, shapes=self.shapes[:-1], taken=())

    def clear(self) -> "Visit":
        """Without views."""
        return replace(self, shapes=(), taken=())
