"""One S3 server for all tests of the store: moto's, in a thread of the suite, on loopback."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

_SECRET = "a-secret-of-the-tests"
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server, as the environment of this process and its children names it."""
    for package in ("moto", "flask", "flask_cors", "s3fs"):
        if find_spec(package) is None:
            pytest.skip(f"the package {package} is not installed (extras dev and s3)")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", _SECRET)
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", url)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield url
    server.stop()


@pytest.fixture(scope="session")
def bucket(s3_server: str) -> str:
    """A bucket for all tests: each takes a folder of its own in it."""
    import s3fs

    s3fs.S3FileSystem(endpoint_url=s3_server).mkdir("tests")
    return "s3://tests"


@pytest.fixture(params=["folder", "memory", "s3"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of each kind."""
    if request.param == "s3":
        return f"{request.getfixturevalue('bucket')}/league-{next(_NUMBERS)}"
    if request.param == "memory":
        return f"memory://tests-{next(_NUMBERS)}"
    return str(tmp_path / "store")
