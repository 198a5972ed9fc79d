"""A league without a store loads no fsspec of its own and no package of a cloud."""

from __future__ import annotations

import subprocess
import sys

# Not boto3 and botocore: tensorboard, which stable-baselines3 loads if it is there, tries them.
_CLOUDS = ("s3fs", "aiobotocore", "aiohttp", "gcsfs", "adlfs", "paramiko")


def _loaded(code: str) -> set[str]:
    script = f"{code}\nimport sys; print(*(n for n in sys.modules if '.' not in n))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_neither_a_store_nor_its_settings_load_fsspec_before_a_url_is_opened() -> None:
    found = _loaded(
        "import league.store.snapshots, league.store.courier, league.config.tree\n"
        "from league.store.store import StorePlace\n"
        "StorePlace('/nowhere/store', '/nowhere/cache', 1).open()"
    )

    assert "league" in found
    assert not found & {"fsspec", "torch", "boto3", "botocore", *_CLOUDS}


def test_the_daemon_loads_no_package_of_a_cloud() -> None:
    found = _loaded("import league.daemon.manager, league.learner.process, league.learner.trainer")

    assert {"league", "torch"} <= found
    assert not found & set(_CLOUDS)
