"""Sweet Home 3D furniture libraries (`.sh3f`): a zip of OBJ models and a catalogue in Java properties.

The catalogue gives each entry an identifier, a name, an author and, if the model is not upright and facing the front, a
rotation; it gives the whole library a licence. Doors and windows are skipped: they are holes in walls.
"""

import hashlib
import re
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import numpy as np

from r2n2.data.frame import rotation_to_canonical
from r2n2.data.sources import MeshSource
from r2n2.errors import UserError
from r2n2.files import require_file

CATALOGUE = "PluginFurnitureCatalog.properties"

# The first match in an entry's English name wins; without a match, its catalogue category is used.
CATEGORY_WORDS = (
    ("lamp", r"\blamps?\b|lamppost|lantern|\blight$"),
    ("sofa", r"sofa|couch|\bpuff\b"),
    ("bed", r"\b(bed|crib|futon)\b"),
    ("bookshelf", r"bookcase|shel(f|ves|ving)"),
    ("bench", r"bench|\bbank\b"),
    ("cabinet", r"cabinet|wardrobe|cupboard|dresser\b|locker|bedside|tv stand"),
    ("table", r"\btable\b|\bdesk\b"),
    ("chair", r"chair|stool|class seat"),
    ("car", r"\bcar$|sedan|seat leon|ford focus|beetle|peugeot|renault|suv|chevrolet|^van$"),
    ("display", r"^tv\b|flat tv|imac|laptop|ibook"),
    ("speaker", r"^speaker"),
    ("telephone", r"\bphone|iphone"),
    ("watercraft", r"boat"),
    ("airplane", r"biplane"),
)
OTHERS = r"tennis|table fan|wheelchair|remote control"  # contain a category's word, but do not have its shape


def read_library(path: str | Path, folder: Path, exclude: Collection[str] = ()) -> tuple[list[MeshSource], list[str]]:
    """Unpack a library into `folder`. Return its entries, and a message for each that cannot be used.

    Entries whose identifiers are in `exclude` are skipped. Raises UserError if the file is not a furniture library.
    """
    path = Path(path)
    require_file(path, "furniture library (.sh3f)")
    try:
        with zipfile.ZipFile(path) as archive:
            text = archive.read(CATALOGUE).decode("latin-1")
            archive.extractall(folder)
    except (OSError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError) as error:
        raise UserError(f"{path} is not a Sweet Home 3D furniture library (.sh3f): {error}; check the file.") from error
    general, entries = parse_catalogue(text)
    sources, problems = [], []
    for entry in entries:
        if entry.get("doorOrWindow") == "true" or entry.get("id") in exclude:
            continue
        try:
            sources.append(_source(entry, general, folder))
        except (KeyError, ValueError, FileNotFoundError) as error:
            problems.append(f"{path}: the entry {entry.get('id', '(no id)')} is damaged ({error}); it was skipped")
    return sources, problems


def _source(entry: dict[str, str], general: dict[str, str], folder: Path) -> MeshSource:
    mesh = folder / entry["model"].lstrip("/")
    if not (mesh.is_file() and mesh.resolve().is_relative_to(folder.resolve())):
        raise FileNotFoundError(f"its model {entry['model']} is missing")
    title = entry.get("name", entry["id"])
    return MeshSource(
        mesh=mesh,
        category=category_of(title, entry.get("category", "other")),
        name=model_name(entry["id"]),
        rotation=rotation_to_canonical() @ _catalogue_rotation(entry),
        record={
            "entry": entry["id"],
            "title": title,
            "author": entry.get("creator", "unknown"),
            "library": general.get("name", "unknown"),
            "license": re.sub(r"\s+", " ", general.get("license", "unknown")),
        },
    )


def _catalogue_rotation(entry: dict[str, str]) -> np.ndarray:
    """The entry's rotation (3, 3) to y up, front along +z. Raises ValueError if it is not a rotation."""
    rotation = np.array(entry.get("modelRotation", "1 0 0 0 1 0 0 0 1").split(), float).reshape(3, 3)
    if not (np.isfinite(rotation).all() and abs(np.linalg.det(rotation)) > 0.5):
        raise ValueError(f"modelRotation {entry['modelRotation']} is not a rotation")
    return rotation


def parse_catalogue(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """The library's own properties, and those of each entry in catalogue order."""
    general: dict[str, str] = {}
    entries: defaultdict[int, dict[str, str]] = defaultdict(dict)
    for line in text.replace("\\\n", "").splitlines():
        if line.lstrip().startswith(("#", "!")) or "=" not in line:
            continue
        key, value = (part.strip() for part in line.split("=", 1))
        value = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), value)
        name, mark, number = key.partition("#")
        if mark and number.isdigit():
            entries[int(number)][name] = value
        else:
            general[key] = value
    return general, [entries[number] for number in sorted(entries)]


def category_of(name: str, catalogue_category: str) -> str:
    """The word of the category that the name contains, else the catalogue's own category."""
    lowered = name.lower()
    if not re.search(OTHERS, lowered):
        for word, pattern in CATEGORY_WORDS:
            if re.search(pattern, lowered):
                return word
    return re.sub(r"[^a-z]+", "-", catalogue_category.lower()).strip("-") or "other"


def model_name(identifier: str) -> str:
    """The folder name for "Library#entry"; four hash digits in front make name order, and so the split, random."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", identifier).strip("-")
    return f"{hashlib.md5(identifier.encode()).hexdigest()[:4]}-{slug}"
