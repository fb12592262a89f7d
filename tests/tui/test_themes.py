"""Themes: what is accepted, what is refused and with which words."""

from __future__ import annotations

import os
from pathlib import Path
from queue import Queue

import pytest

from lockdeck.themes.loader import BUILTIN, ThemeCatalog, load_catalog, load_theme
from lockdeck.themes.palette import MIN_CONTRAST, ThemeError, contrast
from lockdeck.themes.watch import ThemeWatch, traits
from lockdeck.tui.app import LockdeckApp
from tests.tui.samples import incident
from tests.tui.stage import UTF8, dashboard, frame, show, wait_for

DARK = (BUILTIN / "dark.toml").read_text()


def written(folder: Path, text: str, name: str = "mine") -> Path:
    path = folder / f"{name}.toml"
    path.write_text(text)
    return path


def test_all_builtin_themes_load_and_one_has_no_colour() -> None:
    catalog = load_catalog()
    assert list(catalog.palettes) == [
        "dark",
        "light",
        "high-contrast",
        "deuteranopia",
        "tritanopia",
        "monochrome",
    ]
    assert [palette.name for palette in catalog.palettes.values() if palette.colourless] == ["monochrome"]


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#777777", "#ffffff") < MIN_CONTRAST


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('critical = "#ff8f8f bold"', 'critcal = "#ff8f8f bold"', ("style.critcal", "style.critical")),
        ('text = "#d7dee8"', 'text = "#d7dee"', ("style.text", "#rrggbb")),
        ('text = "#d7dee8"', 'text = "#d7dee8 blinking"', ("style.text", "blinking", "bold")),
        ('text = "#d7dee8"', 'text = "#303840"', ("style.text", "contrast", "4.5")),
        ('text = "#d7dee8"', "text = 3", ("style.text",)),
        ('text = "#d7dee8"', "", ("style.text", "missing")),
        ("[ground]", "[grounds]", ("grounds", "ground")),
        ("dark = true", "dark = 1", ("dark",)),
        ("dark = true", "dark = ", ("line 1",)),
    ],
)
def test_a_bad_theme_is_refused_naming_file_and_key(
    tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    path = written(tmp_path, DARK.replace(old, new))
    with pytest.raises(ThemeError) as refusal:
        load_theme(path)
    assert str(path) in str(refusal.value)
    assert all(word in str(refusal.value) for word in words)


def test_what_is_no_file_of_reasonable_size_is_no_theme(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "big.toml").write_bytes(b"#" * 100_000)
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    catalog = load_catalog([tmp_path, tmp_path / "not there"])
    assert len(catalog.problems) == 3
    assert len(catalog.palettes) == 6


async def test_a_theme_that_cannot_be_used_falls_back_to_dark_with_one_toast(tmp_path: Path) -> None:
    written(tmp_path, DARK.replace("#d7dee8", "[/nonsense]"))
    app = dashboard(catalog=load_catalog([tmp_path]), theme="mine")
    async with app.run_test(notifications=True) as pilot:
        await pilot.pause()
        assert app.theme == "dark"
        (toast,) = app._notifications
        assert "mine.toml" in toast.message
        assert "no usable theme 'mine'" in toast.message


async def test_every_theme_can_be_put_on_in_turn() -> None:
    app = dashboard()
    async with app.run_test() as pilot:
        await show(pilot, incident())
        words, worn = frame(app), []
        for _theme in app.catalog.palettes:
            await pilot.press("t")
            worn.append(app.theme)
            assert frame(app) == words
        assert worn == [*list(app.catalog.palettes)[1:], "dark"]


async def test_no_color_means_monochrome_unless_a_theme_was_asked_for() -> None:
    for env, theme, expected in (
        ({"NO_COLOR": "1"}, None, "monochrome"),
        ({"NO_COLOR": "1"}, "light", "light"),
        ({"NO_COLOR": ""}, None, "dark"),
    ):
        app = dashboard(env=UTF8 | env, theme=theme)
        async with app.run_test():
            assert app.theme == expected


async def test_monochrome_sends_no_colour() -> None:
    app = dashboard(theme="monochrome")
    async with app.run_test(size=(140, 45)) as pilot:
        for keys in ((), ("enter",), ("question_mark",)):
            await show(pilot, incident())
            await pilot.press(*keys)
            styles = [part.style for strip in app.screen._compositor.render_strips() for part in strip]
            colours = {
                colour for style in styles if style for colour in (style.color, style.bgcolor) if colour
            }
            assert all(colour.is_default for colour in colours)


def theme_text(accent: str = "#7cc7ff") -> str:
    return (BUILTIN / "dark.toml").read_text(encoding="utf-8").replace("#7cc7ff", accent)


def colours(app: LockdeckApp) -> set[str]:
    strips = app.screen._compositor.render_strips()
    styles = [part.style for strip in strips for part in strip if part.style is not None]
    return {style.color.name for style in styles if style.color is not None}


def touched(path: Path, text: str, moment: int) -> None:
    """Write a file with a time of change of its own, however fast the test is."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(moment, moment))


class Watching:
    """A watch over theme files; the catalogs that it hands over."""

    def __init__(self, folder: Path) -> None:
        self._catalogs: Queue[ThemeCatalog] = Queue()
        self._watch = ThemeWatch([folder], self._catalogs.put)

    def __enter__(self) -> Watching:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.stop()

    def next(self) -> ThemeCatalog:
        return self._catalogs.get(timeout=30)


def test_a_theme_is_read_anew_when_its_file_changes_and_when_it_goes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    touched(mine, theme_text(), 1)
    with Watching(tmp_path) as watch:
        touched(mine, theme_text("#ffd700"), 2)
        assert watch.next().palettes["mine"].styles["accent"].colour == "#ffd700"
        mine.unlink()
        assert "mine" not in watch.next().palettes


def test_a_theme_behind_a_link_is_read_anew_when_its_file_changes(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "themes", tmp_path / "elsewhere.toml"
    folder.mkdir()
    touched(elsewhere, theme_text(), 1)
    (folder / "mine.toml").symlink_to(elsewhere)
    with Watching(folder) as watch:
        touched(elsewhere, theme_text("#ffd700"), 2)
        assert watch.next().palettes["mine"].styles["accent"].colour == "#ffd700"


def test_a_folder_that_is_not_there_has_no_themes(tmp_path: Path) -> None:
    assert traits([tmp_path / "none"]) == ()


async def test_the_theme_in_use_is_put_on_anew_and_a_broken_one_is_told_once_and_stays(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "mine.toml"
    touched(mine, theme_text(), 1)
    app = dashboard(theme="mine", catalog=load_catalog([tmp_path]))
    async with app.run_test(size=(80, 24)) as pilot:
        await show(pilot, incident())
        touched(mine, theme_text("#ffd700"), 2)
        app.producers.offer_catalog(load_catalog([tmp_path]))
        await wait_for(pilot, lambda: app.stylebook.palette.styles["accent"].colour == "#ffd700")
        await wait_for(pilot, lambda: app.current_theme.accent == "#ffd700")
        await wait_for(pilot, lambda: "#ffd700" in colours(app))
        assert not app._notifications
        for moment in (3, 4):
            touched(mine, "dark = 3\n", moment)
            app.producers.offer_catalog(load_catalog([tmp_path]))
            await wait_for(pilot, lambda: bool(app.catalog.problems))
        await pilot.pause()
        assert app.stylebook.palette.styles["accent"].colour == "#ffd700"
        assert len(app._notifications) == 1


async def test_the_watch_runs_beside_the_dashboard(tmp_path: Path) -> None:
    app = dashboard(theme_folders=[tmp_path])
    async with app.run_test() as pilot:
        touched(tmp_path / "mine.toml", theme_text(), 1)
        await wait_for(pilot, lambda: "mine" in app.catalog.palettes)
