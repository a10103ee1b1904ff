"""Layouts describe where collections keep their meshes."""

from pathlib import Path

import pytest

from r2n2.data.layout import Layout
from r2n2.data.meshes import find_meshes
from r2n2.errors import UserError

SHAPENET = "{category}/{name}/models/model_normalized.obj"


@pytest.mark.parametrize(
    ("layout", "path", "found"),
    [
        (SHAPENET, "/d/03001627/1a6f/models/model_normalized.obj", ("03001627", "1a6f")),
        (SHAPENET, "/d/03001627/1a6f/models/other.obj", None),
        (SHAPENET, "/models/model_normalized.obj", None),
        ("{category}/{name}/model.obj", "/d/chair/1/model.obj", ("chair", "1")),
        ("{category}/{name}/model.obj", "/d/chair/1/modelXobj", None),
        (
            "{category}/*/{name}.off",
            "/ModelNet40/night_stand/train/night_stand_0001.off",
            ("night_stand", "night_stand_0001"),
        ),
        ("{category}-{name}.glb", "/d/arm-chair-7.glb", ("arm-chair", "7")),
    ],
)
def test_the_end_of_a_path_gives_category_and_name(layout: str, path: str, found: tuple[str, str] | None) -> None:
    assert Layout.parse(layout).match(Path(path)) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chair",
        "{name}.obj",
        "{category}/x.obj",
        "{category}/{name}/{name}",
        "{category}/{name}/{split}",
        "{category}//{name}",
        "/{category}/{name}",
        "{category}/{name}}",
    ],
)
def test_an_invalid_layout_is_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"is not a layout; it must contain \{category\} and \{name\} once each"):
        Layout.parse(text)


def test_shapenetcore_meshes_get_their_synsets_word_and_their_own_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("03001627/1a6f", "03001627/2b", "02747177/1a6f"):
        for file in ("models/model_normalized.obj", "models/model_normalized.mtl", "screenshots/view.png", "left.obj"):
            (tmp_path / place / file).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / place / file).touch()
    sources = find_meshes([tmp_path], None, front="-z", layout=SHAPENET)
    found = [("02747177", "1a6f"), ("chair", "1a6f"), ("chair", "2b")]
    assert [(source.category, source.name) for source in sources] == found
    monkeypatch.chdir(tmp_path / "03001627")  # where no given path contains the category
    for given in (Path(), Path("1a6f"), Path("1a6f/models/model_normalized.obj")):
        first = find_meshes([given], None, layout=SHAPENET)[0]
        assert (first.category, first.name) == ("chair", "1a6f")
    monkeypatch.chdir(tmp_path / "03001627" / "1a6f" / "models")
    for given in (Path(".."), Path("../..")):
        first = find_meshes([given], None, layout=SHAPENET)[0]
        assert (first.category, first.name) == ("chair", "1a6f")
    with pytest.raises(UserError, match="No mesh path matches the layout"):
        find_meshes([tmp_path], None, layout="{category}/{name}/model.obj")
    with pytest.raises(UserError, match="give --layout or --category, not both"):
        find_meshes([tmp_path], "chair", layout=SHAPENET)


def test_a_word_and_its_synset_are_one_category(tmp_path: Path) -> None:
    for folder in ("chair", "03001627"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.obj").touch()
    sources = find_meshes([tmp_path], None)
    assert [(source.category, source.name) for source in sources] == [("chair", "a"), ("chair", "a-2")]
