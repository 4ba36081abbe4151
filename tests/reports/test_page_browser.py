"""The page as people open it: in Chromium, from a file, in light, in dark, on a phone, on paper."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from reports import __main__ as command
from reports.formats import FORMATS
from tests.daemons import toolbox
from tests.policies.real import items_of
from tests.recorder import Recorder
from tests.reports import events, small
from tests.reports.small import HOSTILE, ITEMS, WAIVER, item

pytestmark = pytest.mark.daemons

WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
INJECTED = (
    '<button id="hit" onclick="document.title = 1">x</button>'
    '<img src="x" onerror="document.title = 2">'
)
PHONE = {"width": 390, "height": 844}


@dataclass(kw_only=True)
class Opened:
    """A page, and what it did that it should not."""

    page: Page
    asked: list[str] = field(default_factory=list)
    failed: list[str | None] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def status(self) -> str:
        return self.page.locator("#count").inner_text()

    def rules(self) -> list[str]:
        """Names of the rules that are shown."""
        found = self.page.locator("details.rule:not([hidden])").evaluate_all(
            "all => all.map(e => e.id)"
        )
        return [each.removeprefix("rule-") for each in found]


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=toolbox.command("chromium")[0])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    contexts = []

    def open_(path: Path, fragment: str = "", **options: Any) -> Opened:
        context = browser.new_context(**options)
        contexts.append(context)
        made = Opened(page=context.new_page())
        made.page.on("request", lambda request: made.asked.append(request.url))
        made.page.on("requestfailed", lambda request: made.failed.append(request.failure))
        made.page.on("console", lambda message: made.said.append(message.text))
        made.page.on("pageerror", lambda error: made.said.append(str(error)))
        made.page.goto(f"{path.as_uri()}{fragment}")
        return made

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def prod(
    program_of: Callable[[str, bool], Recorder], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of production's report: preview, deployment and state."""
    folder = tmp_path_factory.mktemp("prod")
    items = items_of(program_of("prod", False), "prod")
    logs = [
        events.written(folder, name, events.log(items, preview=name == "preview"))
        for name in ("preview", "deployed")
    ]
    (folder / "state.json").write_text(json.dumps(events.state(items)))
    command.write(logs, folder / "state.json", folder / "report")
    return folder / "report"


@pytest.fixture(scope="module")
def told(prod: Path) -> Mapping[str, Any]:
    return json.loads((prod / "report.json").read_text())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small page with every outcome and a name that wants to run."""
    folder = tmp_path_factory.mktemp("hostile")
    image = '<img src=x onerror="document.title=`broken`">'
    items = [*ITEMS, item(HOSTILE, open=True), item(image, breaks=True)]
    (folder / "state.json").write_text(json.dumps(events.state(items)))
    report = small.report(folder, items, waivers=[WAIVER], state=folder / "state.json")
    path = folder / "report.html"
    path.write_text(FORMATS["report.html"](report))
    return path


# -- what it does by itself ----------------------------------------------------------------------
def test_the_page_asks_for_nothing_and_complains_of_nothing(prod: Path, opened: Open):
    page = prod / "report.html"
    made = opened(page)
    for each in made.page.locator("details").all()[:20]:
        each.evaluate("e => { e.open = true }")
    assert made.asked == [page.as_uri()], "a report on paper's terms needs no network"
    assert made.said == []
    assert made.page.title() == "Policy report: arches/prod"


def test_a_hostile_name_and_an_injected_handler_do_not_run(hostile: Path, opened: Open):
    made = opened(hostile)
    assert HOSTILE in (made.page.locator("#rule-bucket-closed").text_content() or "")
    assert made.said == []
    made.page.evaluate("markup => document.body.insertAdjacentHTML('afterbegin', markup)", INJECTED)
    made.page.click("#hit")
    assert made.page.title() == "Policy report: arches/dev", "the page's policy lets markup run"
    assert len([line for line in made.said if "Content Security Policy" in line]) >= 2
    assert made.failed == ["csp"], "even the image is not loaded"


# -- filter --------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", ["verdict", "severity", "room"])
def test_a_choice_shows_the_rules_of_it(
    prod: Path, told: Mapping[str, Any], opened: Open, key: str
):
    made = opened(prod / "report.html")
    for value in sorted({rule[key] for rule in told["rules"]})[:4]:
        made.page.select_option(f"#{key}", value)
        expected = {rule["name"] for rule in told["rules"] if rule[key] == value}
        assert set(made.rules()) == expected
        assert made.status() == f"{len(expected)} of {len(told['rules'])} rules"


def test_a_framework_shows_the_rules_that_answer_it(
    prod: Path, told: Mapping[str, Any], opened: Open
):
    made = opened(prod / "report.html")
    for framework in told["frameworks"]:
        made.page.select_option("#framework", framework["key"])
        expected = {name for control in framework["controls"] for name in control["rules"]}
        assert set(made.rules()) == expected, framework["title"]


def test_the_checklist_shows_the_rules_that_guard_it(
    prod: Path, told: Mapping[str, Any], opened: Open
):
    made = opened(prod / "report.html")
    made.page.check("#checklist")
    expected = {rule["name"] for rule in told["rules"] if rule["checklist"]}
    assert set(made.rules()) == expected
    assert 0 < len(expected) < len(told["rules"])


def test_words_find_rules_by_all_that_stands_in_them(
    prod: Path, told: Mapping[str, Any], opened: Open
):
    made = opened(prod / "report.html")
    rule = told["rules"][0]
    made.page.fill("#search", f"  {rule['name'].upper()} {rule['why'].split()[0]} ")
    assert rule["name"] in made.rules()
    made.page.fill("#search", "no-rule-says-this")
    assert made.rules() == []
    assert made.status() == f"0 of {len(told['rules'])} rules"
    made.page.fill("#search", "")
    assert len(made.rules()) == len(told["rules"])


def test_choices_narrow_each_other(prod: Path, told: Mapping[str, Any], opened: Open):
    made = opened(prod / "report.html")
    room = told["rules"][0]["room"]
    made.page.select_option("#severity", "high")
    made.page.select_option("#room", room)
    assert set(made.rules()) == {
        rule["name"] for rule in told["rules"] if (rule["severity"], rule["room"]) == ("high", room)
    }
    made.page.locator("#search").press("Enter")
    assert made.page.url == (prod / "report.html").as_uri(), "a form that is sent loses the page"


# -- links ---------------------------------------------------------------------------------------
def test_a_link_opens_its_rule_also_a_hidden_one(prod: Path, told: Mapping[str, Any], opened: Open):
    first, last = (told["rules"][place]["name"] for place in (0, -1))
    made = opened(prod / "report.html", f"#rule-{last}")
    shown = made.page.locator(f"#rule-{last}")
    assert shown.get_attribute("open") is not None
    assert shown.evaluate("e => e.getBoundingClientRect().top < innerHeight")
    made.page.fill("#search", "no-rule-says-this")
    made.page.evaluate(f"location.hash = 'rule-{first}'")
    made.page.wait_for_selector(f"#rule-{first}[open]", state="visible")
    assert made.said == []


def test_every_section_of_the_navigation_is_reached(prod: Path, opened: Open):
    made = opened(prod / "report.html")
    for link in made.page.locator("nav a").all():
        target = (link.get_attribute("href") or "").removeprefix("#")
        link.click()
        heading = made.page.locator(f"h2#{target}")
        assert heading.is_visible()
        assert heading.evaluate("e => e.getBoundingClientRect().top < innerHeight")


# -- paper ---------------------------------------------------------------------------------------
def test_on_paper_every_rule_has_its_table_and_nothing_is_to_be_clicked(
    hostile: Path, opened: Open
):
    made = opened(hostile)
    page = made.page
    page.locator("#rule-store-owned").evaluate("e => { e.open = true }")
    page.fill("#search", "no-rule-says-this")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert not page.locator("#filter").is_visible()
    assert not page.locator("nav").is_visible()
    for each in page.locator("details.rule").all():
        assert each.is_visible(), "a filter must not make paper lack a rule"
        assert each.locator("table, p").first.is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert made.rules() == [], "after printing the page is as it was"
    assert page.locator("#rule-store-owned").get_attribute("open") is not None
    assert page.locator("#rule-bucket-closed").get_attribute("open") is None
    paper = page.pdf(format="A4")
    assert paper.startswith(b"%PDF-")


# -- people --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("which", "scheme"),
    [("whole", "light"), ("every part open", "light"), ("every part open", "dark")],
)
def test_an_accessibility_checker_finds_nothing(
    prod: Path, hostile: Path, opened: Open, which: str, scheme: str
):
    path = prod / "report.html" if which == "whole" else hostile
    page = opened(path, color_scheme=scheme).page
    if which != "whole":
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    page.evaluate(toolbox.axe().read_text(encoding="utf-8"))
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", list(WCAG)
    )
    assert len(found["passes"]) > 10, "the checker did not see the page"
    wrong = [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]
    assert not wrong


def test_dark_is_dark_and_light_is_light(hostile: Path, opened: Open):
    def ground(scheme: str) -> str:
        page = opened(hostile, color_scheme=scheme).page
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert (ground("light"), ground("dark")) == ("rgb(255, 255, 255)", "rgb(21, 24, 28)")


@pytest.mark.parametrize("which", ["whole", "every part open"])
def test_a_phone_scrolls_down_only(prod: Path, hostile: Path, opened: Open, which: str):
    page = opened(prod / "report.html" if which == "whole" else hostile, viewport=PHONE).page
    if which != "whole":
        page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_the_keyboard_reaches_the_report_and_a_table_that_scrolls(hostile: Path, opened: Open):
    page = opened(hostile, viewport=PHONE).page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the report"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"


def test_the_pictures_are_of_the_deployment_and_have_a_table_beside_them(
    prod: Path, told: Mapping[str, Any], opened: Open
):
    page = opened(prod / "report.html").page
    for picture in told["pictures"]:
        part = page.locator("details", has=page.locator("svg", has_text=picture["title"]))
        part.evaluate("e => { e.open = true }")
        svg = part.locator("svg")
        assert svg.is_visible()
        assert (svg.text_content() or "").startswith(picture["title"])
        assert part.locator("tbody tr").count() == len(picture["edges"]) > 10
        shown = (svg.text_content() or "").replace("\u00a0", " ")
        for node in picture["nodes"]:
            assert node["label"].split("/")[-1][:20] in shown
