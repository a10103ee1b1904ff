"""three.js for pages, taken from trimesh, which ships it for its own viewer: nothing to install or to download."""

import re

from trimesh import Scene
from trimesh.creation import box
from trimesh.viewer import scene_to_html

from r2n2.errors import UserError

RELEASE = "140"  # of three.js, in trimesh 4.9 and later; other releases name colours and lights differently
LIBRARY = re.compile(r'/\*\*\s+\* @license.*?Object\.defineProperty\(t,"__esModule",\{value:!0\}\)\}\)\);', re.DOTALL)


def three_js() -> str:
    """The library with its licence notice (MIT), as a classic script that defines THREE.

    Raises UserError if the installed trimesh does not contain the release that the page is written for.
    """
    found = LIBRARY.search(scene_to_html(Scene(box())))
    if found is None or f'const e="{RELEASE}"' not in found[0][:1000]:
        raise UserError(
            f"The page needs three.js {RELEASE}, which the installed trimesh does not contain: "
            "pip install 'trimesh>=4.9,<6'."
        )
    return found[0]
