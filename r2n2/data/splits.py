"""Which of the splits an object belongs to, by its name.

By sorted model name within each category the first 70 % train, the next 10 % validate, the last 20 % test. The test
part is that of 2016, which trained on the first 80 %. Stretched variants ("name~1") follow their original and are only
trained on. Near-duplicates, where `duplicates.json` names some, follow the first of their group.
"""

from r2n2.errors import UserError

VARIANT_MARK = "~"
SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.8), "test": (0.8, 1.0)}
SPLITS = (*SHARES, "all")


def original(name: str) -> str:
    """The name of the object that a variant was made of, or a name as it is."""
    return name.split(VARIANT_MARK)[0]


def split_of(keys: set[tuple[str, str]], first_of: dict[str, str]) -> dict[tuple[str, str], str]:
    """The split of each (category, original name); first_of: for a near-duplicate the one that decides."""
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
    """Raise UserError for a name that is no split's."""
    if split not in SPLITS:
        raise UserError(f"There is no split {split!r}; choose one of {', '.join(SPLITS)}.")
