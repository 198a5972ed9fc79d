// The pipe between `league bridge` and the original engine: one JSON request a line in, frames out
// (league/bridge/protocol.py has both ends in words). One process holds many games, by slot.
import { writeSync, writeFileSync, readFileSync } from "node:fs";
import * as engine from "league-edition";

const PROTOCOL = 1;
const BOARD = 0, TEXT = 1, FAULT = 2, OWNERS = 3;
const OWNER_BITS = 0xfff; // of a tile's state
const HASH_EVERY = 100; // turns between two checks in a record, as in the original's own

// The engine remarks on every refused order; stdout belongs to the pipe.
for (const name of ["log", "info", "warn", "debug", "error"]) console[name] = () => {};

function sendAll(bytes) {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function send(kind, body) {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(body.length, 0);
  head.writeUInt32LE(kind, 4);
  sendAll(Buffer.concat([head, body]));
}

const sendText = (kind, value) => send(kind, Buffer.from(JSON.stringify(value)));

class Body {
  parts = [];
  u32(...values) {
    const bytes = Buffer.alloc(4 * values.length);
    values.forEach((value, i) => bytes.writeUInt32LE(value >>> 0, 4 * i));
    this.parts.push(bytes);
  }
  words(values) {
    const array = Uint32Array.from(values);
    this.parts.push(Buffer.from(array.buffer));
  }
  doubles(values) {
    const array = Float64Array.from(values, Number);
    this.parts.push(Buffer.from(array.buffer));
  }
  table(rows, columns) {
    this.u32(rows.length);
    this.doubles(rows.flat());
    if (rows.some((row) => row.length !== columns)) throw new Error("a table of the wrong width");
  }
  end() {
    return Buffer.concat(this.parts);
  }
}

/** Levels of a player's cities: those that are finished, or all. */
function cityLevels(player, finished) {
  let levels = 0;
  for (const each of player.units(engine.STRUCTURES[0][1])) {
    if (!finished || !each.isUnderConstruction()) levels += each.level();
  }
  return levels;
}

class World {
  /** One game: its runner, who is who, and what happened since it was last told. */
  constructor(made) {
    this.runner = made.runner;
    this.game = made.runner.game;
    this.startsAt = made.startsAt;
    this.start = made.start;
    this.turns = [];
    this.blocks = [];
    this.changes = [];
    this.attackIds = new Map();
    this.attackNames = new Map();
    this.fault = null;
    this.starts = [];
  }

  onTick(update) {
    if (update.errMsg !== undefined) {
      this.fault = update.errMsg;
      return;
    }
    const tiles = update.packedTileUpdates;
    for (let i = 0; i < tiles.length; i += 2) this.changes.push(tiles[i], tiles[i + 1] & OWNER_BITS);
    const hash = update.updates[engine.GameUpdateType.Hash]?.[0];
    const turn = this.turns[this.turns.length - 1];
    if (hash !== undefined && turn !== undefined && hash.tick % HASH_EVERY === 0) turn.hash = hash.hash;
  }

  /** Give every player its number: those of the request in its order, then the others as they joined. */
  number(ids) {
    const all = this.game.allPlayers();
    const first = ids ?? this.start.players.map((each) => all.find((p) => p.clientID() === each.clientID).id());
    const byId = new Map(all.map((player) => [player.id(), player]));
    this.players = first.map((id) => byId.get(id));
    if (this.players.includes(undefined)) throw new Error("a player did not join: is its spawn tile on land?");
    this.players.push(...all.filter((player) => !first.includes(player.id())));
    this.numbers = new Map(this.players.map((player, i) => [player.smallID(), i + 1]));
    for (const player of this.players) this.watch(player);
  }

  player(p) {
    const found = this.players[p - 1];
    if (found === undefined) throw new Error(`there is no player ${p}`);
    return found;
  }

  numberOf(owner) {
    return owner.isPlayer() ? this.numbers.get(owner.smallID()) : 0;
  }

  attackName(number) {
    return this.attackNames.get(number) ?? "";
  }

  structureType(id) {
    return this.game.unit(id)?.type() ?? engine.STRUCTURES[0][1];
  }

  /** Note every attack as it starts, with what memory asks about that moment. */
  watch(player) {
    const create = player.createAttack.bind(player);
    player.createAttack = (target, troops, source, border) => {
      const others = target.isPlayer() ? target.incomingAttacks() : [];
      const sum = others.filter((each) => each.attacker() !== player).reduce((n, each) => n + Math.floor(each.troops()), 0);
      const home = player.troops() + (source === null ? Math.floor(troops) : 0);
      const answers = player.incomingAttacks().some((each) => each.attacker() === target);
      this.starts.push([
        this.numberOf(player), this.numberOf(target), troops, home, target.isPlayer() ? target.troops() : 0, sum,
        answers ? 1 : 0, source === null ? 0 : 1,
      ]);
      return create(target, troops, source, border);
    };
  }

  /** Run one tick with intents; what the minds do is the engine's own. */
  tick(intents) {
    const turn = { turnNumber: this.turns.length, intents };
    this.turns.push(turn);
    this.runner.addTurn(turn);
    if (!this.runner.executeNextTick() || this.fault !== null) throw new Error(this.fault ?? "the tick did not run");
  }

  /** Let spawns happen until the next tick is the first of play. */
  open(intents) {
    this.tick([]);
    this.tick(intents);
    while (this.game.ticks() < this.startsAt) this.tick([]);
    this.changes.length = 0;
    this.starts.length = 0;
  }

  get time() {
    return this.game.ticks() - this.startsAt;
  }

  /** The first block names every owned tile. */
  allOwned() {
    for (const player of this.players) {
      const p = this.numbers.get(player.smallID());
      for (const tile of player.tiles()) this.changes.push(tile, p);
    }
    this.close(true);
  }

  close(numbered = false) {
    const tiles = this.changes.splice(0);
    if (!numbered) {
      for (let i = 1; i < tiles.length; i += 2) tiles[i] = tiles[i] === 0 ? 0 : this.numbers.get(tiles[i]);
    }
    this.blocks.push({
      tiles,
      troops: this.players.map((player) => player.troops()),
      levels: this.players.map((player) => cityLevels(player, true)),
      starts: this.starts.splice(0),
    });
  }

  step(ticks, orders) {
    const intents = orders.flatMap((order) => this.intents(order));
    for (let i = 0; i < ticks; i++) {
      this.tick(i === 0 ? intents : []);
      this.close();
    }
  }

  intents(order) {
    const player = this.player(order[1]);
    const client = player.clientID();
    if (client === null) throw new Error(`player ${order[1]} has a mind of its own and takes no orders`);
    if (order[0] !== "retreat" || order.length > 2) return [engine.intentOf(order, client, this)];
    return player.outgoingAttacks().map((each) => engine.intentOf(["retreat", order[1], this.attackNumber(each)], client, this));
  }

  attackNumber(attack) {
    const key = `${attack.attacker().smallID()}:${attack.id()}`; // ids are drawn for each player
    if (!this.attackIds.has(key)) {
      this.attackIds.set(key, this.attackIds.size + 1);
      this.attackNames.set(this.attackIds.size, attack.id());
    }
    return this.attackIds.get(key);
  }

  /** The owner of every tile, straight from the engine: for checks. */
  owners() {
    const map = this.game.map();
    const owners = new Uint16Array(map.width() * map.height());
    for (let tile = 0; tile < owners.length; tile++) {
      const owner = map.ownerID(tile);
      owners[tile] = owner === 0 ? 0 : this.numbers.get(owner);
    }
    return Buffer.from(owners.buffer);
  }

  /** The frame: blocks of the ticks since the last one, then the tables (protocol.py names the columns). */
  frame() {
    const body = new Body();
    body.u32(this.time, this.players.length, this.blocks.length);
    for (const block of this.blocks.splice(0)) {
      body.u32(block.tiles.length / 2);
      body.words(block.tiles);
      body.doubles(block.troops);
      body.doubles(block.levels);
      body.table(block.starts, 8);
    }
    const structures = [], boats = [], attacks = [], alliances = [], requests = [];
    const rows = this.players.map((player) => this.playerRow(player, structures, boats, attacks, alliances, requests));
    body.table(rows, 9);
    body.table(attacks, 6);
    body.table(structures, 6);
    body.table(boats, 6);
    body.table(alliances, 5);
    body.table(requests, 3);
    return body.end();
  }

  playerRow(player, structures, boats, attacks, alliances, requests) {
    const p = this.numbers.get(player.smallID());
    for (const each of player.outgoingAttacks()) {
      attacks.push([
        this.attackNumber(each), p, this.numberOf(each.target()), each.troops(), each.retreating() ? 1 : 0,
        each.sourceTile() ?? -1,
      ]);
    }
    for (const [code, [, type]] of engine.STRUCTURES.entries()) {
      for (const each of player.units(type)) {
        structures.push([each.id(), p, code, each.tile(), each.level(), each.isUnderConstruction() ? 0 : 1]);
      }
    }
    let atSea = 0;
    for (const each of player.units(engine.BOAT)) {
      const state = each.transportShipState();
      boats.push([each.id(), p, each.tile(), each.targetTile() ?? -1, each.troops(), state?.isRetreating ? 1 : 0]);
      atSea += each.troops();
    }
    for (const each of player.alliances()) {
      const other = this.numberOf(each.other(player));
      if (other < p) continue;
      const agreed = [player, each.other(player)].map((one) => (each.agreedToExtend(one) ? 1 : 0));
      alliances.push([p, other, each.expiresAt() - this.startsAt, ...agreed]);
    }
    for (const each of player.outgoingAllianceRequests()) {
      if (each.status() === "pending") requests.push([p, this.numberOf(each.recipient()), each.createdAt() - this.startsAt]);
    }
    return [
      player.troops(), player.numTilesOwned(), player.gold(), cityLevels(player, true), cityLevels(player, false),
      player.unitsConstructed(engine.STRUCTURES[0][1]), atSea,
      player.isTraitor() ? player.getTraitorRemainingTicks() : 0, player.isAlive() ? 1 : 0,
    ];
  }

  record(request) {
    const started = this.start.lobbyCreatedAt;
    const winner = this.players.reduce((best, each) => (each.numTilesOwned() > best.numTilesOwned() ? each : best));
    const record = {
      info: {
        ...this.start,
        players: this.start.players.map((each) => ({ ...each, persistentID: null, stats: {} })),
        start: started,
        end: started + 100 * this.turns.length,
        duration: Math.floor(this.turns.length / 10),
        num_turns: this.turns.length,
        winner: winner.clientID() === null ? ["nation", winner.name()] : ["player", winner.clientID()],
        lobbyFillTime: 0,
      },
      version: "v0.0.2",
      gitCommit: request.commit ?? "DEV",
      subdomain: "",
      domain: "",
      turns: this.turns.filter((turn) => turn.intents.length > 0 || turn.hash !== undefined),
    };
    const fault = engine.faultOfRecord(record);
    if (fault !== null) throw new Error(`the record breaks the original's own schema: ${fault}`);
    writeFileSync(request.file, JSON.stringify(record));
    return { turns: this.turns.length, hashes: record.turns.filter((turn) => turn.hash !== undefined).length };
  }
}

/** Play a record again; count its checks that hold. */
async function verify(request) {
  const record = JSON.parse(readFileSync(request.file, "utf8"));
  const fault = engine.faultOfRecord(record);
  if (fault !== null) throw new Error(`not a record of this edition: ${fault}`);
  const turns = new Map(record.turns.map((turn) => [turn.turnNumber, turn]));
  let checks = 0, broken = null, failed = null, at = 0;
  const runner = await engine.replayed(record, request.checkout, (update) => {
    if (update.errMsg !== undefined) {
      failed = update.errMsg;
      return;
    }
    const hash = update.updates[engine.GameUpdateType.Hash]?.[0];
    const expected = turns.get(at)?.hash;
    if (hash === undefined || expected === undefined || expected === null) return;
    checks++;
    if (hash.hash !== expected) broken ??= at;
  });
  for (; at < record.info.num_turns; at++) {
    runner.addTurn({ turnNumber: at, intents: turns.get(at)?.intents ?? [] });
    if (!runner.executeNextTick() || failed !== null) throw new Error(failed ?? "the tick did not run");
  }
  return { turns: record.info.num_turns, checks, broken };
}

const worlds = new Map();

async function make(request, build, intents) {
  let world;
  const made = await build(request, (update) => world.onTick(update));
  world = new World(made);
  worlds.set(request.slot, world);
  world.open(intents);
  world.number(made.ids);
  world.allOwned();
  const players = world.players.map((player) => ({ kind: engine.kindOf(player), name: player.name() }));
  sendText(TEXT, { players, width: world.game.width(), height: world.game.height(), starts_at: world.startsAt });
  send(BOARD, world.frame());
}

function worldOf(request) {
  const world = worlds.get(request.slot);
  if (world === undefined) throw new Error(`no game runs in slot ${request.slot}`);
  return world;
}

async function answer(request) {
  switch (request.op) {
    case "hello":
      return sendText(TEXT, { protocol: PROTOCOL, edition: engine.edition, node: process.versions.node });
    case "new":
      return make(request, engine.newBoard, []);
    case "real":
      return make(request, engine.newGame, request.players.map((each) => ({ type: "spawn", tile: each.tile, clientID: each.id })));
    case "step": {
      const world = worldOf(request);
      world.step(request.ticks, request.orders);
      return send(BOARD, world.frame());
    }
    case "owners":
      return send(OWNERS, worldOf(request).owners());
    case "record":
      return sendText(TEXT, worldOf(request).record(request));
    case "verify":
      return sendText(TEXT, await verify(request));
    case "end":
      worlds.delete(request.slot);
      return sendText(TEXT, {});
    default:
      throw new Error(`unknown request ${JSON.stringify(request.op)}`);
  }
}

let waiting = "";
process.stdin.setEncoding("utf8");
for await (const chunk of process.stdin) {
  waiting += chunk;
  for (let end; (end = waiting.indexOf("\n")) >= 0; ) {
    const line = waiting.slice(0, end);
    waiting = waiting.slice(end + 1);
    try {
      await answer(JSON.parse(line));
    } catch (error) {
      sendText(FAULT, { error: String(error?.message ?? error) });
    }
  }
}
