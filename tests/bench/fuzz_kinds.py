"""The five kinds of files that `fuzz_files.py` damages: how a sound one is made, damaged and tried.

Each kind has `trial(i, rng)`: it leaves a damaged copy somewhere and returns its place and the
command lines to try on it; "(open)" stands for the checks of `league start`, which plays nothing.
"""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

_DEEP = "[" * 100_000 + "]" * 100_000
JSON_VALUES = (
    *("1e999", "-1e999", "NaN", str(2**63), str(-(2**63) - 1), "9" * 5000, "-1", "0", "1e300"),
    *('"\\ud800"', '"a\\u0000b"', '""', '"[/red]\\u001b[2J"', '"' + "A" * 100_000 + '"'),
    *("null", "true", "[]", "{}", "[[[]]]", "[1e999]", '{"a": {"a": 1}}', _DEEP, "0.5", '"x"'),
    *('"generated:continents:4096x4096:1"', '"../../../../etc/passwd"', "4611686018427387904"),
)
TOML_VALUES = (
    *("inf", "nan", "-inf", "1e999", str(2**63), "9" * 5000, "-1", "0", "0x7fffffffffffffff"),
    *('"\\uD800"', '"a\\u0000b"', '""', '"' + "A" * 100_000 + '"', "[" * 5000 + "]" * 5000),
    *("[]", "{}", "{a = {a = 1}}", "true", "1979-05-27", "07:32:00", '"off"', "[1, [2, []]]"),
    *('"://"', '"postgresql://nobody@127.0.0.1:1/none"', '"sqlite://"', '"generated:x:1x1:1"'),
    *('"postgresql://[::1"', '"mysql://a/b"', '"sqlite:///a\\u0000b"', '"../../x"'),
)

Trial = tuple[Path, list[list[str]]]


def flip(raw: bytes, rng: random.Random) -> bytes:
    """Flip 1 to 64 bits."""
    out = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 8, 64))):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def cut(raw: bytes, rng: random.Random) -> bytes:
    """Cut off the end, drop a part, repeat a part, or overwrite a page."""
    a, b = sorted(rng.randrange(len(raw) + 1) for _ in range(2))
    way = rng.randrange(5)
    if way == 0:
        return raw[:a]
    if way == 1:
        return raw[:a] + raw[b:]
    if way == 2:
        return raw[:b] + raw[a:]
    if way == 3:
        return raw[:a] + bytes(min(4096, len(raw) - a)) + raw[a + 4096 :]
    return raw[:a] + rng.randbytes(rng.randrange(1, 64)) + raw[a:]


def odd_json(value: Any, rng: random.Random) -> str:
    """Return the JSON text of a value in which one entry, at any depth, is odd, gone or twice."""
    holders: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, entry in pairs:
            holders.append((node, key))
            if isinstance(entry, dict | list):
                walk(entry)

    copy = json.loads(json.dumps(value))
    walk(copy)
    if not holders:
        return rng.choice(JSON_VALUES)
    holder, key = rng.choice(holders)
    if rng.random() < 0.1:
        del holder[key]
        return json.dumps(copy)
    if rng.random() < 0.1 and isinstance(holder, dict):
        holder["another"] = holder[key]
    holder[key] = "@@odd@@"
    return json.dumps(copy).replace('"@@odd@@"', rng.choice(JSON_VALUES))


def not_a_file(path: Path, rng: random.Random) -> str:
    """Put something that is not a regular file at `path`; return the text of its name."""
    shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    way = rng.randrange(7)
    if way == 0:
        path.mkdir()
    elif way == 1:
        os.mkfifo(path)
    elif way == 2:
        path.symlink_to(path.name)
    elif way == 3:
        path.symlink_to("/dev/zero")
    elif way == 4:
        return str(path.with_name("n" * 300 + path.suffix))
    elif way == 5:
        return f"{path.with_suffix('')}\0{path.suffix}"
    else:
        path.write_bytes(b"")
    return str(path)


class Snapshots:
    """`league import` of our own snapshots and of SB3 zips."""

    def __init__(self, work: Path) -> None:
        import torch
        from safetensors.torch import save

        from agents.encoding import encode
        from tests.league.hand_made import make_league
        from tests.league.tiny_snapshots import tiny_description, tiny_network

        description = tiny_description()
        network = tiny_network(description)
        weights = {k: t.contiguous() for k, t in network.state_dict().items()}
        self.raw = encode(weights, description)[0]
        self.bare = save(weights)
        self.folder = make_league(work / "lg", weights=self.raw)
        stream = io.BytesIO()
        torch.save(dict(weights), stream)
        self.policy = stream.getvalue()
        self.work = work

    def sb3(self, policy: bytes, deflate: bool = True) -> bytes:
        """Return a zip as SB3 writes it, as far as an import reads it."""
        stream = io.BytesIO()
        how = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
        with zipfile.ZipFile(stream, "w", how) as archive:
            archive.writestr("data", "{}")
            archive.writestr("policy.pth", policy)
        return stream.getvalue()

    def header(self, rng: random.Random) -> bytes:
        """Return the snapshot with an odd value in its header or its description."""
        n = int.from_bytes(self.raw[:8], "little")
        header = json.loads(self.raw[8 : 8 + n])
        if rng.random() < 0.6:
            described = json.loads(header["__metadata__"]["description"])
            header["__metadata__"]["description"] = odd_json(described, rng)
            text = json.dumps(header)
        else:
            text = odd_json(header, rng)
        new = text.encode("utf-8", "surrogatepass")
        return len(new).to_bytes(8, "little") + new + self.raw[8 + n :]

    def bomb(self, rng: random.Random) -> bytes:
        """Return a small zip that asks for gigabytes."""
        import torch

        way = rng.randrange(3)
        stream = io.BytesIO()
        if way == 0:
            return self.sb3(bytes(2**28))
        if way == 1:  # views of one number that are as large as asked for
            torch.save({"mlp.weight": torch.zeros(1).expand(5_000_000_000)}, stream)
            return self.sb3(stream.getvalue())
        torch.save({"mlp.weight": torch.zeros(2**24)}, stream)
        inner = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(stream.getvalue())) as old,
            zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as new,
        ):
            for name in old.namelist():
                new.writestr(name, old.read(name))
        return self.sb3(inner.getvalue())

    def trial(self, i: int, rng: random.Random) -> Trial:
        path = self.work / f"f{i}.safetensors"
        way = rng.random()
        name = str(path)
        if way < 0.3:
            path.write_bytes(self.header(rng))
        elif way < 0.45:
            path.write_bytes(flip(self.raw, rng))
        elif way < 0.55:
            path.write_bytes(cut(self.raw, rng))
        elif way < 0.65:
            path.write_bytes(rng.choice((flip, cut))(self.bare, rng))
        elif way < 0.85:
            name = str(path := path.with_suffix(".zip"))
            damage = rng.choice((flip, cut))
            inside = rng.random() < 0.5
            policy = damage(self.policy, rng) if inside else self.policy
            raw = self.sb3(policy, deflate=rng.random() < 0.5)
            path.write_bytes(raw if inside else damage(raw, rng))
        elif way < 0.9:
            name = str(path := path.with_suffix(".zip"))
            path.write_bytes(self.bomb(rng))
        else:
            name = not_a_file(path, rng)
        command = ["import", name, "--name", f"m{i}", "--league", str(self.folder.root)]
        if rng.random() < 0.7:
            command += ["--family", "attention"]
        return path, [command]


class Maps:
    """`league maps check` and `show` of folders and pictures."""

    def __init__(self, work: Path) -> None:
        from arena.territory.maps import generate_map, map_to_png, save_map

        territory = generate_map("continents", 64, 64, 1)
        self.folder = save_map(territory, work / "sound")
        self.png = map_to_png(territory, work / "sound.png").read_bytes()
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        self.work = work

    def bomb(self, rng: random.Random) -> bytes:
        """Return a PNG of the largest side, or one that announces a larger one."""
        from PIL import Image

        if rng.random() < 0.5:
            stream = io.BytesIO()
            Image.new("1", (rng.choice((4096, 30_000)), 4096), 1).save(stream, "PNG")
            return stream.getvalue()
        sizes = [rng.choice((0, 1, 4096, 2**31 - 1, 2**32 - 1)) for _ in range(2)]
        head = b"IHDR" + b"".join(s.to_bytes(4, "big") for s in sizes) + self.png[24:29]
        return self.png[:12] + head + zlib.crc32(head).to_bytes(4, "big") + self.png[33:]

    def trial(self, i: int, rng: random.Random) -> Trial:
        way = rng.random()
        path = self.work / f"m{i}"
        name = str(path)
        if way < 0.5:
            shutil.copytree(self.folder, path)
            file = path / rng.choice(("manifest.json", "map.bin"))
            what = rng.random()
            if what < 0.2:
                not_a_file(file, rng)
            elif what < 0.5 and file.suffix == ".bin":
                file.write_bytes(flip(file.read_bytes(), rng))
            elif what < 0.6:
                file.write_bytes(cut(file.read_bytes(), rng))
            else:
                text = odd_json(self.manifest, rng)
                (path / "manifest.json").write_text(text, encoding="utf-8")
        else:
            path = path.with_suffix(".png")
            name = str(path)
            if way < 0.7:
                path.write_bytes(flip(self.png, rng))
            elif way < 0.85:
                path.write_bytes(cut(self.png, rng))
            elif way < 0.93:
                path.write_bytes(self.bomb(rng))
            else:
                name = not_a_file(path, rng)
        return path, [["maps", rng.choice(("check", "show")), name]]


class Replays:
    """`league replay verify` of a file and `league look` at it."""

    def __init__(self, work: Path) -> None:
        from agents.registry import make_loader
        from arena.match import MatchResult, MatchSpec, play_matches
        from arena.replay import write_replay
        from arena.territory.engine.rules import MatchRules
        from arena.territory.maps import load_map

        agents = ("scripted:tribe", "scripted:random") * 2
        rules = MatchRules(max_ticks=200, n_seats=4)
        spec = MatchSpec(3, "generated:continents:64x64:5", agents, rules)
        (result,) = play_matches([spec], make_loader(), load_map)
        assert isinstance(result, MatchResult)
        write_replay(result, work / "sound.replay")
        self.raw = (work / "sound.replay").read_bytes()
        n = int.from_bytes(self.raw[4:8], "little")
        self.header = json.loads(zlib.decompress(self.raw[8 : 8 + n]))
        self.actions = self.raw[8 + n :]
        self.work = work

    def pack(self, header: bytes, actions: bytes) -> bytes:
        packed = zlib.compress(header, 9)
        return b"TLR1" + len(packed).to_bytes(4, "little") + packed + actions

    def trial(self, i: int, rng: random.Random) -> Trial:
        path = self.work / f"r{i}.replay"
        name = str(path)
        way = rng.random()
        if way < 0.5:
            text = odd_json(self.header, rng).encode("utf-8", "surrogatepass")
            path.write_bytes(self.pack(text, self.actions))
        elif way < 0.65:
            path.write_bytes(flip(self.raw, rng))
        elif way < 0.75:
            path.write_bytes(cut(self.raw, rng))
        elif way < 0.85:
            sound = json.dumps(self.header).encode()
            zeros = zlib.compress(bytes(2**29), 9)
            if rng.random() < 0.5:
                path.write_bytes(self.pack(sound, zeros))
            else:
                raw = b"TLR1" + len(zeros).to_bytes(4, "little") + zeros + self.actions
                path.write_bytes(raw)
        elif way < 0.92:
            large = json.loads(json.dumps(self.header))
            large["spec"]["map"] = f"generated:continents:4096x4096:{i}"
            path.write_bytes(self.pack(json.dumps(large).encode(), self.actions))
        else:
            name = not_a_file(path, rng)
        look = ["look", name, "--seat", "0", "--decision", "1", "--json"]
        return path, [look if rng.random() < 0.2 else ["replay", "verify", name]]


class Toml:
    """`league report` in a league whose league.toml is damaged, and the checks of a start."""

    def __init__(self, work: Path) -> None:
        from tests.league.hand_made import make_league

        self.folder = make_league(work / "lg")
        self.text = self.folder.toml.read_text()
        self.work = work

    def damaged(self, rng: random.Random) -> bytes:
        way = rng.random()
        if way < 0.15:
            return flip(self.text.encode(), rng)
        if way < 0.3:
            return cut(self.text.encode(), rng)
        lines = self.text.splitlines()
        at = rng.choice([i for i, line in enumerate(lines) if " = " in line and line[0] != "#"])
        key = lines[at].partition(" = ")[0]
        if way < 0.4:
            lines.insert(rng.randrange(len(lines)), ".".join(["a"] * 2000) + " = 1")
        elif way < 0.5:
            lines[at] = f'"{rng.choice(("", "a.b", "x" * 9999, "[/red]"))}" = 1'
        elif way < 0.6:
            lines.insert(at, lines[at])
        else:
            lines[at] = f"{key} = {rng.choice(TOML_VALUES)}"
        if rng.random() < 0.3:
            lines.append("[database]" if "[database]" not in lines else "[[database]]")
            lines.append(f"url = {rng.choice(TOML_VALUES)}")
        return "\n".join(lines).encode("utf-8", "surrogatepass")

    def trial(self, i: int, rng: random.Random) -> Trial:
        root = self.work / f"t{i}"
        shutil.copytree(self.folder.root, root)
        if rng.random() < 0.9:
            (root / "league.toml").write_bytes(self.damaged(rng))
        else:
            not_a_file(root / "league.toml", rng)
        command = rng.choice(("report", "members", "doctor", "status"))
        return root, [[command, "--league", str(root)], ["(open)", str(root)]]


class Databases:
    """The commands that read a league, over damaged pages of its database."""

    COMMANDS = ("report", "members", "doctor", "rerate", "status", "backup", "curves", "(open)")

    def __init__(self, work: Path) -> None:
        from tests.league.hand_made import make_league

        self.folder = make_league(work / "lg")
        self.raw = self.folder.sqlite.read_bytes()
        self.work = work

    def damaged(self, rng: random.Random) -> bytes:
        way = rng.random()
        if way < 0.3:
            return flip(self.raw, rng)
        if way < 0.4:
            return cut(self.raw, rng)
        if way < 0.5:  # in the header
            return flip(self.raw[:100], rng) + self.raw[100:]
        out = bytearray(self.raw)
        for _ in range(rng.choice((1, 1, 3, 10))):
            page = rng.randrange(len(out) // 4096) * 4096
            filler = rng.choice((bytes(4096), rng.randbytes(4096), b"x" * 4096))
            part = rng.choice((16, 100, 4096))
            out[page : page + part] = filler[:part]
        return bytes(out)

    def trial(self, i: int, rng: random.Random) -> Trial:
        root = self.work / f"d{i}"
        shutil.copytree(self.folder.root, root)
        for path in root.glob("league.db-*"):
            path.unlink()
        if rng.random() < 0.92:
            (root / "league.db").write_bytes(self.damaged(rng))
        else:
            not_a_file(root / "league.db", rng)
        chosen = rng.sample(self.COMMANDS, 3)
        at = ["--league", str(root)]
        return root, [[c, *([str(root)] if c == "(open)" else at)] for c in chosen]


KINDS: dict[str, Callable[[Path], Any]] = {
    "snapshots": Snapshots,
    "maps": Maps,
    "replays": Replays,
    "toml": Toml,
    "databases": Databases,
}
