"""Files of a store: the same promises over a folder, fsspec's memory and S3 (moto)."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from league.errors import (
    ConfigError,
    StoreAwayError,
    StoreCorruptError,
    StoreError,
    StoreMissingError,
)
from league.store.address import StoreAddress
from league.store.files import open_files
from league.store.names import digest_of, fits, is_key, with_digest, without_digest
from league.store.store import Store, StorePlace

RAW = b"what a snapshot may be" * 100
KEY = f"snapshots/{hashlib.sha256(RAW).hexdigest()}.safetensors"


def place(url: str, tmp_path: Path, cache: str = "cache", n_bytes: int = 10**6) -> StorePlace:
    return StorePlace(url, str(tmp_path / cache), n_bytes)


def test_what_is_put_is_found_listed_measured_and_removed(url: str, tmp_path: Path) -> None:
    files = open_files(StoreAddress.of(url))

    assert files.size(KEY) is None and list(files.list("snapshots/")) == []
    assert files.put_new(KEY, RAW)
    assert files.put_new("replays/pit/1-0.replay", b"x")

    assert files.get(KEY) == RAW and files.size(KEY) == len(RAW)
    assert [(entry.key, entry.n_bytes) for entry in files.list()] == [
        ("replays/pit/1-0.replay", 1),
        (KEY, len(RAW)),
    ]
    assert [entry.key for entry in files.list("snapshots/")] == [KEY]
    assert [entry.key for entry in files.list("replays/pit/1-")] == ["replays/pit/1-0.replay"]
    files.delete([KEY, "snapshots/never-there.safetensors"])
    assert files.size(KEY) is None
    with pytest.raises(StoreMissingError):
        files.get(KEY)


def test_of_many_writers_of_one_name_the_first_wins(url: str) -> None:
    files = open_files(StoreAddress.of(url))

    with ThreadPoolExecutor(8) as threads:
        won = list(threads.map(lambda n: files.put_new("mark", b"%d" % n), range(8)))

    assert won.count(True) == 1
    assert files.get("mark") == b"%d" % won.index(True)
    assert not files.put_new("mark", b"late") and files.get("mark") != b"late"


def test_a_second_writer_finds_the_same_bytes_and_mends_damaged_ones(
    url: str, tmp_path: Path
) -> None:
    store = place(url, tmp_path).open()

    assert store.put_new(KEY, RAW)
    assert not store.put_new(KEY, RAW)
    store.files.put(KEY, RAW[:-1] + b"?")
    assert not store.put_new(KEY, RAW)

    assert store.files.get(KEY) == RAW


def test_bytes_that_are_not_those_of_the_name_are_neither_put_nor_read(
    url: str, tmp_path: Path
) -> None:
    store = place(url, tmp_path).open()

    with pytest.raises(ValueError, match="hash"):
        store.put_new(KEY, b"others")
    store.files.put(KEY, RAW[:-1])
    with pytest.raises(StoreCorruptError, match="others") as caught:
        store.read(KEY)

    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)
    assert store.cache.read(KEY) is None


def test_a_damaged_copy_is_fetched_again(url: str, tmp_path: Path) -> None:
    store = place(url, tmp_path).open()
    store.put_new(KEY, RAW)
    copy = tmp_path / "cache" / KEY
    copy.write_bytes(RAW[::-1])

    assert store.read(KEY) == RAW
    assert copy.read_bytes() == RAW
    copy.write_bytes(b"")
    assert store.path(KEY).read_bytes() == RAW


def test_another_machine_reads_by_name_alone(url: str, tmp_path: Path) -> None:
    place(url, tmp_path, "here").open().put_new(KEY, RAW)
    there = place(url, tmp_path, "there").open()

    assert there.read(KEY) == RAW
    assert there.path(KEY) == tmp_path / "there" / KEY
    with pytest.raises(StoreMissingError):
        there.read(KEY.replace("snapshots/", "elsewhere/"))


def test_what_has_a_copy_is_read_while_the_store_is_away(tmp_path: Path) -> None:
    now = [0.0]
    made = place(str(tmp_path / "store"), tmp_path).open()
    made.put_new(KEY, RAW)
    asked: list[str] = []

    class Away:
        def get(self, key: str) -> bytes:
            asked.append(key)
            raise StoreAwayError("it does not answer")

    store = Store("away", Away(), made.cache, clock=lambda: now[0])  # type: ignore[arg-type]
    assert store.read(KEY) == RAW and store.trouble is None
    other = KEY.replace(".safetensors", "0.safetensors")

    for _ in range(5):  # one question, then a second of silence
        with pytest.raises(StoreAwayError, match="does not answer"):
            store.read(other)
    assert asked == [other] and store.trouble == "it does not answer"
    now[0] = 1.1  # after the first pause of one second; the next takes two
    with pytest.raises(StoreAwayError):
        store.read(other)
    assert len(asked) == 2 and store.pause_s == pytest.approx(2.0)


def test_a_bucket_that_is_not_there_and_an_unknown_protocol_are_sentences(
    s3_server: str, tmp_path: Path
) -> None:
    with pytest.raises(
        StoreError, match=r"no such bucket or folder; make it, or correct store\.url"
    ):
        place("s3://no-such-bucket/league", tmp_path).open().put_new(KEY, RAW)
    with pytest.raises(StoreError, match="there is no file system of the name 'zzz'"):
        place("zzz://somewhere/league", tmp_path).open()


def test_a_server_that_is_gone_is_trouble_that_passes(
    s3_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setattr("league.store.files.PAUSES_S", ())
    store = place("s3://gone/league", tmp_path).open()

    with pytest.raises(
        StoreAwayError, match=r"the store s3://gone/league does not answer"
    ) as caught:
        store.put_new(KEY, RAW)

    assert caught.value.exit_code == 75
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "s3://key:hidden@bucket/league",
        "sftp://user:hidden@host/league",
        "sftp://user:hid/hidden@host/league",
        "s3://bucket/league?hidden=1",
        "s3://bucket/league#hidden",
    ],
)
def test_a_url_with_a_secret_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: expected") as caught:
        StoreAddress.of(text)

    assert "hid" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "s3://", "simplecache::s3://bucket/x", "://x", "http://[x/y"])
def test_a_text_that_is_not_an_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.url: expected"):
        StoreAddress.of(text)


def test_addresses_of_folders(tmp_path: Path) -> None:
    assert StoreAddress.of("kept", tmp_path).folder == tmp_path / "kept"
    assert StoreAddress.of(f"file://{tmp_path}/a%20b").folder == tmp_path / "a b"
    assert StoreAddress.of("s3://bucket/league/").url == "s3://bucket/league"
    assert str(StoreAddress.of("sftp://user@host/league")) == "sftp://user@host/league"


def test_names_tell_the_hash_of_their_bytes() -> None:
    digest = hashlib.sha256(RAW).hexdigest()

    assert digest_of(KEY) == digest and fits(KEY, RAW) and not fits(KEY, RAW[1:])
    named = with_digest("replays/00000012.replay", RAW)
    assert named == f"replays/00000012-{digest[:16]}.replay"
    assert with_digest(named, RAW) == named and fits(named, RAW) and not fits(named, b"")
    assert without_digest(named) == "replays/00000012.replay" and without_digest(KEY) == KEY
    assert digest_of(f"snapshots/offered/{digest}.json") is None
    assert digest_of("replays/0123456789abcdef.replay") is None  # a number of 16 digits
    assert is_key(KEY) and not is_key("../x") and not is_key("/x") and not is_key("a//b")
