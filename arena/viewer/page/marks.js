// What stands on a board of edition 2026 beside land and troops: cities, boats, gold, alliances, trade.
(() => {
"use strict";
const TV = window.TerritoryViewer;

// On 16 x 16, so that the map and the legend show the same; a boat's bow and a train's front are in the east.
const SHAPES = {
  city: "M8 1.5L14.5 7.5V14.5H1.5V7.5z",
  "defence post": "M2 2H14V8C14 11.5 11 13.8 8 15C5 13.8 2 11.5 2 8z",
  port: "M8 1.5A6.5 6.5 0 1 0 8.01 1.5zM8 5.2A2.8 2.8 0 1 0 8.01 5.2z",
  factory: "M1.5 14.5V6.5L6 9.5V6.5L10.5 9.5V1.5H14.5V14.5z",
  silo: "M8 1.5L14.5 14.5H1.5z",
  "SAM site": "M8 1L15 8L8 15L1 8z",
  boat: "M1.5 3.5H9L15 8L9 12.5H1.5L4.2 8z",
  "trade ship": "M8 4.4A3.6 3.6 0 1 0 8.01 4.4z",
  train: "M0.5 5H12.5L15.5 8L12.5 11H0.5z",
  railway: "M0 7H2.5V4H4.5V7H7V4H9V7H11.5V4H13.5V7H16V9H13.5V12H11.5V9H9V12H7V9H4.5V12H2.5V9H0z",
  ally: "M6 4A4 4 0 1 0 6.01 4zM10 4A4 4 0 1 0 10.01 4z",
  traitor: "M6.8 0.5H9.2V3.8H12.5V6.2H9.8L8 15.5L6.2 6.2H3.5V3.8H6.8z",
};
const PATHS = {};
const TRAITOR_TICKS = 300;
const TRAIN_SPEED = 2; // tiles a tick; a trade ship sails one
const MOST_ALLIES = 4; // whose colours stand in a row of the table
const DARK = "rgba(8, 12, 20, 0.85)", RAIL = "rgba(233, 237, 245, 0.75)";

const light = (colour) => `rgb(${colour.map((part) => Math.round(0.45 * part + 0.55 * 255)).join()})`;

/** A shape with its middle at x, y; one that is hollow is not finished, or on its way back, and a number stands on a whole one. */
function draw(context, name, x, y, size, colour, { hollow = false, whole = false, turn = 0 } = {}) {
  const path = (PATHS[name] = PATHS[name] || new Path2D(SHAPES[name]));
  context.save();
  context.translate(x, y);
  context.rotate(turn);
  context.scale(size / 16, size / 16);
  context.translate(-8, -8);
  context.lineJoin = "round";
  const lined = name === "ally";
  context.strokeStyle = DARK;
  context.lineWidth = lined ? 4.6 : hollow ? 5 : 3.4;
  context.stroke(path);
  context.fillStyle = hollow ? DARK : colour;
  if (!lined) context.fill(path, whole ? "nonzero" : "evenodd");
  context.strokeStyle = colour;
  context.lineWidth = 2;
  if (lined || hollow) context.stroke(path);
  context.restore();
}

/** The same shape as a picture in the text. */
TV.markIcon = (name, hollow = false) => {
  const space = "http" + "://www.w3.org/2000/svg", made = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  made.setAttribute("viewBox", "-1 -1 18 18");
  made.setAttribute("class", `tv-mark${hollow || name === "ally" ? " tv-hollow" : ""}`);
  path.setAttribute("d", SHAPES[name]);
  path.setAttribute("fill-rule", "evenodd");
  made.append(path);
  return made;
};

const byColumns = (...names) => (a, b) => names.reduce((found, name) => found || a[name] - b[name], 0);

class Marks {
  constructor(film, sections) {
    const { varints, signed, steps } = TV.numbers, n = film.seats.length;
    this.film = film;
    this.gold = steps(sections.gold, n);
    this.levels = steps(sections.levels, n);
    this.traitors = steps(sections.traitors, n);
    this._readStructures(varints(sections.structures));
    this._readBoats(varints(sections.boats), signed(sections.places));
    this._readAllies(varints(sections.allies));
    this._readShips(varints(sections.ships));
    this._readRails(varints(sections.rails || [])); // films of before have neither
    this._readTrains(varints(sections.trains || []));
  }

  _readStructures(numbers) {
    const standing = new Map();
    this.structures = [];
    for (let at = 0; this.structures.length < this.film.length; ) {
      let tile = 0;
      const changed = numbers[at++];
      for (let left = changed; left > 0; left--) {
        tile += numbers[at++];
        const kind = numbers[at++];
        if (kind === 0) { standing.delete(tile); continue; }
        const seat = numbers[at++], code = numbers[at++];
        standing.set(tile, { tile, kind, seat, level: Math.floor(code / 2), finished: code % 2 });
      }
      const before = this.structures.at(-1);
      this.structures.push(before && !changed ? before : [...standing.values()].sort((a, b) => a.tile - b.tile));
    }
  }

  _readBoats(numbers, places) {
    let at = 0, step = 0, known = 0, before = [];
    this.boats = [];
    while (this.boats.length < this.film.length) {
      const now = [];
      for (const boat of before) {
        const state = numbers[at++];
        if (state) now.push({ ...boat, x: boat.x + places[step++], y: boat.y + places[step++], back: state - 1 });
      }
      for (let left = numbers[at++]; left > 0; left--, at += 6) {
        const [seat, target, landX, landY, troops, state] = numbers.slice(at, at + 6);
        now.push({ id: known++, seat, onto: target - 1, x: places[step++], y: places[step++], landX, landY, troops, back: state - 1 });
      }
      this.boats.push(before = now);
    }
  }

  _readAllies(numbers) {
    const pairs = new Set();
    this.allies = [];
    for (let at = 0; this.allies.length < this.film.length; ) {
      let code = 0;
      const changed = numbers[at++];
      for (let left = changed; left > 0; left--) {
        code += numbers[at++];
        if (!pairs.delete(code)) pairs.add(code);
      }
      const before = this.allies.at(-1);
      this.allies.push(before && !changed ? before : [...pairs].sort((a, b) => a - b));
    }
  }

  _readShips(numbers) {
    this.ships = Array.from({ length: this.film.length }, () => []);
    for (let at = 0; at < numbers.length; at += 7) {
      const [first, n, seat, start, goal, steps, arrives] = numbers.slice(at, at + 7);
      const ship = { seat, start: start - 1, goal: goal - 1, steps, arrives };
      for (let frame = first; frame < first + n; frame++) this.ships[frame].push(ship);
    }
    this.ships.forEach((row) => row.sort(byColumns("seat", "start", "goal", "steps", "arrives")));
  }

  _readRails(numbers) {
    const laid = new Map();
    this.rails = [];
    for (let at = 0; this.rails.length < this.film.length; ) {
      let one = 0;
      const changed = numbers[at++] || 0;
      for (let left = changed; left > 0; left--, at += 3) {
        const other = (one += numbers[at]) + numbers[at + 1], length = numbers[at + 2];
        if (length) laid.set(`${one} ${other}`, { one, other, length }); else laid.delete(`${one} ${other}`);
      }
      const before = this.rails.at(-1);
      this.rails.push(before && !changed ? before : [...laid.values()].sort(byColumns("one", "other")));
    }
  }

  _readTrains(numbers) {
    this.trains = [];
    for (let at = 0; this.trains.length < this.film.length; ) {
      const frame = this.trains.length, row = [];
      let on = 0;
      for (let left = numbers[at++] || 0; left > 0; left--, at += 3) {
        on += numbers[at];
        const { one, other, length } = this.rails[frame][Math.floor(on / 2)], [start, goal] = on % 2 ? [other, one] : [one, other];
        row.push({ seat: numbers[at + 1], start, goal, steps: length, arrives: this.film.ticks[frame] + numbers[at + 2] });
      }
      this.trains.push(row.sort(byColumns("seat", "start", "goal", "steps", "arrives")));
    }
  }

  /** What the hash of a frame covers, as arena.viewer.marks.Marks.numbers. */
  numbers(frame) {
    const n = this.film.seats.length, row = (table) => [...this.film.row(table, frame)];
    const structures = this.structures[frame], boats = this.boats[frame], allies = this.allies[frame], rails = this.rails[frame], trains = this.trains[frame];
    const moving = (rows) => [rows.length, ...rows.flatMap((each) => [each.seat, each.start, each.goal, each.steps, each.arrives])];
    return [
      ...row(this.gold), ...row(this.levels), ...row(this.traitors),
      structures.length, ...structures.flatMap((each) => [each.tile, each.kind, each.seat, each.level, each.finished]),
      boats.length, ...boats.flatMap((each) => [each.seat, each.onto, each.x, each.y, each.landX, each.landY, each.troops, each.back]),
      allies.length, ...allies.flatMap((code) => [Math.floor(code / n), code % n]),
      ...moving(this.ships[frame]),
      ...(rails.length ? [rails.length, ...rails.flatMap((each) => [each.one, each.other, each.length]), ...moving(trains)] : []),
    ];
  }

  alliesOf(frame, seat) {
    const n = this.film.seats.length;
    return this.allies[frame].map((code) => [Math.floor(code / n), code % n]).filter((pair) => pair.includes(seat)).map(([a, b]) => (a === seat ? b : a));
  }

  isTraitor(frame, seat) { return this.traitors[frame * this.film.seats.length + seat] > this.film.ticks[frame]; }

  word(structure) { return this.film.about.structures[structure.kind - 1]; }

  /** What lies within some tiles of x, y, in words, or "". */
  near(frame, x, y, reach) {
    const { width, seats } = this.film, found = [];
    const note = (mx, my, text) => found.push([Math.hypot(mx - x, my - y), text]);
    for (const each of this.structures[frame]) {
      const told = `${this.word(each)} of ${seats[each.seat].name}`;
      note(each.tile % width, Math.floor(each.tile / width), each.finished ? `${told}, level ${each.level}` : `${told}, being built`);
    }
    for (const each of this.boats[frame]) {
      const onto = each.back ? "on its way back" : each.onto < 0 ? "to nobody's land" : `to ${seats[each.onto].name}`;
      note(each.x, each.y, `boat of ${seats[each.seat].name} ${onto}, ${TV.short(each.troops)} troops`);
    }
    for (const each of this._movers(frame, 0)) note(each.x, each.y, `${each.name} of ${seats[each.seat].name}`);
    const nearest = found.filter(([far]) => far <= reach).sort((a, b) => a[0] - b[0])[0];
    return nearest ? nearest[1] : "";
  }

  drawOn(board, context, view, frame, mix, shown) {
    const { width } = this.film, place = (x, y) => [view.x + (x + 0.5) * view.scale, view.y + (y + 0.5) * view.scale];
    const size = Math.min(Math.max(4.4 * view.scale, 9), 17);
    const within = (at, room) => (at > -view.scale && at < room + view.scale ? Math.min(Math.max(at, 0.6 * size), room - 0.6 * size) : at);
    this._drawRails(context, view, frame, place);
    for (const each of this.structures[frame]) {
      let [x, y] = place(each.tile % width, Math.floor(each.tile / width));
      if (x < -20 || y < -20 || x > view.w + 20 || y > view.h + 20) continue;
      [x, y] = [within(x, view.w), within(y, view.h)]; // whole where its tile is at the edge
      const wide = size * (1 + 0.06 * Math.min(each.level - 1, 5)), numbered = each.level > 1 && wide > 11.5;
      draw(context, this.word(each), x, y, wide, light(board.colours[each.seat]), { hollow: !each.finished, whole: numbered });
      if (!numbered) continue;
      context.font = `700 ${0.66 * wide}px ${board.theme.font}`;
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillStyle = each.finished ? "#0b1018" : "#ffffff";
      context.fillText(String(each.level), x, y + 0.11 * wide);
    }
    for (const { name, seat, x, y, turn } of this._movers(frame, mix)) {
      context.globalAlpha = shown.follow === null || shown.follow === seat ? 1 : 0.35;
      draw(context, name, ...place(x, y), 0.8 * size, light(board.colours[seat]), { turn });
      context.globalAlpha = 1;
    }
    this._drawBoats(board, context, view, frame, mix, shown, place, size);
  }

  /** Rails from station to station, dashed light on dark: of a rail itself only the length is kept. */
  _drawRails(context, view, frame, place) {
    const { width } = this.film, wide = Math.min(Math.max(0.4 * view.scale, 1), 2), tile = (at) => place(at % width, Math.floor(at / width));
    for (const [style, line, dash] of [["rgba(8, 12, 20, 0.55)", 2.2 * wide, []], [RAIL, wide, [2 * wide, 2 * wide]]]) {
      context.setLineDash(dash);
      context.lineCap = "butt";
      context.lineWidth = line;
      context.strokeStyle = style;
      context.beginPath();
      for (const { one, other } of this.rails[frame]) { context.moveTo(...tile(one)); context.lineTo(...tile(other)); }
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** Trade ships and trains where each would be if its way were straight; one that leaves before the next frame is on its way too. */
  _movers(frame, mix) {
    const { width, ticks, length } = this.film, next = Math.min(frame + 1, length - 1), now = ticks[frame] + (ticks[next] - ticks[frame]) * mix;
    const found = [];
    for (const [name, rows, speed] of [["trade ship", this.ships, 1], ["train", this.trains, TRAIN_SPEED]]) {
      const takes = ({ steps }) => Math.max(Math.ceil(steps / speed), 1);
      const key = (each) => Object.values(each).join(), here = new Set(rows[frame].map(key));
      const shown = rows[frame].filter(({ arrives }) => mix === 0 || arrives >= now);
      if (mix > 0) shown.push(...rows[next].filter((each) => !here.has(key(each)) && each.arrives - takes(each) <= now));
      for (const each of shown) {
        const { seat, start, goal, arrives } = each;
        if (start < 0 || goal < 0) continue;
        const done = Math.min(Math.max(1 - (arrives - now) / takes(each), 0), 1), from = [start % width, Math.floor(start / width)], to = [goal % width, Math.floor(goal / width)];
        const [across, down] = [to[0] - from[0], to[1] - from[1]];
        found.push({ name, seat, x: from[0] + across * done, y: from[1] + down * done, turn: Math.atan2(down, across) });
      }
    }
    return found;
  }

  _drawBoats(board, context, view, frame, mix, shown, place, size) {
    const next = new Map(this.boats[Math.min(frame + 1, this.film.length - 1)].map((boat) => [boat.id, boat]));
    const last = new Map(frame > 0 ? this.boats[frame - 1].map((boat) => [boat.id, boat]) : []);
    const most = Math.max(...this.boats[frame].map((boat) => boat.troops), 1);
    for (const boat of this.boats[frame]) {
      const after = next.get(boat.id), to = after || boat, from = after ? boat : last.get(boat.id) || boat;
      const [x, y] = place(boat.x + (to.x - boat.x) * mix, boat.y + (to.y - boat.y) * mix), [lx, ly] = place(boat.landX, boat.landY);
      const moved = to.x !== from.x || to.y !== from.y;
      const turn = moved ? Math.atan2(to.y - from.y, to.x - from.x) : Math.atan2(ly - y, lx - x);
      context.globalAlpha = shown.follow === null || shown.follow === boat.seat || shown.follow === boat.onto ? 1 : 0.35;
      const colour = light(board.colours[boat.seat]);
      context.setLineDash([1, 5]);
      context.lineCap = "round";
      for (const [wide, style] of [[3.6, DARK], [1.8, colour]]) {
        context.lineWidth = wide;
        context.strokeStyle = style;
        context.beginPath();
        context.moveTo(x, y);
        context.lineTo(lx, ly);
        context.stroke();
      }
      context.setLineDash([]);
      if (!boat.back) {
        for (const [wide, style] of [[4.4, DARK], [2.2, boat.onto < 0 ? "#ffffff" : this.film.seats[boat.onto].colour]]) {
          context.lineWidth = wide;
          context.strokeStyle = style;
          context.beginPath();
          context.arc(lx, ly, 0.3 * size, 0, 2 * Math.PI);
          context.stroke();
        }
      }
      draw(context, "boat", x, y, size * (0.8 + 0.4 * Math.sqrt(boat.troops / most)), colour, { hollow: boat.back === 1, turn });
      context.globalAlpha = 1;
    }
  }

  /** Where a name of that half width and height, and its badges, hide no structure: here, or a little above or below. */
  freeOf(view, frame, seat, x, y, wide, high, size, follow) {
    const { width } = this.film, over = this._badges(frame, seat, follow).length ? 1.2 * size : 0;
    const hides = (at) => this.structures[frame].some(({ tile }) => {
      const below = view.y + (Math.floor(tile / width) + 0.5) * view.scale - at;
      return Math.abs(view.x + ((tile % width) + 0.5) * view.scale - x) < wide + 8 && below < high + 8 && -below < high + 8 + over;
    });
    return [0, 1.3, -1.3, 2, -2].map((turns) => y + turns * (high + 8)).find((at) => !hides(at)) ?? y;
  }

  /** Over a seat's name: a dagger on a traitor, two rings on an ally of who is followed. */
  _badges(frame, seat, follow) {
    const badges = [];
    if (this.isTraitor(frame, seat)) badges.push(["traitor", "#ffd9d4"]);
    if (follow !== null && this.alliesOf(frame, follow).includes(seat)) badges.push(["ally", "#fff3c4"]);
    return badges;
  }

  drawBadges(context, frame, seat, x, y, size, follow) {
    const badges = this._badges(frame, seat, follow);
    badges.forEach(([name, colour], i) => draw(context, name, x + (i - (badges.length - 1) / 2) * 1.3 * size, y, size, colour));
  }

  /** Fills a seat's cells of the table; each ally is a dot of its colour. */
  fillRow(row, frame, seat, dead) {
    const { seats } = this.film, at = frame * seats.length + seat, allies = this.alliesOf(frame, seat);
    row.gold.textContent = dead ? "" : TV.short(this.gold[at]);
    row.cities.textContent = dead ? "" : this.levels[at] || "–";
    row.allies.replaceChildren(...allies.slice(0, MOST_ALLIES).map((ally) => {
      const dot = document.createElement("i");
      dot.className = "tv-swatch";
      dot.style.background = seats[ally].colour;
      return dot;
    }));
    if (allies.length > MOST_ALLIES) row.allies.append(` +${allies.length - MOST_ALLIES}`);
    if (this.isTraitor(frame, seat)) row.allies.append(TV.markIcon("traitor"));
    row.allies.title = [
      allies.length ? `allied with ${allies.map((ally) => seats[ally].name).join(", ")}` : "",
      this.isTraitor(frame, seat) ? `traitor until tick ${this.traitors[at]}` : "",
    ].filter(Boolean).join("; ");
  }

  /** The same of one seat in words; `named` makes a seat's name. */
  facts(frame, seat, named) {
    const at = frame * this.film.seats.length + seat, line = document.createElement("p");
    const building = this.structures[frame].filter((each) => each.seat === seat && !each.finished).length;
    const boats = this.boats[frame].filter((boat) => boat.seat === seat), allies = this.alliesOf(frame, seat);
    const facts = [`gold ${TV.short(this.gold[at])}`, `city levels ${this.levels[at]}${building ? `, ${building} being built` : ""}`];
    if (boats.length) facts.push(`${boats.length} ${boats.length === 1 ? "boat" : "boats"} at sea with ${TV.short(boats.reduce((sum, boat) => sum + boat.troops, 0))} troops`);
    for (const [name, rows] of [["trade ship", this.ships], ["train", this.trains]]) {
      const own = rows[frame].filter((each) => each.seat === seat).length;
      if (own) facts.push(`${own} ${name}${own === 1 ? "" : "s"}`);
    }
    if (this.isTraitor(frame, seat)) facts.push(`traitor until tick ${this.traitors[at]}`);
    line.className = "tv-quiet";
    line.append(facts.join("  ·  "));
    if (allies.length) line.append("  ·  allied with ", ...allies.flatMap((ally) => [named(ally), " "]));
    return line;
  }

  /** Who betrayed whom, and when: whoever becomes a traitor has an alliance less. */
  betrayals() { return (this._betrayals = this._betrayals || this._findBetrayals()); }

  _findBetrayals() {
    const n = this.film.seats.length, found = [];
    for (let frame = 1; frame < this.film.length; frame++) {
      for (let seat = 0; seat < n; seat++) {
        const since = this.traitors[frame * n + seat];
        if (since <= this.traitors[(frame - 1) * n + seat]) continue;
        const still = this.alliesOf(frame, seat), lost = this.alliesOf(frame - 1, seat).filter((ally) => !still.includes(ally) && this.film.tiles[frame * n + ally] > 0);
        found.push({ seat, by: lost.length ? lost[0] : null, at: since - TRAITOR_TICKS, betrays: true });
      }
    }
    return found;
  }

  /** [shape, hollow, words] of whatever there is to see in this film. */
  legend() {
    const items = this.film.about.structures.map((word, i) => [i + 1, word]).filter(([kind]) => this.structures.some((row) => row.some((each) => each.kind === kind)))
      .map(([, word]) => [word, false, word === "city" ? "city, with its level" : word]);
    if (items.length) items.push([items[0][0], true, "being built"]);
    if (this.boats.some((row) => row.length)) items.push(["boat", false, "boat, its landing ringed in its target's colour"]);
    if (this.boats.some((row) => row.some((each) => each.back))) items.push(["boat", true, "on its way back"]);
    if (this.ships.some((row) => row.length)) items.push(["trade ship", false, "trade ship, on a straight line between its ports"]);
    if (this.rails.some((row) => row.length)) items.push(["railway", false, "railway, on a straight line between its stations"]);
    if (this.trains.some((row) => row.length)) items.push(["train", false, "train"]);
    if (this.allies.some((row) => row.length)) items.push(["ally", false, "ally of the seat that is followed"]);
    if (this.film.ticks.some((_, frame) => this.film.seats.some((_, seat) => this.isTraitor(frame, seat)))) items.push(["traitor", false, "traitor, whose land falls at half the losses"]);
    return items;
  }
}

TV.readMarks = (film, sections) => new Marks(film, sections);
})();
