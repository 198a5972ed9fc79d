"""Who teaches which lineage, and whether those who are named are there.

A teacher is named in the settings by a member's name or an agent spec. It is checked before a start
changes anything, and only for lineages that have not trained yet: a member that taught a lineage
may retire, be removed or be pruned.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agents.description import describe
from agents.errors import AgentError
from agents.in_tick import term_of
from agents.registry import KINDS, parse_spec, present_spec, whole_spec
from agents.scripted import other_names
from db import queries
from db.migrate import current_revision
from db.session import read_transaction
from league.errors import ConfigError
from league.folder.connect import reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from league.config.tree import LeagueConfig
    from league.folder.layout import LeagueFolder

NOBODY = "nobody"


def teachers_of(config: LeagueConfig) -> dict[str, str]:
    """Return the teacher of each lineage that the settings give one, as they name it."""
    found = {}
    for lineage in config.learners:
        teacher = config.learner.teacher if lineage.teacher is None else lineage.teacher
        if teacher is not None and teacher != NOBODY:
            found[lineage.name] = teacher
    return found


def check_teachers(folder: LeagueFolder, config: LeagueConfig, *, is_new: bool) -> None:
    """Check that whoever teaches a lineage at this start is there and can play in this league.

    Args:
        is_new: the folder has no database yet.

    Raises:
        ConfigError: a teacher is unknown, or was trained on other views.
    """
    wanted = teachers_of(config)
    if not wanted:
        return
    place = folder.database() if not is_new else None
    if place is None or (place.path is not None and not place.path.is_file()):
        _check_each(folder, config, wanted, {}, {})
        return
    with reader(folder, of_any_revision=True) as engine:
        if current_revision(engine) is None:
            _check_each(folder, config, wanted, {}, {})
            return
        with read_transaction(engine) as session:
            members = {m.name: m.agent_spec for m in queries.list_members(session)}
            trained = {e.name: e.trained_decisions for e in queries.list_learners(session)}
    _check_each(folder, config, wanted, members, trained)


def _check_each(
    folder: LeagueFolder,
    config: LeagueConfig,
    wanted: Mapping[str, str],
    members: Mapping[str, str],
    trained: Mapping[str, int],
) -> None:
    for lineage, teacher in wanted.items():
        if trained.get(lineage, 0) > 0:
            continue
        try:
            spec = spec_of(teacher, config, members)
            _check_can_play(folder, config, spec)
        except (AgentError, OSError) as error:
            raise ConfigError(f"the teacher {teacher!r} of {lineage}: {error}") from error
        if term_of(spec):
            raise ConfigError(
                f"the teacher {teacher!r} of {lineage} is played by the engine inside the tick and "
                "chooses none of the actions that a learner has; choose an agent that decides, "
                "such as scripted:strategist"
            )
        held_out = {present_spec(f"scripted:{name}"): name for name in config.rating.held_out}
        name = teacher if teacher in config.rating.held_out else held_out.get(spec)
        if name is not None:
            raise ConfigError(
                f"the teacher {teacher!r} of {lineage} is held out (rating.held_out), so that no "
                "learner is made after it; choose another teacher, or take it out of that list"
            )


def spec_of(teacher: str, config: LeagueConfig, members: Mapping[str, str]) -> str:
    """Return the agent spec of a teacher.

    Args:
        teacher: as the settings name it.
        members: name -> agent spec, of the members that there are.

    Raises:
        ConfigError: there is no member of this name.
        AgentError: it is a spec of nobody.
    """
    if teacher.partition(":")[0] in KINDS:
        kind, rest = parse_spec(whole_spec(teacher))
        return f"{kind}:{rest}"
    known = {name: f"scripted:{name}" for name in config.rating.scripted_members} | dict(members)
    for name in (teacher, *other_names(teacher)):
        if name in known:
            return known[name]
    raise ConfigError(
        f"expected learner.teacher to be a member of this league or an agent spec, found "
        f"{teacher!r}; `league members` lists the members, and scripted:strategist is a spec"
    )


def teacher_of(session: Session, config: LeagueConfig, lineage: str) -> tuple[str, str] | None:
    """Return agent spec and name of the teacher of a lineage that begins, or None.

    Raises:
        ConfigError, AgentError: as `spec_of`.
    """
    teacher = teachers_of(config).get(lineage)
    if teacher is None:
        return None
    members = {member.name: member.agent_spec for member in queries.list_members(session)}
    return spec_of(teacher, config, members), teacher


def _check_can_play(folder: LeagueFolder, config: LeagueConfig, spec: str) -> None:
    kind, _, rest = spec.partition(":")
    if kind != "snapshot":
        return
    name = f"{rest}.safetensors"
    place = folder.snapshot_place()
    path = folder.snapshots / name
    if not isinstance(place, Path) and not path.exists():
        path = place.source().file(name)
    found = describe(path)
    expected = config.views.to_views().shapes()
    if {key: tuple(shape) for key, shape in found.shapes.items()} != expected:
        raise ConfigError(
            f"expected a teacher that was trained on the views of this league, {expected}, found "
            f"{dict(found.shapes)}"
        )
