"""A picture as people take it made into one as the network learned from: the object alone, in the middle, large enough.

transparent    the object is what is opaque
plain          the background stays: training had plain ones and gradients of every colour
busy           what does not stand out (U2-Net) becomes transparent, unless the background is to be kept

In each case the object is framed if it is too small, too large or off-centre, see `framing`.
"""

from dataclasses import dataclass

from PIL import Image

from r2n2.pictures.background import Background, Kind, Mask, cut_out, find_object, salient
from r2n2.pictures.doubts import doubt_of_mask
from r2n2.pictures.framing import frame, needs_framing

LARGEST = 1536  # of a picture's longer side: more is neither needed for the mask nor for 127 pixels


@dataclass(frozen=True)
class Ready:
    """image: RGBA, for `images.to_view`; mask: the object in the picture given; doubt: a warning in one sentence."""

    image: Image.Image
    mask: Mask
    doubt: str | None


def make_ready(image: Image.Image, background: Background = Background.AUTO, name: str = "The picture") -> Ready:
    """An RGBA picture of any size made ready; `name` is how the doubt calls it."""
    if max(image.size) > LARGEST:
        image = image.copy()
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS, reducing_gap=2.0)
    mask = find_object(image, background)
    doubt = doubt_of_mask(mask, background, name)
    if not mask.found:
        return Ready(image, mask, doubt)
    box, size = mask.box, image.size
    if mask.kind is Kind.BUSY:
        image = cut_out(image, mask)
    if needs_framing(size, box):
        if mask.kind is Kind.PLAIN:  # a shadow differs from the ground, too: before cropping, who knows better is asked
            sharper = salient(image)
            box = sharper.box if sharper.found else box
        image = frame(image, box)
    return Ready(image, mask, doubt)
