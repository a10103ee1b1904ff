"""The 13 ShapeNet categories of the paper: folder names (WordNet synsets) and words."""

SYNSETS = {
    "02691156": "airplane",
    "02828884": "bench",
    "02933112": "cabinet",
    "02958343": "car",
    "03001627": "chair",
    "03211117": "display",
    "03636649": "lamp",
    "03691459": "speaker",
    "04090263": "rifle",
    "04256520": "sofa",
    "04379243": "table",
    "04401088": "telephone",
    "04530566": "watercraft",
}
FOLDERS = {word: synset for synset, word in SYNSETS.items()}


def category_word(folder: str) -> str:
    """The word for a category's folder: "chair" for "03001627"; any other name is returned as it is."""
    return SYNSETS.get(folder, folder)


def category_folder(word: str) -> str:
    """The folder for a category's word: "03001627" for "chair"; any other name is returned as it is."""
    return FOLDERS.get(word, word)
