"""Owns the page itself: a pure function from facts to one HTML text.

Promises: everything that is not a template is escaped (Jinja2's autoescape), control characters are
shown as escapes, and of paths only the last part; the page asks nothing of any server, which a
Content-Security-Policy in it enforces.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from league.page.facts import PageFacts
from league.page.scenes import Scene, viewer_parts
from league.page.section import Section
from league.page.sections.attention import attention
from league.page.sections.beats import beats
from league.page.sections.maps import maps
from league.page.sections.matches import matches
from league.page.sections.opponents import opponents
from league.page.sections.places import places
from league.page.sections.progress import progress
from league.page.sections.run import run
from league.page.sections.standings import headline, standings
from league.page.sections.training import training
from league.page.sights import Attention
from league.page.words import counted, duration, moment, number, public
from league.plain_text import visible

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
)
SECTIONS = (
    *("standings", "progress", "beats", "places", "maps", "training", "opponents", "matches"),
    *("attention", "run"),
)


def page(
    facts: PageFacts,
    scenes: Sequence[Scene] = (),
    sights: Attention | None = None,
    *,
    root: str = "",
    only: Sequence[str] = SECTIONS,
) -> str:
    """Return the page of a league.

    Args:
        scenes: the matches of league.page.notable, with films where they can be watched.
        sights: what the best attention member looked at; None says that nobody looked.
        root: absolute path of the league folder, of which the page shows the name alone.
        only: keys of the sections that it has.
    """
    looked = sights or Attention(missing="Attention was not looked at for this page.")
    made = {
        "standings": lambda: standings(facts),
        "progress": lambda: progress(facts),
        "beats": lambda: beats(facts),
        "places": lambda: places(facts),
        "maps": lambda: maps(facts),
        "training": lambda: training(facts),
        "opponents": lambda: opponents(facts),
        "matches": lambda: matches(facts, scenes),
        "attention": lambda: attention(looked),
        "run": lambda: run(facts),
    }
    return render(facts, [made[key]() for key in only], scenes, root=root)


def render(
    facts: PageFacts, sections: Sequence[Section], scenes: Sequence[Scene] = (), *, root: str = ""
) -> str:
    """Return a page of these sections."""
    from markupsafe import Markup

    style, script = "", ""
    if any(scene.film for scene in scenes):
        style, script = viewer_parts()
    template = _environment().get_template("page.html")
    return template.render(
        facts=facts,
        head=_head(facts),
        headline=headline(facts),
        sections=sections,
        policy=POLICY,
        said=lambda value: "off" if value is None else public(value, root),
        style=Markup(_asset("style.css")),
        script=Markup(_asset("script.js")),
        viewer_style=Markup(style),
        viewer_script=Markup(script),
    )


def _head(facts: PageFacts) -> list[str]:
    state = facts.state
    ran = state.run.running_s if state.run else None
    return [
        moment(facts.at),
        *([] if ran is None else [f"ran {duration(ran)}"]),
        counted(len(state.members), "member"),
        counted(len(facts.matches), "rated match", "rated matches"),
        *([] if state.rules_sha256 is None else [f"rules {state.rules_sha256[:8]}"]),
    ]


@cache
def _asset(name: str) -> str:
    return files("league.page").joinpath("templates", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_asset),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(number=number, moment=moment)
    macros = environment.get_template("macros.html").module
    environment.globals.update(
        {name: getattr(macros, name) for name in ("chart", "legend", "by_axis", "family")}
    )
    return environment


def _shown(value: Any) -> Any:
    """Return what a template prints of a value: none as "-", text without control characters."""
    if value is None:
        return "-"
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return visible(value, keep="\n")
    return value
