"""Every setting is listed with its range and default, and a mistyped key finds its neighbour."""

from __future__ import annotations

import pytest

from league.config.layers import resolve
from league.config.listing import chosen, list_settings, nearest
from league.config.toml import write_toml
from league.errors import ConfigError


def test_the_list_has_the_keys_of_league_toml_each_with_its_sentence() -> None:
    config = resolve("classic")
    section, keys = "", []
    for line in write_toml(config).splitlines():
        if line.startswith("["):
            section = line.strip("[]") + "."
        elif " = " in line and not line.startswith("#"):
            keys.append(section + line.partition(" = ")[0])
    found = list_settings(config)
    # Lineages are numbered here; in TOML each is a table of the same name.
    plain = [key for key in (each.key for each in found) if not key.startswith("learners.")]
    assert plain == [key for key in keys if not key.startswith("learners.")]
    assert len(plain) > 60
    assert all(each.description.endswith(".") and each.range for each in found)


@pytest.mark.parametrize(
    "key, words",
    [
        ("learner.n_matches", "a whole number from 1 to 1,024"),
        ("learner.learning_rate", "a number above 0 to 1"),
        ("views.global_size", "a whole number from 16 to 512, a multiple of 16"),
        ("arena.n_workers", "a whole number from 1 to 1,024 or off"),
        ("seed", "a whole number from 0 to 2^63 - 1"),
        ("rating.engine", "one of compiled, trueskill"),
        ("learner.tensorboard", "true or false"),
        ("maps.train", "a list of text"),
        ("database.url", "text or off"),
        ("learners.1.family", "one of attention, baseline"),
    ],
)
def test_a_range_is_said_in_words(key: str, words: str) -> None:
    (found,) = chosen(list_settings(resolve()), key)
    assert found.range == words


def test_what_differs_from_the_preset_is_marked() -> None:
    found = list_settings(resolve("classic", sets=["learner.n_epochs=7"]))
    changed = {each.key: (each.value, each.default) for each in found if each.is_changed}
    # Only what was set: the numbers of classic are this preset's own defaults.
    assert changed == {"learner.n_epochs": (7, resolve("classic").learner.n_epochs)}


def test_frozen_settings_say_so() -> None:
    found = {each.key: each.is_frozen for each in list_settings(resolve())}
    assert found["rules.n_seats"] and found["rating.engine"] and found["preset"]
    assert not found["rating.floor_share"] and not found["learner.n_matches"]


def test_a_password_is_never_listed() -> None:
    config = resolve(sets=["database.url='postgresql://me:secret@host/league'"])
    (found,) = chosen(list_settings(config), "database.url")
    assert found.value == "postgresql://me:***@host/league"


def test_a_section_gives_its_settings_and_a_wrong_key_the_nearest() -> None:
    settings = list_settings(resolve())
    assert {each.key for each in chosen(settings, "keep")} == {"keep.replays", "keep.snapshots"}
    with pytest.raises(ConfigError, match=r"did you mean learner.n_matches\?"):
        chosen(settings, "learner.n_mtches")
    assert nearest("n_matches", [each.key for each in settings]) == ["learner.n_matches"]
    with pytest.raises(ConfigError, match="`league config` lists all"):
        chosen(settings, "zzz.qqq")
