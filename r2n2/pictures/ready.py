"""Turn a picture as people take it into one like those in training: the object alone, centred, large enough.

transparent    the opaque part is the object
plain          the background stays: training had plain backgrounds and gradients of every colour
busy           what does not stand out (U2-Net) becomes transparent, unless the background is kept

In each case the object is framed if it is too small, too large or off-centre, see `framing`.
"""

from dataclasses import dataclass

from PIL import Image

from r2n2.pictures.background import Background, Kind, Mask, cut_out, find_object, salient_near
from r2n2.pictures.doubts import doubt_of_mask
from r2n2.pictures.framing import frame, needs_framing

MOST = 0.6  # share of the area of the object's box that must remain without the shadow
LARGEST = 1536  # pixels of a picture's longer side: neither the mask nor 127 pixels need more


@dataclass(frozen=True)
class Ready:
    """image: RGBA, for `images.to_view`; mask: in the given picture, the mask by which the object was cut out or
    framed, None if the picture was left as it is; doubt: a one-sentence warning or None."""

    image: Image.Image
    mask: Mask | None
    doubt: str | None


def make_ready(image: Image.Image, background: Background = Background.AUTO, name: str = "The picture") -> Ready:
    """Make an RGBA picture of any size ready for the network; the doubt calls it `name`."""
    if max(image.size) > LARGEST:
        image = image.copy()
        image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS, reducing_gap=2.0)
    mask = find_object(image, background)
    doubt = doubt_of_mask(mask, background, name)
    if not mask.found:
        return Ready(image, None, doubt)
    framed = needs_framing(image.size, mask.box)
    if framed and mask.kind is Kind.PLAIN:
        mask = _without_shadow(image, mask)
    if mask.kind is Kind.BUSY:
        image = cut_out(image, mask)
    if framed:
        image = frame(image, mask.box)
    return Ready(image, mask if framed or mask.kind is Kind.BUSY else None, doubt)


def _without_shadow(image: Image.Image, mask: Mask) -> Mask:
    """Drop a shadow, which also differs from a plain ground: keep what stands out in the box if that is most of it."""
    left, top, right, bottom = mask.box
    sharper = salient_near(image, mask.box)
    if not sharper.found:
        return mask
    inner = sharper.box
    kept = max(min(right, inner[2]) - max(left, inner[0]), 0) * max(min(bottom, inner[3]) - max(top, inner[1]), 0)
    return Mask(sharper.share, Kind.PLAIN) if kept >= MOST * (right - left) * (bottom - top) else mask
