"""The split that an object belongs to, determined by its name.

Within each category, models are sorted by name: the first 70 % train, the next 10 % validate, the last 20 % test. The
test part is that of 2016, which trained on the first 80 %. Stretched variants ("name~1") follow their original and are
only used for training. Near-duplicates named in `duplicates.json` follow the first of their group.
"""

from r2n2.errors import UserError

VARIANT_MARK = "~"
SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0)}
SPLITS = (*SHARES, "all")


def original(name: str) -> str:
    """The name of the object that a variant was made from; any other name is returned as it is."""
    return name.split(VARIANT_MARK)[0]


def split_of(keys: set[tuple[str, str]], first_of: dict[str, str]) -> dict[tuple[str, str], str]:
    """The split of each (category, original name); first_of: for a near-duplicate, the object whose split it takes."""
    names: dict[str, set[str]] = {}
    for category, name in keys:
        names.setdefault(category, set()).add(original(name))
    splits = {
        (category, name): split
        for category, found in names.items()
        for split, (first, last) in SHARES.items()
        for name in sorted(found)[int(first * len(found)) : int(last * len(found))]
    }
    for name, first in first_of.items():
        key, leader = tuple(name.split("/", 1)), tuple(first.split("/", 1))
        if key in splits and leader in splits:
            splits[key] = splits[leader]
    return splits


def require_split(split: str) -> None:
    """Raise UserError for an unknown split."""
    if split not in SPLITS:
        raise UserError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
