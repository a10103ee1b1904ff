"""How long it takes to read a phone's picture and make it ready, in seconds of one core.

    python -m benchmarks.pictures

The picture is a render of the sample on each ground, in the middle and in a corner, enlarged to 4000x3000 pixels and
stored as JPEG.
"""

import io
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image, ImageOps

from benchmarks.measuring.options import command
from r2n2.data.grounds import photograph
from r2n2.data.sample import sample_folder
from r2n2.data.shapenet import find_models, view_paths
from r2n2.pictures.images import read_image, to_view
from r2n2.pictures.ready import make_ready

SIZE = (4000, 3000)
GROUNDS = ("plain", "wood")
FRAMINGS = ("centred", "corner")


def main() -> None:
    command("pictures", __doc__).parse_args()
    torch.set_num_threads(1)
    with sample_folder() as folder:
        render = read_image(view_paths(find_models(folder)[0][0])[0])
    make_ready(photograph(render, "wood", "centred", [0]).image)  # reads the weights
    print("| ground | framing | read | make ready |\n| --- | --- | ---: | ---: |")
    for ground in GROUNDS:
        for framing in FRAMINGS:
            reading, preparing = _seconds(photograph(render, ground, framing, [0]).image)
            print(f"| {ground} | {framing} | {reading:.2f} s | {preparing:.2f} s |", flush=True)


def _seconds(image: Image.Image) -> tuple[float, float]:
    """Seconds of one core to read `image`, enlarged, and to make it ready."""
    stored = io.BytesIO()
    ImageOps.fit(image.convert("RGB"), SIZE, Image.Resampling.BICUBIC).save(stored, "JPEG", quality=90)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "phone.jpg"
        path.write_bytes(stored.getvalue())
        start = time.process_time()
        picture = read_image(path)
        read = time.process_time()
        to_view(make_ready(picture).image)
        return read - start, time.process_time() - read


if __name__ == "__main__":
    main()
