"""The page as a file, without a browser: what it holds, that it fetches nothing, and that names are only text."""

import base64
import html
import json
import re
import zlib
from html.parser import HTMLParser

import numpy as np
import pytest
from pages import EVIL, growing_ball, page_of

from r2n2.errors import UserError
from r2n2.shapes import three
from r2n2.shapes.mesh import COLOR
from r2n2.shapes.page import LEVELS, frame, page


class Parsed(HTMLParser):
    """Start tags with their attributes, and the text of each script by its id."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.scripts: dict[str | None, str] = {}
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[self.tags[-1][1].get("id")] = data


def test_the_page_is_one_well_formed_document_without_external_links() -> None:
    document = page_of(growing_ball(3))
    parsed = Parsed(document)
    assert parsed.open == []
    assert not re.search(r"https?:|//[a-z]+\.|@import|url\(", document)
    assert {tag for tag, _ in parsed.tags} & {"link", "iframe", "object", "embed", "img", "a", "base"} == set()
    assert [attributes for _, attributes in parsed.tags if {"src", "href", "srcset", "action"} & set(attributes)] == []
    policies = [a["content"] for _, a in parsed.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert len(policies) == 1
    assert "default-src 'none'" in policies[0]
    assert "connect-src" not in policies[0]
    images = [view["image"] for view in json.loads(parsed.scripts["object"])["views"]]
    assert all(image.startswith("data:image/png;base64,") for image in images)


def test_the_page_holds_the_whole_of_three_js_and_its_licence() -> None:
    document = page_of(growing_ball(1))
    library = zlib.decompress(base64.b64decode(Parsed(document).scripts["three"])).decode()
    assert library == three.three_js()
    assert "Copyright 2010-2022 Three.js Authors\n * SPDX-License-Identifier: MIT" in library[:120]
    assert "init()" not in library[-2000:]  # trimesh's own viewer is removed
    assert "Three.js Authors, SPDX-License-Identifier: MIT" in document


@pytest.mark.parametrize("name", EVIL)
def test_names_with_markup_stay_text(name: str) -> None:
    names = (name, f"x{name}", "{{three}}")
    parsed, plain = Parsed(page_of(growing_ball(3), names, title=name)), Parsed(page_of(growing_ball(3)))
    assert [tag for tag, _ in parsed.tags] == [tag for tag, _ in plain.tags]
    assert parsed.scripts[None] == plain.scripts[None]
    assert [view["name"] for view in json.loads(parsed.scripts["object"])["views"]] == list(names)


def test_the_page_is_small() -> None:
    one, five = (len(page_of(growing_ball(count))) for count in (1, 5))
    assert one < 300_000
    assert (five - one) / 4 < 30_000


def test_levels_exceed_a_threshold_exactly_where_the_occupancy_does() -> None:
    rng = np.random.default_rng(0)
    edges = np.arange(LEVELS + 1, dtype=np.float32) / np.float32(LEVELS)
    beside = np.concatenate([edges, np.nextafter(edges, np.float32(2)), np.nextafter(edges, np.float32(-1))]).clip(0, 1)
    occupancy = np.concatenate([beside, rng.random(32**3 - len(beside), np.float32)]).reshape(1, 32, 32, 32)
    content = json.loads(Parsed(page_of(occupancy)).scripts["object"])
    levels = np.frombuffer(zlib.decompress(base64.b64decode(content["occupancy"])), np.uint8).reshape(occupancy.shape)
    for n in range(LEVELS):
        np.testing.assert_array_equal(levels > n, occupancy > np.float32(n / LEVELS), str(n))


def test_a_frame_holds_the_page_unchanged_in_a_sandbox() -> None:
    document = page_of(growing_ball(2), EVIL[:2])
    parsed = Parsed(frame(document))
    assert [tag for tag, _ in parsed.tags] == ["iframe"]
    assert parsed.tags[0][1]["srcdoc"] == document
    assert parsed.tags[0][1]["sandbox"] == "allow-scripts"


def test_mismatched_counts_and_an_unsuitable_trimesh_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    views, steps, gates = np.zeros((2, 3, 127, 127)), growing_ball(2), np.zeros((1, 4, 4, 4))
    with pytest.raises(ValueError, match="2 views, but 2 names, 2 steps, 1 gates"):
        page("a", ("b", "c"), views, steps, gates, "", 0.4, "smooth")
    monkeypatch.setattr(three, "scene_to_html", lambda scene: html.escape("<script>another viewer</script>"))
    with pytest.raises(UserError, match=r"needs three.js 140.*trimesh>=4.9,<6"):
        three.three_js()


def test_the_page_uses_the_colour_of_the_meshes() -> None:
    assert f"const PLAIN = [{', '.join(map(str, COLOR))}];" in page_of(growing_ball(1))


@pytest.mark.parametrize(("asked", "shown"), [(0.0001, 1 / LEVELS), (0.4, 0.4), (0.9999, 1 - 1 / LEVELS)])
def test_the_threshold_is_kept_within_the_range_of_the_slider(asked: float, shown: float) -> None:
    views, steps, gates = np.zeros((1, 3, 4, 4)), np.zeros((1, 8, 8, 8), np.float32), np.zeros((1, 2, 2, 2))
    document = page("a", ("b",), views, steps, gates, "", asked, "smooth")
    parsed = Parsed(document)
    (slider,) = [attributes for _, attributes in parsed.tags if attributes.get("id") == "threshold"]
    assert f'"threshold": {shown}' in document
    assert float(slider["min"]) <= shown <= float(slider["max"])
