from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import BaseModel

from arena.territory.observation.views import CLASSIC_VIEWS, SMALL_VIEWS
from league.config.layers import check_frozen, resolve
from league.config.toml import write_toml
from league.config.tree import HELD_OUT, PRESETS, LeagueConfig
from league.errors import ConfigError


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_written_as_toml_reads_back_the_same(preset: str, tmp_path: Path) -> None:
    config = resolve(preset, None, ["learner.target_kl=off", "network.channels=[16, 24]"])
    path = tmp_path / "league.toml"
    path.write_text(write_toml(config))
    assert resolve(None, path) == config
    assert config.learner.target_kl is None and config.network.to_torso().channels == (16, 24)


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_stored_as_json_reads_back_the_same(preset: str) -> None:
    config = resolve(preset)
    assert LeagueConfig.from_json(config.to_json()) == config


def test_presets_are_those_of_the_rules() -> None:
    small, classic = resolve("small"), resolve("classic")
    assert (small.rules.max_ticks, classic.rules.max_ticks) == (1_500, 6_000)
    assert small.views.to_views() == SMALL_VIEWS
    assert classic.views.to_views() == CLASSIC_VIEWS
    assert [learner.family for learner in small.learners] == ["attention", "baseline"]


def _sections(model: type[BaseModel]) -> list[type[BaseModel]]:
    found = [model]
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found += _sections(field.annotation)
    return found


def test_every_field_has_a_sentence() -> None:
    for section in _sections(LeagueConfig):
        for name, field in section.model_fields.items():
            assert (field.description or "").endswith("."), f"{section.__name__}.{name}"


def test_the_command_line_wins_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text('preset = "classic"\n[learner]\nn_epochs = 7\nbatch_size = 64\n')
    config = resolve(None, path, ["learner.batch_size=128", "learner.device=cpu"])
    assert config.rules.max_ticks == 6_000
    assert (config.learner.n_epochs, config.learner.batch_size) == (7, 128)
    assert config.learner.device == "cpu"


def test_a_given_map_replaces_both_lists() -> None:
    config = resolve("small", None, (), ["maps/mine"])
    assert config.maps.train == config.maps.rate == ("maps/mine",)


@pytest.mark.parametrize(
    ("text", "gamma"), [(".996", 0.996), ("+.5", 0.5), ("1.", 1.0), ("9.9e-1", 0.99), (".5e0", 0.5)]
)
def test_a_number_is_taken_as_people_write_it(text: str, gamma: float) -> None:
    assert resolve("small", None, [f"learner.gamma={text}"]).learner.gamma == gamma


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("learner.n_epoch=3", ["unknown key learner.n_epoch", "did you mean n_epochs?"]),
        ("nonsense.x=1", ["unknown key nonsense", "known: preset"]),
        ("learner.n_epochs=0", ["learner.n_epochs", "found 0"]),
        ("learner.target_kl=-1", ["learner.target_kl", "found -1"]),
        ("learner.batch_size=9000", ["batch_size (9000)", "n_steps (4096)"]),
        ("learner.n_steps=1.5", ["learner.n_steps", "found 1.5"]),
        ("learner.n_epochs=true", ["learner.n_epochs", "found True"]),
        ("rules.n_seats=4", ["learner.seats_per_match (5)", "rules.n_seats (4)"]),
        ("rules=3", ["expected a section with keys of its own for rules"]),
        ("views.local_size=33", ["views.local_size", "multiple of 16"]),
        ("network.heads=5", ["fusion (96)", "heads (5)"]),
        ("rating.anchors=['idle']", ["anchors must include tribe"]),
        ("learners=[{name='a', family='cnn'}]", ["learners.0.family", "'cnn'"]),
        ("learner", ["expected key=value"]),
        ("learner..x=1", ["expected key=value"]),
    ],
)
def test_a_wrong_setting_is_a_sentence_with_key_and_place(setting: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve("small", None, [setting])
    for word in ["--set", *words] if "seats" not in setting else words:
        assert word in str(caught.value)


def test_a_wrong_key_in_the_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text("[learner]\nlearning_rat = 1e-4\n")
    with pytest.raises(ConfigError, match=r"league\.toml: unknown key learner\.learning_rat"):
        resolve(None, path)
    path.write_text("[learner\n")
    with pytest.raises(ConfigError, match="expected a readable TOML file"):
        resolve(None, path)


def test_anchors_may_be_named_as_older_leagues_named_them(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text("[rating]\nanchors = ['wait', 'tribe']\n")
    config = resolve(None, path)
    assert config.rating.anchors == ("idle", "tribe")
    stored = {**config.to_json(), "rating": {"anchors": ["wait", "tribe"]}}
    assert LeagueConfig.from_json(stored).rating.anchors == ("idle", "tribe")
    assert stored["rating"] == {"anchors": ["wait", "tribe"]}  # the argument stays as it was


def test_the_team_share_may_be_called_fellows_in_every_layer(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text("[learner.reward]\nfellows = 0.25\ndeath = 1.5\n")
    reward = resolve(None, path).learner.reward
    assert (reward.team_share, reward.death) == (0.25, 1.5)
    assert resolve(None, None, ["learner.reward.fellows=0.3"]).learner.reward.team_share == 0.3


@pytest.mark.parametrize("names", [("fellows", "team_share"), ("team_share", "fellows")])
def test_the_later_layer_wins_whichever_name_each_uses(
    names: tuple[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "league.toml"
    path.write_text(f"[learner.reward]\n{names[0]} = 0.25\n")
    given = f"learner.reward.{names[1]}=0.75"
    assert resolve(None, path, [given]).learner.reward.team_share == 0.75
    again = [given, f"learner.reward.{names[0]}=0.125"]
    assert resolve(None, path, again).learner.reward.team_share == 0.125


def test_one_layer_with_both_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_text("[learner.reward]\nfellows = 0.25\nteam_share = 0.25\n")
    with pytest.raises(ConfigError, match=r"league\.toml: expected .*team_share or its old name"):
        resolve(None, path)


def test_a_wrong_value_under_the_old_name_names_its_place() -> None:
    setting = "learner.reward.fellows=2.0"
    with pytest.raises(ConfigError, match=r"--set learner.reward.fellows=2.0: .*team_share.*2\.0"):
        resolve("small", None, [setting])


def test_settings_stored_under_the_old_name_read_back_and_stay_frozen_as_they_were() -> None:
    config = resolve("small", None, ["learner.reward.team_share=0.25"])
    stored = config.to_json()
    stored["learner"]["reward"]["fellows"] = stored["learner"]["reward"].pop("team_share")
    assert LeagueConfig.from_json(stored) == config
    assert "fellows" in stored["learner"]["reward"]  # the argument stays as it was
    check_frozen(stored, config)
    with pytest.raises(ConfigError, match=r"rules\.max_ticks .* stored 1500, given 900"):
        check_frozen(stored, resolve("small", None, ["rules.max_ticks=900"]))


def test_an_unknown_preset_and_another_preset_than_the_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected one of small, classic, real, found 'huge'"):
        resolve("huge")
    path = tmp_path / "league.toml"
    path.write_text('preset = "small"\n')
    with pytest.raises(ConfigError, match="says 'small', --preset says 'classic'"):
        resolve("classic", path)


def test_frozen_settings_name_key_stored_and_given_value() -> None:
    stored = resolve("small").to_json()
    check_frozen(stored, resolve("small", None, ["learner.n_epochs=9", "seed=3"]))
    with pytest.raises(ConfigError, match=r"rules\.max_ticks .* stored 1500, given 900"):
        check_frozen(stored, resolve("small", None, ["rules.max_ticks=900"]))
    with pytest.raises(ConfigError, match=r"network\.norm .* stored 'group', given 'batch'"):
        check_frozen(stored, resolve("small", None, ["network.norm=batch"]))


@pytest.mark.parametrize(
    "text",
    [
        ".".join(["a"] * 2000) + " = 1",
        "[learner]\nn_epochs = " + "[" * 5000 + "]" * 5000,
        "[learner]\nn_epochs = " + "9" * 5000,
        "[learner]\nclip_range = inf",
        "[learner]\nn_epochs = " + str(2**63),
    ],
)
def test_a_file_that_nothing_can_hold_is_a_short_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "league.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="found a mistake") as refused:
        resolve("small", path)
    assert len(str(refused.value)) < 500


def test_a_byte_order_mark_before_the_settings_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "league.toml"
    path.write_bytes(b"\xef\xbb\xbf" + write_toml(resolve("small")).encode())
    assert resolve(None, path) == resolve("small")


def test_the_file_says_off_for_none_and_comments_every_key() -> None:
    text = write_toml(resolve("small"))
    assert tomllib.loads(text)["database"]["url"] == "off"
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            assert lines[number - 1].startswith("#"), line


def test_new_leagues_hold_members_out_and_older_ones_go_on_without(tmp_path: Path) -> None:
    assert resolve().rating.held_out == HELD_OUT
    path = tmp_path / "league.toml"
    path.write_text("preset = 'small'\n")  # of a version that did not know the setting
    assert resolve(toml=path).rating.held_out == ()
    stored = {"rating": {"anchors": ["idle", "tribe"]}}
    assert LeagueConfig.from_json(stored).rating.scripted_members == ("idle", "tribe")


def test_a_member_is_not_held_out_and_trained_against_at_once() -> None:
    with pytest.raises(ConfigError, match="must not share members, found strategist"):
        resolve(sets=("rating.held_out=['strategist']",))


def test_new_leagues_show_neighbours_and_older_ones_go_on_with_what_they_showed(
    tmp_path: Path,
) -> None:
    new = resolve("small")
    assert new.views.observation_version == new.views.to_views().observation_version == 2
    stored = new.to_json()
    del stored["views"]["observation_version"]  # of a release that knew version 1 alone
    old = LeagueConfig.from_json(stored)
    assert old.views.to_views() == replace(SMALL_VIEWS, observation_version=1)
    path = tmp_path / "league.toml"
    path.write_text("[views]\nlocal_size = 32\n")
    assert resolve(toml=path, stored=stored).views == old.views
    check_frozen(stored, resolve(toml=path, stored=stored))
    with pytest.raises(
        ConfigError, match=r"views\.observation_version was frozen .* stored 1, given 2"
    ):
        check_frozen(
            stored, resolve(toml=path, stored=stored, sets=["views.observation_version=2"])
        )
    with pytest.raises(ConfigError, match=r"views\.observation_version"):
        resolve(sets=["views.observation_version=3"])
