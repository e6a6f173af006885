"""The FiftyOne App in Debian's chromium, driven by Playwright."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, Route, sync_playwright

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--headless=new", "--no-sandbox", "--enable-unsafe-swiftshader"]
PATIENCE_MS = 120_000


class App:
    """One page of the App.

    Args:
        page: the page.
        folder: where screenshots go.
    """

    def __init__(self, page: Page, folder: Path) -> None:
        self.page, self.folder = page, folder

    def open(self, url: str) -> None:
        """Open a dataset, and close the advertisement."""
        self.page.goto(url, wait_until="domcontentloaded")
        self.page.locator("[data-cy='looker']").first.wait_for()
        if self.page.get_by_text("Dismiss", exact=True).count():
            self.page.get_by_text("Dismiss", exact=True).first.click()

    def picture(self, name: str) -> Path:
        """Take a screenshot."""
        path = self.folder / f"{name}.png"
        self.page.wait_for_timeout(1500)  # what is painted by a worker tells nobody when it is done
        self.page.screenshot(path=path)
        return path

    def open_operator(self, title: str) -> None:
        """Open the form of an operator, as a user does: the backtick key, its name, Enter."""
        self.page.keyboard.press("`")
        self.page.get_by_placeholder("Search operations by name...").wait_for()
        self.page.keyboard.type(title)
        self.page.get_by_text(title, exact=True).first.wait_for()
        self.page.keyboard.press("Enter")
        self.page.get_by_role("button", name="Execute", exact=True).wait_for()

    def fill(self, label: str, value: str) -> None:
        """Fill a field of the form, and wait until the form has been made anew."""
        self.page.locator(f"xpath=//*[normalize-space(text())='{label}']/following::input[1]").fill(value)
        self.page.wait_for_timeout(1500)

    def choose(self, present: str, wanted: str) -> None:
        """Choose another entry of a drop-down, both named by how they begin."""
        self.page.get_by_role("combobox").filter(has_text=present).click()
        self.page.get_by_role("option").filter(has_text=wanted).click()

    def execute(self, said: str) -> None:
        """Press the button of the form, wait for what is said in the end, and close the bar."""
        self.page.get_by_role("button", name="Execute", exact=True).click()
        self.page.get_by_text(said).wait_for()
        self.page.get_by_role("button", name="Done", exact=True).click()

    def open_sample(self, number: int = 0) -> None:
        """Open a sample of the grid."""
        self.page.locator("[data-cy='looker']").nth(number).click()
        self.page.locator("[data-cy='modal']").wait_for()

    def toggle(self, field: str) -> None:
        """Show or hide a field of the open sample."""
        self.page.locator(f"[data-cy='modal'] [data-cy='checkbox-{field}']").click()


@contextmanager
def browser(folder: Path) -> Iterator[App]:
    """A browser that talks to this machine alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = chromium.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(PATIENCE_MS)
        page.route("**/*", _stay_here)
        try:
            yield App(page, folder)
        except Exception:
            page.screenshot(path=folder / "failure.png")
            raise
        finally:
            chromium.close()


def _stay_here(route: Route) -> None:
    """Fonts and statistics of other hosts are neither needed nor wanted."""
    if "127.0.0.1" in route.request.url or route.request.url.startswith(("data:", "blob:")):
        route.continue_()
    else:
        route.abort()
