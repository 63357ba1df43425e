"""Opens every page of the built book in Chromium and looks for what a reader would stumble over.

    cargo xtask book --check                                  (builds it, installs Playwright, calls this)
    python tests/book/browser.py target/book [--shots DIR]

Every page is opened at 1280 and at 390 pixels' width, in the light theme and in a dark one. It must make no request to
another machine and leave no error in the console; pictures must be there, links lead somewhere, formulas be set, text be readable;
nothing but what scrolls by itself may be wider than the window. The search must find what is in the book, and the page for
printing must hold all of it.

Needs Python's playwright and a Chromium, Debian's package of that name or the one that CHROMIUM names.
"""

import argparse
import functools
import http.server
import os
import shutil
import sys
import threading
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = [1280, 390]
THEMES = ["light", "ayu"]
# Between text and its ground, WCAG 2.2 level AA.
CONTRAST = 4.5

# What one page says about itself. Fonts and pictures are waited for first.
LOOK = """async () => {
    await document.fonts.ready;
    const main = document.querySelector('main');
    const pictures = [...document.images];
    for (const picture of pictures) picture.loading = 'eager';
    await Promise.all(pictures.map(picture => picture.decode().catch(() => null)));
    const seen = element => element.offsetParent !== null;

    const channels = text => (text.match(/[\\d.]+/g) || []).map(Number);
    const luminance = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const ground = element => {
        for (; element; element = element.parentElement) {
            const [r, g, b, alpha = 1] = channels(getComputedStyle(element).backgroundColor);
            if (alpha > 0.5) return [r, g, b];
        }
        return [255, 255, 255];
    };
    const faint = {};
    for (const element of main.querySelectorAll('p, li, td, th, a, code, code span, h1, h2, h3, em, summary, .katex')) {
        if (!seen(element) || !element.textContent.trim()) continue;
        const text = luminance(channels(getComputedStyle(element).color)), under = luminance(ground(element));
        const contrast = (Math.max(text, under) + 0.05) / (Math.min(text, under) + 0.05);
        const name = `${element.tagName.toLowerCase()}.${element.className}`;
        if (contrast < (faint[name] ?? 99)) faint[name] = contrast;
    }

    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    const raw = [];
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (parent.closest('pre, code, .katex-mathml, script')) continue;
        if (/\\$|\\\\(frac|mathbb|text)/.test(walker.currentNode.data)) raw.push(walker.currentNode.data.trim().slice(0, 60));
    }
    const edge = document.documentElement.clientWidth;
    const scrolls = element => { for (; element && element !== main; element = element.parentElement)
        if (['auto', 'scroll', 'hidden'].includes(getComputedStyle(element).overflowX)) return true; return false; };
    const wide = [...main.querySelectorAll('*')].filter(e => seen(e) && e.getBoundingClientRect().right > edge + 1 && !scrolls(e));
    return {
        title: document.title,
        headings: [...main.querySelectorAll('h1')].map(e => e.textContent.trim()),
        broken: pictures.filter(p => !p.naturalWidth).map(p => p.src),
        mute: [...main.querySelectorAll('img')].filter(p => !p.alt.trim()).map(p => p.src),
        links: [...main.querySelectorAll('a[href]')].map(a => a.href),
        ids: [...document.querySelectorAll('[id]')].map(e => e.id),
        overflow: document.documentElement.scrollWidth - edge,
        wide: wide.slice(0, 3).map(e => `${e.tagName.toLowerCase()}: ${e.textContent.trim().slice(0, 40)}`),
        faint, raw,
        formulas: main.querySelectorAll('.katex').length,
        errors: main.querySelectorAll('.katex-error').length,
        fonts: [...document.fonts].filter(f => f.family.includes('KaTeX') && f.status === 'loaded').length,
        listings: main.querySelectorAll('pre > code').length,
        copies: main.querySelectorAll('pre .clip-button').length,
        empty: [...main.querySelectorAll('pre > code')].filter(e => !e.textContent.trim()).length,
    };
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def copyfile(self, source, outputfile):
        try:
            super().copyfile(source, outputfile)
        except ConnectionError:
            pass  # The window went to the next page before all of this one had come.


class Book:
    def __init__(self, folder, browser, shots):
        self.folder, self.browser, self.shots, self.problems = folder, browser, shots, []
        handler = functools.partial(Quiet, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{server.server_port}/"
        printed = {"print.html", "404.html", "toc.html", "index.html"}
        self.pages = sorted(p.name for p in folder.glob("*.html") if p.name not in printed)

    def problem(self, where, what):
        self.problems.append(f"{where}: {what}")

    def open(self, width, theme):
        """A browser window in which what goes wrong is written down."""
        context = self.browser.new_context(viewport={"width": width, "height": 900})
        context.add_init_script(f"localStorage.setItem('mdbook-theme', '{theme}')")
        page = context.new_page()
        where = lambda: f"{page.url.removeprefix(self.address) or 'a page'} at {width}, {theme}"
        page.on("console", lambda m: m.type == "error" and self.problem(where(), f"console: {m.text}"))
        page.on("pageerror", lambda error: self.problem(where(), f"script: {error}"))
        # What the window itself breaks off when it goes to the next page is no failure.
        failed = lambda r: r.failure == "net::ERR_ABORTED" or self.problem(where(), f"not loaded: {r.url}")
        page.on("requestfailed", failed)
        page.on("request", lambda r: self.local(r.url) or self.problem(where(), f"asks for {r.url}"))
        return page

    def local(self, url):
        return url.startswith((self.address, "data:", "blob:"))

    def look(self, page, name, width, theme):
        page.goto(self.address + name)
        found = page.evaluate(LOOK)
        where = f"{name} at {width}, {theme}"
        for kind in ["broken", "mute", "raw", "wide"]:
            for what in found[kind]:
                self.problem(where, f"{kind}: {what}")
        if found["overflow"] > 0:
            self.problem(where, f"is {found['overflow']} pixels wider than the window")
        for element, contrast in found["faint"].items():
            if contrast < CONTRAST:
                self.problem(where, f"{element} has contrast {contrast:.1f}")
        if found["errors"]:
            self.problem(where, f"{found['errors']} formulas are not set")
        if found["formulas"] and not found["fonts"]:
            self.problem(where, "formulas without their fonts")
        if found["copies"] != found["listings"]:
            self.problem(where, f"{found['copies']} of {found['listings']} listings can be copied")
        if found["empty"]:
            self.problem(where, f"{found['empty']} listings are empty")
        if self.shots:
            self.shots.mkdir(parents=True, exist_ok=True)
            path = self.shots / f"{name.removesuffix('.html')}-{width}-{theme}.png"
            page.screenshot(path=path, full_page=True)
        return found

    def check_links(self, found):
        ids = {name: set(page["ids"]) for name, page in found.items()}
        for name, page in found.items():
            for link in page["links"]:
                if not self.local(link):
                    continue
                target, _, heading = link.removeprefix(self.address).partition("#")
                target = target or "index.html"
                if not (self.folder / target).is_file():
                    self.problem(name, f"link to {target}, which is not there")
                elif heading and target in ids and heading not in ids[target]:
                    self.problem(name, f"link to {target}#{heading}: no such place")

    def check_search(self):
        page = self.open(1280, "light")
        page.goto(self.address + self.pages[0])
        page.click("#mdbook-search-toggle, #search-toggle")
        page.locator("#mdbook-searchbar, #searchbar").press_sequentially("gradient penalty")
        results = "#mdbook-searchresults a, #searchresults a"
        page.wait_for_selector(results, timeout=20_000)
        texts = page.locator(results).all_inner_texts()
        if not any("WGAN-GP" in text for text in texts):
            self.problem("search", f"'gradient penalty' finds {texts}")

    def check_print(self, found):
        page = self.open(1280, "light")
        page.add_init_script("window.print = () => {}")
        whole = self.look(page, "print.html", 1280, "light")
        for name, page in found.items():
            if len(page["headings"]) != 1:
                self.problem(name, f"{len(page['headings'])} headings of the first rank")
            for heading in set(page["headings"]) - set(whole["headings"]):
                self.problem("print.html", f"lacks {heading}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--shots", type=Path, help="keep a picture of every page in this folder")
    args = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        sys.exit("browser.py: no Chromium; install Debian's package chromium, or name one by CHROMIUM")
    options = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    options += ["--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=options)
        book = Book(args.folder, browser, args.shots)
        for width in WIDTHS:
            for theme in THEMES:
                page = book.open(width, theme)
                found = {name: book.look(page, name, width, theme) for name in book.pages}
        book.check_links(found)
        book.check_search()
        book.check_print(found)
        browser.close()
    for problem in dict.fromkeys(book.problems):
        print(problem)
    formulas = sum(page["formulas"] for page in found.values())
    print(f"{len(book.pages)} pages, {formulas} formulas, at {WIDTHS} pixels, {' and '.join(THEMES)}: "
          f"{len(set(book.problems))} problems")
    sys.exit(bool(book.problems))


main()
