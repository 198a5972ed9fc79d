"""A learner that was stopped goes on in another process as if nothing had happened, bit for bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# For each folder and N of its arguments: trains N updates in the folder, writes a checkpoint, and
# prints what the learner has become, in a process of its own, forked when all is imported.
SCRIPT = """
import hashlib, os, sys
from pathlib import Path
import torch._dynamo  # the first optimiser of a process would load it
from arena.territory.observation.warm_up import warm_up
from league.bench.learner import make_orders
from league.config.layers import resolve
from league.config.toml import write_toml
from league.folder.layout import LeagueFolder, create_folder
from league.learner.trainer import Trainer
from league.matchmaking.opponents import Foe
from league.learner.messages import Roster

def train(root, n_updates):
    config = resolve("small", None, (
        "views.global_size=16", "views.local_size=16", "learner.n_matches=2", "learner.n_steps=96",
        "learner.batch_size=32", "maps.train=['generated:continents:64x64:1-2']",
    ))
    folder = LeagueFolder.at(root)
    if not (root / "league.toml").exists():
        folder = create_folder(root, write_toml(config))
    trainer = Trainer(make_orders(folder.root, config, "attention"))
    specs = {0: "scripted:tribe", 1: "scripted:turtle"}
    trainer.roster = Roster((Foe(0, 0.5), Foe(1, 0.4)), specs, ())
    for _ in range(n_updates):
        trainer.update()
    trainer.checkpoint(force=True)
    digest = hashlib.sha256()
    for name, tensor in sorted(trainer.ppo.policy.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    timesteps, chance = trainer.ppo.num_timesteps, trainer.env.rng.random()
    print(trainer.is_fresh, timesteps, chance, digest.hexdigest(), flush=True)

warm_up()
for root, n_updates in zip(sys.argv[1::2], sys.argv[2::2]):
    process = os.fork()
    if process == 0:
        train(Path(root), int(n_updates))
        os._exit(0)
    assert os.waitpid(process, 0)[1] == 0
"""


def _train(*runs: tuple[Path, int]) -> list[list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *(str(each) for run in runs for each in run)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=Path(__file__).resolve().parents[3],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_a_stopped_learner_goes_on_in_a_new_process_bit_for_bit(tmp_path: Path) -> None:
    unbroken, first = _train((tmp_path / "unbroken", 3), (tmp_path / "broken", 2))
    (second,) = _train((tmp_path / "broken", 1))
    assert (unbroken[0], first[0], second[0]) == ("True", "True", "False")
    assert first[1:] != unbroken[1:]
    assert second[1:] == unbroken[1:]
