"""All pages in TeX and in a browser: `python -m pytest -m pages tests/book`.

Needs pdflatex, xelatex with the packages of texlive-latex-extra and texlive-lang-korean, and a
Chromium; with AXE_CORE naming axe-core's axe.min.js, its rules are run on every page as well.  What
is not installed is skipped.
"""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from symdl.book.gallery import gallery
from symdl.book.pages import Page, folder, pages

pytestmark = pytest.mark.pages

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MOST = 5.0  # points that a line may stick out
PHONE = 360
TALLEST = 3  # runs of TeX at most: the columns of long tables settle in the second


def _committed(self):
    return (folder() / self.path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Galleries of the pages as they are committed, by language and format."""
    made = {}

    def build(lang, shown_as):
        if (lang, shown_as) not in made:
            where = tmp_path_factory.mktemp(f"{lang}-{shown_as}") / "out"
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Page, "markdown", _committed)
                gallery(where, lang, shown_as)
            made[lang, shown_as] = where
        return made[lang, shown_as]

    return build


# ------------------------------------------------------------------------------------------ TeX


def _complaints(log):
    """Errors, letters that no font has, and what sticks out."""
    found = [line for line in log.splitlines() if line.startswith(("!", "Missing character"))]
    for line, points in re.findall(r"(Overfull \\[hv]box \(([\d.]+)pt too .*)", log):
        if float(points) > MOST:
            found.append(line)
    return found


def _compiled(engine, path):
    for _ in range(TALLEST):
        done = subprocess.run(
            [engine, "-interaction=nonstopmode", "-halt-on-error", path.name],
            cwd=path.parent, capture_output=True, timeout=300, check=False,
        )  # fmt: skip
        log = path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
        # the log breaks lines wherever it likes
        if "Rerun LaTeX" not in log.replace("\n", "") or done.returncode:
            break
    return _complaints(log)


@pytest.mark.parametrize("path", [p.path for p in pages()])
@pytest.mark.parametrize(("lang", "engine"), [("en", "pdflatex"), ("ko", "xelatex")])
def test_a_latex_page_compiles_and_fits(built, lang, engine, path):
    if shutil.which(engine) is None:
        pytest.skip(f"there is no {engine}")
    source = (built(lang, "latex") / path).with_suffix(".tex")
    assert source.read_text(encoding="utf-8").startswith(f"% {engine}\n")
    assert _compiled(engine, source) == []


def test_what_is_wrong_in_tex_is_seen(tmp_path):
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex")
    start, end = "\\documentclass{article}\\begin{document}\n", "\n\\end{document}\n"
    for body, said in (("\\unheard", "Undefined"), ("$" + "x" * 200 + "$", "Overfull")):
        path = tmp_path / "wrong.tex"
        path.write_text(start + body + end)
        assert said in "".join(_compiled("pdflatex", path))


# ------------------------------------------------------------------------------------- browser

_LOOK = """
async function look(url) {
  const frame = document.createElement('iframe');
  frame.width = WIDTH; frame.height = 740; frame.src = url;
  document.body.append(frame);
  await new Promise(done => frame.onload = done);
  const page = frame.contentDocument, view = frame.contentWindow;
  page.querySelectorAll('details').forEach(d => d.open = true);
  const said = {
    url, title: page.title, wide: page.scrollingElement.scrollWidth, room: view.innerWidth,
    flat: [...page.querySelectorAll('main math')]
      .filter(m => !m.getBoundingClientRect().width).length,
    far: view.performance.getEntriesByType('resource').map(r => r.name)
      .filter(name => !name.startsWith('file:')),
    rules: [],
  };
  if (typeof axe !== 'undefined') {
    const script = page.createElement('script');
    script.textContent = document.scripts[0].textContent;
    page.head.append(script);
    // axe does not read MathML: a heading that is a formula looks empty to it
    const off = {enabled: false};
    const found = await view.axe.run(page,
      {rules: {'empty-heading': off, 'empty-table-header': off}});
    said.rules = found.violations.map(v => v.id + ': ' + v.nodes[0].html.slice(0, 200));
  }
  frame.remove();
  return said;
}
(async () => {
  const all = [];
  for (const url of PAGES) all.push(await look(url));
  document.getElementById('said').textContent = JSON.stringify(all);
})();
"""


def _seen(files, where, axe=""):
    """What a browser without a network says of the pages, and of what it met while loading them."""
    urls = json.dumps([f.as_uri() for f in files])
    script = _LOOK.replace("WIDTH", str(PHONE)).replace("PAGES", urls)
    harness = where / "harness.html"
    harness.write_text(
        '<!DOCTYPE html><meta charset="utf-8"><body><pre id="said"></pre>'
        f"<script>{axe}</script><script>{script}</script>",
        encoding="utf-8",
    )
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-web-security",
         "--allow-file-access-from-files", "--disable-background-networking",
         f"--user-data-dir={where / 'profile'}", "--enable-logging=stderr",
         "--virtual-time-budget=10000000", "--dump-dom", harness.as_uri()],
        capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    found = re.search(r'<pre id="said">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return json.loads(html.unescape(found[1])), console


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_every_page_fits_a_phone_and_loads_nothing_from_afar(built, tmp_path, lang):
    files = sorted(built(lang, "html").rglob("*.html"))
    axe = os.environ.get("AXE_CORE")
    source = Path(axe).read_text(encoding="utf-8").replace("</script", "<\\/script") if axe else ""
    pages_seen, console = _seen(files, tmp_path, source)
    assert len(pages_seen) == len(files)
    assert console == []
    for page in pages_seen:
        assert page["title"]
        assert page["wide"] <= page["room"], page["url"]
        assert page["flat"] == 0, page["url"]
        assert page["far"] == [], page["url"]
        assert page["rules"] == [], page["url"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_what_is_wrong_in_the_browser_is_seen(tmp_path):
    wide = tmp_path / "wide.html"
    wide.write_text('<!DOCTYPE html><title>t</title><body><div style="width: 900px">x</div>')
    loud = tmp_path / "loud.html"
    loud.write_text(
        "<!DOCTYPE html><title>t</title><main><math><mi></mi></math></main>"
        '<img src="http://127.0.0.1:9/x.png"><script>console.error("loud")</script>'
    )
    (first, second), console = _seen([wide, loud], tmp_path)
    assert first["wide"] > first["room"]
    assert second["far"] == ["http://127.0.0.1:9/x.png"]
    assert second["flat"] == 1
    assert any("loud" in line for line in console)
