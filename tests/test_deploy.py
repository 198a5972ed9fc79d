"""The files in deploy/ are well formed, agree with each other, and start a league that exists.

Nothing is built or launched here: there is no container engine and no cloud.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from league.cli.main import league
from league.config.layers import resolve
from league.config.tree import LeagueConfig
from league.daemon.arenas import count_ranks

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.iterdir() if path.is_file())
PINNED = dict(
    line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
IMAGE = f"territory-league:{PROJECT['version']}"
# All instructions of Dockerfile syntax 1 but MAINTAINER, which is deprecated.
INSTRUCTIONS = {
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL"),
    *("ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
}
SKYPILOT_KEYS = {"name", "resources", "num_nodes", "workdir", "envs", "secrets", "setup", "run"}
CLUSTER_VARIABLES = {"SKYPILOT_NODE_IPS", "SKYPILOT_NODE_RANK"}


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile with their arguments, continued lines joined."""
    lines = [
        line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    found = [line.partition(" ") for line in joined.splitlines()]
    return [(word, rest.strip()) for word, _, rest in found]


def dockerfile() -> list[tuple[str, str]]:
    return instructions((DEPLOY / "Dockerfile").read_text())


def manifests() -> dict[str, Any]:
    documents = list(yaml.safe_load_all((DEPLOY / "kuberay.yaml").read_text()))
    assert len({document["kind"] for document in documents}) == len(documents)
    return {document["kind"]: document for document in documents}


def skypilot() -> dict[str, Any]:
    task: dict[str, Any] = yaml.safe_load((DEPLOY / "skypilot.yaml").read_text())
    return task


def pods() -> dict[str, dict[str, Any]]:
    found = manifests()
    cluster = found["RayCluster"]["spec"]
    (group,) = cluster["workerGroupSpecs"]
    return {
        "head": cluster["headGroupSpec"]["template"]["spec"],
        "players": group["template"]["spec"],
        "league": found["Deployment"]["spec"]["template"]["spec"],
    }


def started(arguments: list[str]) -> LeagueConfig:
    """Check the arguments of `league` against the command itself; return the settings."""
    command = league.get_command(click.Context(league), arguments[0])
    assert command is not None and arguments[0] == "start"
    context = command.make_context("start", arguments[1:], parent=click.Context(league))
    return resolve("small", None, context.params["sets"])


def test_the_dockerfile_has_known_instructions_and_copies_what_is_there() -> None:
    steps = dockerfile()
    assert steps[0][0] == "FROM" and {word for word, _ in steps} <= INSTRUCTIONS
    assert all(rest for _, rest in steps)
    copied = [part for word, rest in steps if word == "COPY" for part in rest.split()[:-1]]
    missing = [name for name in copied if not (ROOT / name).exists()]
    assert missing == []
    # What `pip install .` builds from: the packages, and the files that the metadata names.
    packages = {pattern.rstrip("*") for pattern in packages_of_the_project()}
    assert set(copied) >= packages | {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}
    for word, rest in steps:
        if word == "RUN":
            subprocess.run(["bash", "-n", "-c", rest], check=True)


def packages_of_the_project() -> list[str]:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return list(tool["setuptools"]["packages"]["find"]["include"])


def test_the_image_is_pinned_installs_tested_versions_and_does_not_run_as_root() -> None:
    steps = dockerfile()
    base = steps[0][1]
    python = re.fullmatch(r"python:(\d+\.\d+)-slim-\w+", base)
    assert python is not None and PROJECT["requires-python"] == f">={python[1]}"
    pips = [rest for word, rest in steps if word == "RUN" and "pip install" in rest]
    assert all("constraints.txt" in rest for rest in pips)
    extras = re.search(r"'\.\[([\w,]+)\]'", pips[-1])
    assert extras is not None and set(extras[1].split(",")) <= set(PROJECT["optional-dependencies"])
    users = [i for i, (word, _) in enumerate(steps) if word == "USER"]
    assert steps[users[-1]][1] not in ("root", "0")
    assert not any(word == "RUN" for word, _ in steps[users[-1] :])
    assert dict(steps)["ENTRYPOINT"] == '["league"]' and "league" in PROJECT["scripts"]


def test_the_kubernetes_objects_have_one_image_one_ray_and_one_token() -> None:
    found = manifests()
    assert {kind: found[kind]["apiVersion"] for kind in found} == {
        "RayCluster": "ray.io/v1",
        "Deployment": "apps/v1",
    }
    assert found["RayCluster"]["spec"]["rayVersion"] == PINNED["ray"]
    for name, pod in pods().items():
        (container,) = pod["containers"]
        assert container["image"] == IMAGE, name
        variables = {variable["name"]: variable for variable in container["env"]}
        assert variables["RAY_AUTH_MODE"]["value"] == "token"
        secret = variables["RAY_AUTH_TOKEN"]["valueFrom"]["secretKeyRef"]
        assert secret == {"name": "territory-league", "key": "auth_token"}
        volumes = {volume["name"] for volume in pod.get("volumes", ())}
        assert {mount["name"] for mount in container.get("volumeMounts", ())} == volumes
        # Who plays or leads needs the bucket; the disk of a pod is for copies.
        assert ("AWS_SECRET_ACCESS_KEY" in variables) is (name != "head")
        assert all(set(volume) == {"name", "emptyDir"} for volume in pod.get("volumes", ()))
    labels = found["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert found["Deployment"]["spec"]["selector"]["matchLabels"] == labels


def test_the_league_on_kubernetes_can_start_and_finds_its_cluster_and_its_folder() -> None:
    found = manifests()
    cluster = found["RayCluster"]
    deployment = found["Deployment"]["spec"]
    (container,) = pods()["league"]["containers"]
    config = started(container["args"])
    assert config.arena.engine == "ray"
    assert config.store.url is not None and config.database.url is not None
    # The service of the head is named by KubeRay; the port is the one of Ray's clients.
    (head,) = pods()["head"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in head["ports"]}
    name = f"{cluster['metadata']['name']}-head-svc"
    assert config.ray.address == f"ray://{name}:{ports['client']}"
    (group,) = cluster["spec"]["workerGroupSpecs"]
    (player,) = pods()["players"]["containers"]
    params = cluster["spec"]["headGroupSpec"]["rayStartParams"]
    assert params["num-cpus"] == "0"
    assert int(params["runtime-env-agent-port"]) > 0  # without one the head takes no clients
    cpus = group["replicas"] * int(player["resources"]["limits"]["cpu"])
    # All learn and play on the nodes, and nobody waits for room.
    assert config.learner.engine == "ray" and config.arena.n_workers is not None
    assert config.arena.n_workers + count_ranks(config) * config.learner.n_threads == cpus
    # One manager, never two at once, with time to commit; copies lie under one path everywhere.
    assert deployment["replicas"] == 1 and deployment["strategy"]["type"] == "Recreate"
    assert pods()["league"]["terminationGracePeriodSeconds"] > 30
    (mine,) = container["volumeMounts"]
    (theirs,) = player["volumeMounts"]
    assert mine["mountPath"] == theirs["mountPath"]
    (place,) = [part for part in container["args"] if part.startswith("--league=")]
    assert place.startswith(f"--league={mine['mountPath']}/")


def test_the_skypilot_task_is_a_script_that_starts_a_league() -> None:
    task = skypilot()
    assert set(task) <= SKYPILOT_KEYS and task["workdir"] == "."
    given = {**task["envs"], **task["secrets"]}
    for script in (task["setup"], task["run"]):
        subprocess.run(["bash", "-n", "-c", script], check=True)
        used = set(re.findall(r"\$\{?([A-Z_]+)", script))
        assert used <= {*given, *CLUSTER_VARIABLES, "HOME", "PATH"}
    commands = re.sub(r"\\\n\s*", "", task["run"]).splitlines()
    (line,) = [line for line in commands if line.startswith("league start")]
    values = {**task["envs"], "head": "head", "HOME": "/home/me"}
    line = re.sub(r"\$(\w+)", lambda name: values[name[1]], line)
    config = started(shlex.split(line)[1:])
    assert config.arena.engine == "ray" and config.ray.address == "head:6379"
    assert config.store.url is not None and config.database.url is not None
    assert config.learner.engine == "ray"
    cpus = int(task["resources"]["cpus"].rstrip("+"))
    (of_head,) = re.findall(r"ray start --head .*--num-cpus (\d+)", task["run"])
    in_ray = (task["num_nodes"] - 1) * cpus + int(of_head)
    assert int(of_head) < cpus and config.arena.n_workers is not None
    assert config.arena.n_workers + count_ranks(config) * config.learner.n_threads <= in_ray
    assert "--port 6380" not in task["run"]  # SkyPilot's own


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_names_a_private_address_or_a_password(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text) == []
    hosts = set(re.findall(r"https?://([^/\s\"']+)", text)) | set(re.findall(r"@([\w.]+)/", text))
    assert hosts <= {"download.pytorch.org", "postgres", "postgres.example.org"}
    assert re.findall(r"://[^/\s@]+:[^/\s@]+@", text) == []


def test_the_page_names_every_file() -> None:
    page = (ROOT / "docs/howto/cluster.md").read_text()
    assert {path.name for path in FILES} == {"Dockerfile", "kuberay.yaml", "skypilot.yaml"}
    assert all(f"deploy/{path.name}" in page for path in FILES)
