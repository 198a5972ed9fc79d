// The 2026 edition of the original engine, as the adapter uses it: what is constructed, and by which names.
import { readFileSync } from "node:fs";
import path from "node:path";
import { Config } from "engine/configuration/Config";
import { Executor } from "engine/execution/ExecutionManager";
import { NationExecution } from "engine/execution/NationExecution";
import { RecomputeRailClusterExecution } from "engine/execution/RecomputeRailClusterExecution";
import { SpawnExecution } from "engine/execution/SpawnExecution";
import { SpawnTimerExecution } from "engine/execution/SpawnTimerExecution";
import { TribeExecution } from "engine/execution/TribeExecution";
import {
  Difficulty, GameMapSize, GameMapType, GameMode, GameType, Nation, PlayerInfo, PlayerType, UnitType,
} from "engine/game/Game";
import { createGame } from "engine/game/GameImpl";
import { GameUpdateType } from "engine/game/GameUpdates";
import { genTerrainFromBin } from "engine/game/TerrainMapLoader";
import { createGameRunner, GameRunner } from "engine/GameRunner";
import { GameRecordSchema } from "engine/Schemas";

export const edition = "2026";
export { GameUpdateType, PlayerType };

export const STRUCTURES = [
  ["city", UnitType.City], ["defense_post", UnitType.DefensePost], ["port", UnitType.Port],
  ["factory", UnitType.Factory], ["silo", UnitType.MissileSilo], ["sam", UnitType.SAMLauncher],
];
export const BOAT = UnitType.TransportShip;
const KINDS = { human: PlayerType.Human, bot: PlayerType.Bot, nation: PlayerType.Nation };
const NAMES = Object.fromEntries(Object.entries(KINDS).map(([kind, type]) => [type, kind]));
const UNITS = { ...Object.fromEntries(STRUCTURES), boat: BOAT, warship: UnitType.Warship, atom_bomb: UnitType.AtomBomb,
  hydrogen_bomb: UnitType.HydrogenBomb, mirv: UnitType.MIRV };
const BOARD_SPAWN_TICKS = 100;

export function kindOf(player) {
  return NAMES[player.type()];
}

function difficultyOf(name) {
  return Difficulty[name[0].toUpperCase() + name.slice(1)];
}

/** The lobby's settings; what `options` leaves out is as in a public game without modifiers. */
function gameConfig(options) {
  return {
    gameMap: options.gameMap ?? GameMapType.World,
    gameMapSize: options.compact ? GameMapSize.Compact : GameMapSize.Normal,
    gameMode: GameMode.FFA,
    gameType: GameType.Private,
    difficulty: difficultyOf(options.difficulty ?? "medium"),
    nations: options.nations ?? "default",
    bots: options.bots ?? 0,
    donateGold: false, donateTroops: false, infiniteGold: false, infiniteTroops: false, instantBuild: false,
    randomSpawn: false,
    startingGold: options.starting_gold ?? null,
    disabledUnits: (options.without ?? []).filter((name) => name in UNITS).map((name) => UNITS[name]),
    disableAlliances: (options.without ?? []).includes("alliances"),
  };
}

/** The map at half size that ships find their way on: the first water tile of each 2 x 2, else the upper left one. */
function halved(terrain, width, height) {
  const [w, h] = [width >> 1, height >> 1];
  const half = new Uint8Array(w * h);
  let land = 0;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const at = 2 * y * width + 2 * x;
      const cell = [at, at + 1, at + width, at + width + 1].map((tile) => terrain[tile]);
      const byte = cell.find((each) => (each & 128) === 0) ?? cell[0];
      half[y * w + x] = byte;
      land += countsAsLand(byte);
    }
  }
  return { data: half, size: { width: w, height: h, num_land_tiles: land } };
}

function countsAsLand(byte) {
  return (byte & 128) !== 0 && (byte & 31) !== 31 ? 1 : 0;
}

/** A match on any map: every player starts at a tile that is given. Returns {runner, players, clients, startsAt}. */
export async function newBoard(request, onTick) {
  const { width, height, players, game_id: gameID } = request;
  const terrain = new Uint8Array(Buffer.from(request.terrain, "base64"));
  const size = { width, height, num_land_tiles: terrain.reduce((n, byte) => n + countsAsLand(byte), 0) };
  const half = halved(terrain, width, height);
  const infos = players.map(
    (each) => new PlayerInfo(each.name, KINDS[each.kind], each.kind === "human" && !each.mind ? each.id : null, each.id),
  );
  const nations = infos.filter((info) => info.playerType === PlayerType.Nation).map((info) => new Nation(undefined, info));
  const config = new Config(gameConfig(request.options), null, false);
  config.numSpawnPhaseTurns = () => BOARD_SPAWN_TICKS;
  const game = createGame(
    infos.filter((info) => info.playerType === PlayerType.Human), nations,
    await genTerrainFromBin(size, terrain), await genTerrainFromBin(half.size, half.data), config,
  );
  const spawns = players.map((each, i) => new SpawnExecution(gameID, infos[i], game.ref(each.x, each.y)));
  // Nations choose their own place, and hop about, while spawns are open: their choices are left out.
  const add = game.addExecution.bind(game);
  game.addExecution = (...given) =>
    add(...given.filter((each) => !(each instanceof SpawnExecution) || spawns.includes(each)));
  game.addExecution(new SpawnTimerExecution());
  game.addExecution(...nations.map((nation) => new NationExecution(gameID, nation)));
  game.addExecution(...spawns);
  // A tribe's mind on a human's terms: the seat that scripted:tribe has in a match of ours.
  const minded = players.filter((each) => each.kind === "human" && each.mind === "tribe");
  game.addExecution(...minded.map((each) => new TribeExecution(game.player(each.id))));
  if (!config.isUnitDisabled(UnitType.Factory)) {
    game.addExecution(new RecomputeRailClusterExecution(game.railNetwork()));
  }
  const runner = new GameRunner(game, new Executor(game, gameID, undefined), onTick);
  return { runner, ids: infos.map((info) => info.id), startsAt: BOARD_SPAWN_TICKS + 1, start: null };
}

/** A game as the original's own lobby starts it, on a map of the checkout. */
export async function newGame(request, onTick) {
  const key = Object.keys(GameMapType).find((each) => each.toLowerCase() === request.map);
  if (key === undefined) throw new Error(`this checkout knows no map ${request.map}`);
  const start = {
    gameID: request.game_id,
    lobbyCreatedAt: request.created_at,
    config: gameConfig({ ...request.options, gameMap: GameMapType[key] }),
    players: request.players.map((each) => ({ clientID: each.id, username: each.name, clanTag: null })),
  };
  const runner = await createGameRunner(start, undefined, mapsOf(request.checkout), onTick);
  return { runner, ids: null, startsAt: runner.game.config().numSpawnPhaseTurns() + 1, start };
}

/** Play a record's turns again, as the original's replay viewer does. */
export async function replayed(record, checkout, onTick) {
  return createGameRunner(record.info, undefined, mapsOf(checkout), onTick);
}

function mapsOf(checkout) {
  return {
    getMapData(map) {
      const key = Object.keys(GameMapType).find((each) => GameMapType[each] === map);
      const folder = path.join(checkout, "resources", "maps", key.toLowerCase());
      const bytes = (name) => async () => new Uint8Array(readFileSync(path.join(folder, name)));
      return {
        mapBin: bytes("map.bin"), map4xBin: bytes("map4x.bin"), map16xBin: bytes("map16x.bin"),
        manifest: async () => JSON.parse(readFileSync(path.join(folder, "manifest.json"), "utf8")),
        webpPath: "",
      };
    },
  };
}

/** The order as the original's client would send it, or null for one that has nothing to act on. */
export function intentOf(order, clientID, world) {
  const [kind, , a, b] = order;
  switch (kind) {
    case "attack":
      return { type: "attack", targetID: a === 0 ? null : world.player(a).id(), troops: b, clientID };
    case "retreat":
      return { type: "cancel_attack", attackID: world.attackName(a), clientID };
    case "build":
      return { type: "build_unit", unit: UNITS[a], tile: b, clientID };
    case "upgrade":
      return { type: "upgrade_structure", unit: world.structureType(a), unitId: a, clientID };
    case "boat":
      return { type: "boat", dst: a, troops: b, clientID };
    case "boat_retreat":
      return { type: "cancel_boat", unitID: a, clientID };
    case "alliance_request":
      return { type: "allianceRequest", recipient: world.player(a).id(), clientID };
    case "alliance_reject":
      return { type: "allianceReject", requestor: world.player(a).id(), clientID };
    case "alliance_extend":
      return { type: "allianceExtension", recipient: world.player(a).id(), clientID };
    case "alliance_break":
      return { type: "breakAlliance", recipient: world.player(a).id(), clientID };
    case "spawn":
      return { type: "spawn", tile: a, clientID };
    default:
      throw new Error(`unknown order ${JSON.stringify(kind)}`);
  }
}

/** What the original's own schema says about a record: null if it holds, else a text. */
export function faultOfRecord(record) {
  const parsed = GameRecordSchema.safeParse(record);
  if (parsed.success) return null;
  return parsed.error.issues.slice(0, 3).map((each) => `${each.path.join(".")}: ${each.message}`).join("; ");
}
