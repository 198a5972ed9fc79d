// Draws the board of a film: relief, land with smooth borders, names, attacks, views, attention.
(() => {
"use strict";
const TV = window.TerritoryViewer;

const LAND = 128, NEUTRAL = 0, WATER = 255;
const MOST_SUPERSAMPLES = 8; // pixels a side of a tile; more are not seen
const LABEL_CELLS = 160; // names are placed on a grid of at most this side
const VIEW_COLOURS = { local: "#ffe08a", tactical: "#ffffff" };

const hex = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
TV.hex = hex;

/** Quadratic B-spline weights of the three tiles around each of k pixels in a tile. */
function taps(k) {
  const weights = new Float32Array(3 * k);
  for (let i = 0; i < k; i++) {
    const u = (i + 0.5) / k;
    weights[3 * i] = 0.5 * (1 - u) ** 2;
    weights[3 * i + 1] = 0.75 - (u - 0.5) ** 2;
    weights[3 * i + 2] = 0.5 * u ** 2;
  }
  return weights;
}

class Board {
  constructor(film, canvas) {
    this.film = film;
    this.canvas = canvas;
    this.layers = [document.createElement("canvas"), document.createElement("canvas")];
    this.drawn = ["", ""];
    this.zoom = 1;
    this.centre = [film.width / 2, film.height / 2];
    this.colours = film.seats.map((seat) => hex(seat.colour));
    // Land is a little calmer than the seats' colours, so that names, arrows and borders stand out.
    this.land = this.colours.map((colour) => colour.map((part) => 0.8 * part + 18));
    this._shade();
    this._placed = new Map();
  }

  /** One brightness per tile: height and a light from the north-west on land, depth on water. */
  _shade() {
    const { width, height, terrain } = this.film;
    const high = (x, y) => {
      const byte = terrain[Math.min(Math.max(y, 0), height - 1) * width + Math.min(Math.max(x, 0), width - 1)];
      return byte & LAND ? byte & 31 : 0;
    };
    this.shade = new Float32Array(width * height);
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const byte = terrain[at], magnitude = byte & 31;
        if (byte & LAND) {
          const slope = high(x + 1, y) + high(x, y + 1) - high(x - 1, y) - high(x, y - 1);
          this.shade[at] = Math.min(Math.max(0.9 + 0.0085 * magnitude + 0.022 * slope, 0.66), 1.34);
        } else this.shade[at] = 1 - 0.3 * Math.min(magnitude, 14) / 14;
      }
    }
  }

  setTheme(style) {
    const colour = (name) => hex(style.getPropertyValue(name).trim());
    this.theme = {
      water: colour("--tv-water"),
      ground: [colour("--tv-plain"), colour("--tv-highland"), colour("--tv-mountain")],
      halo: style.getPropertyValue("--tv-halo").trim(),
      ink: style.getPropertyValue("--tv-name").trim(),
      font: style.getPropertyValue("font-family"),
    };
    // Heights 0 to 31: plains until 10, highland around 15, mountains from 22 on, mixed between.
    this.grounds = Array.from({ length: 32 }, (_, magnitude) => {
      const at = Math.min(Math.max((magnitude - 6) / 8, 0), 2), low = Math.min(Math.floor(at), 1), share = at - low;
      return this.theme.ground[low].map((part, i) => part * (1 - share) + this.theme.ground[low + 1][i] * share);
    });
    this.drawn = ["", ""];
    this._view = "";
  }

  /** Where tile 0, 0 is on the canvas, and CSS pixels a tile. */
  view() {
    const { width, height } = this.film, w = this.canvas.clientWidth, h = this.canvas.clientHeight;
    const scale = this.zoom * Math.min(w / width, h / height);
    const clamp = (value, size, room) =>
      size * scale <= room ? size / 2 : Math.min(Math.max(value, room / scale / 2), size - room / scale / 2);
    this.centre = [clamp(this.centre[0], width, w), clamp(this.centre[1], height, h)];
    return { scale, x: w / 2 - this.centre[0] * scale, y: h / 2 - this.centre[1] * scale, w, h };
  }

  tileAt(px, py) {
    const view = this.view(), x = Math.floor((px - view.x) / view.scale), y = Math.floor((py - view.y) / view.scale);
    return x >= 0 && y >= 0 && x < this.film.width && y < this.film.height ? [x, y] : null;
  }

  zoomAt(factor, px, py) {
    const before = this.view();
    const tile = [(px - before.x) / before.scale, (py - before.y) / before.scale];
    this.zoom = Math.min(Math.max(this.zoom * factor, 1), 32);
    const scale = this.view().scale;
    this.centre = [tile[0] + (before.w / 2 - px) / scale, tile[1] + (before.h / 2 - py) / scale];
    this.view();
  }

  /** Draws the board between a frame and the next, `mix` of 0 to 1 on the way. */
  draw(frame, mix, shown) {
    const ratio = Math.min(window.devicePixelRatio || 1, 2), view = this.view();
    const w = Math.round(view.w * ratio), h = Math.round(view.h * ratio);
    if (this.canvas.width !== w || this.canvas.height !== h) { this.canvas.width = w; this.canvas.height = h; }
    const context = this.canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, w, h);
    const part = this._part(view, ratio);
    const [now, next] = this._ready(frame, mix > 0 ? Math.min(frame + 1, this.film.length - 1) : frame, part);
    const place = [part.x0, part.y0, part.x1 - part.x0, part.y1 - part.y0].map((tiles, i) => tiles * view.scale + (i === 0 ? view.x : i === 1 ? view.y : 0));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.imageSmoothingEnabled = part.k > 1 || view.scale * ratio < 1;
    context.imageSmoothingQuality = "high";
    context.drawImage(now, ...place);
    if (mix > 0 && next !== now) {
      context.globalAlpha = mix;
      context.drawImage(next, ...place);
      context.globalAlpha = 1;
    }
    if (shown.attention) this._drawAttention(context, view, frame, shown);
    if (shown.follow !== null) this._drawViews(context, view, frame, mix, shown.follow);
    if (shown.arrows) this._drawAttacks(context, view, frame, mix, shown);
    if (shown.marks && this.film.marks) this.film.marks.drawOn(this, context, view, frame, mix, shown);
    if (shown.names) this._drawNames(context, view, frame, mix, shown);
  }

  /** The tiles in sight and pixels a tile; a new part empties what was drawn. */
  _part(view, ratio) {
    const { width, height } = this.film;
    const k = Math.min(Math.max(Math.ceil(view.scale * ratio - 0.01), 1), MOST_SUPERSAMPLES);
    const x0 = Math.max(Math.floor(-view.x / view.scale) - 1, 0), y0 = Math.max(Math.floor(-view.y / view.scale) - 1, 0);
    const x1 = Math.min(Math.ceil((view.w - view.x) / view.scale) + 1, width);
    const y1 = Math.min(Math.ceil((view.h - view.y) / view.scale) + 1, height);
    const part = { k, x0, y0, x1, y1, scale: view.scale };
    const key = JSON.stringify(part);
    if (key !== this._view) {
      this._view = key;
      this.drawn = ["", ""];
      this._relief = this._makeRelief(part);
    }
    return part;
  }

  /** Brightness per pixel, 128 for 1: the tiles' brightness, smoothed. */
  _makeRelief({ k, x0, y0, x1, y1 }) {
    const { width, height } = this.film, columns = (x1 - x0) * k, relief = new Uint8Array(columns * (y1 - y0) * k);
    for (let py = 0; py < (y1 - y0) * k; py++) {
      const fy = Math.min(Math.max(y0 + (py + 0.5) / k - 0.5, 0), height - 1), ty = Math.min(Math.floor(fy), height - 2 < 0 ? 0 : height - 2), v = fy - ty;
      const down = height > 1 ? width : 0;
      for (let px = 0; px < columns; px++) {
        const fx = Math.min(Math.max(x0 + (px + 0.5) / k - 0.5, 0), width - 1), tx = Math.min(Math.floor(fx), Math.max(width - 2, 0)), u = fx - tx;
        const at = ty * width + tx, right = width > 1 ? 1 : 0;
        const top = this.shade[at] * (1 - u) + this.shade[at + right] * u;
        const low = this.shade[at + down] * (1 - u) + this.shade[at + down + right] * u;
        relief[py * columns + px] = Math.min(128 * (top * (1 - v) + low * v), 255);
      }
    }
    return relief;
  }

  /** Two layers that hold the frames asked for; what is there already is not drawn again. */
  _ready(frame, next, part) {
    const take = (wanted, spare) => {
      let index = this.drawn.indexOf(wanted);
      if (index < 0) {
        index = this.drawn[0] === spare ? 1 : 0;
        this._paint(this.layers[index], wanted, part);
        this.drawn[index] = wanted;
      }
      return this.layers[index];
    };
    const first = take(frame, next);
    return [first, next === frame ? first : take(next, frame)];
  }

  _paint(layer, frame, part) {
    if (part.k === 1) this._paintTiles(layer, frame, part); else this._paintSmooth(layer, frame, part);
  }

  /** One pixel a tile: large maps from afar, a million of them in some milliseconds. */
  _paintTiles(layer, frame, { x0, y0, x1, y1 }) {
    const { width, height, terrain } = this.film, owner = this.film.owner(frame), columns = x1 - x0;
    if (layer.width !== columns || layer.height !== y1 - y0) { layer.width = columns; layer.height = y1 - y0; }
    const context = layer.getContext("2d"), image = context.createImageData(columns, y1 - y0);
    const words = new Uint32Array(image.data.buffer), relief = this._relief;
    const pack = (colour) => { const [r, g, b] = colour.map(Math.round); return (b << 16) | (g << 8) | r; };
    const labels = new Uint32Array(256), grounds = Uint32Array.from(this.grounds, pack);
    labels[WATER] = pack(this.theme.water);
    this.land.forEach((colour, seat) => { labels[seat + 1] = pack(colour); });
    for (let y = y0, to = 0; y < y1; y++) {
      const up = y > 0 ? -width : 0, down = y < height - 1 ? width : 0;
      for (let x = x0; x < x1; x++, to++) {
        const tile = y * width + x, own = owner[tile];
        const colour = own === NEUTRAL ? grounds[terrain[tile] & 31] : labels[own];
        let light = relief[to];
        if (own !== NEUTRAL && own !== WATER && (owner[tile + up] !== own || owner[tile + down] !== own
          || (x > 0 && owner[tile - 1] !== own) || (x < width - 1 && owner[tile + 1] !== own))) light = (light * 9) >> 4;
        const red = Math.min(((colour & 255) * light) >> 7, 255), green = Math.min((((colour >> 8) & 255) * light) >> 7, 255);
        const blue = Math.min((((colour >> 16) & 255) * light) >> 7, 255);
        words[to] = (255 << 24) | (blue << 16) | (green << 8) | red;
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** Several pixels a tile: each belongs to whoever has most of the tiles around it. */
  _paintSmooth(layer, frame, part) {
    const { width, height, terrain } = this.film, { k, x0, y0, x1, y1 } = part, owner = this.film.owner(frame);
    const columns = (x1 - x0) * k, rows = (y1 - y0) * k;
    if (layer.width !== columns || layer.height !== rows) { layer.width = columns; layer.height = rows; }
    const context = layer.getContext("2d"), image = context.createImageData(columns, rows);
    const pixels = image.data, relief = this._relief, weights = taps(k), votes = new Float32Array(256);
    const edge = Math.min(1.3 / part.scale, 0.5), soft = Math.max(part.scale / 1.2, 0.8);
    const near = new Uint8Array(9);
    let from = 0;
    const colourOf = (label, tile) => {
      if (label === WATER) return this.theme.water;
      if (label !== NEUTRAL) return this.land[label - 1];
      return this.grounds[terrain[tile] & 31];
    };
    const put = (at, colour, light) => {
      const brightness = (light * relief[at]) / 128, to = 4 * at;
      pixels[to] = colour[0] * brightness;
      pixels[to + 1] = colour[1] * brightness;
      pixels[to + 2] = colour[2] * brightness;
      pixels[to + 3] = 255;
    };
    for (let y = y0; y < y1; y++) {
      const up = y > 0 ? -width : 0, down = y < height - 1 ? width : 0;
      for (let x = x0; x < x1; x++) {
        const tile = y * width + x, left = x > 0 ? -1 : 0, right = x < width - 1 ? 1 : 0, own = owner[tile];
        near[0] = owner[tile + up + left]; near[1] = owner[tile + up]; near[2] = owner[tile + up + right];
        near[3] = owner[tile + left]; near[4] = own; near[5] = owner[tile + right];
        near[6] = owner[tile + down + left]; near[7] = owner[tile + down]; near[8] = owner[tile + down + right];
        from = (y - y0) * k * columns + (x - x0) * k;
        let same = true;
        for (let i = 0; i < 9; i++) if (near[i] !== own) { same = false; break; }
        const plain = colourOf(own, tile);
        if (same) {
          for (let py = 0; py < k; py++) for (let px = 0; px < k; px++) put(from + py * columns + px, plain, 1);
          continue;
        }
        for (let py = 0; py < k; py++) {
          for (let px = 0; px < k; px++) {
            let best = own, first = 0, second = 0;
            for (let i = 0; i < 9; i++) votes[near[i]] = 0;
            for (let i = 0; i < 9; i++) votes[near[i]] += weights[3 * py + ((i / 3) | 0)] * weights[3 * px + (i % 3)];
            for (let i = 0; i < 9; i++) {
              const label = near[i], share = votes[label];
              if (share === 0) continue;
              votes[label] = 0;
              if (share > first) { second = first; first = share; best = label; } else if (share > second) second = share;
            }
            const margin = first - second, line = Math.min(Math.max((edge - margin) * soft + 0.5, 0), 1);
            const depth = best === WATER ? 0.25 : best === NEUTRAL ? 0.3 : 0.62;
            const rim = best === WATER || best === NEUTRAL ? 1 : 0.9 + 0.1 * margin;
            put(from + py * columns + px, best === own ? plain : colourOf(best, tile), rim * (1 - depth * line));
          }
        }
      }
    }
    context.putImageData(image, 0, 0);
  }

  // --- what lies over the land ---------------------------------------------------------------------

  /** Names stand where a seat's land is widest: found on a coarse grid, kept per frame. */
  _placeNames(frame) {
    const known = this._placed.get(frame);
    if (known) return known;
    const { width, height, seats } = this.film, owner = this.film.owner(frame);
    const step = Math.ceil(Math.max(width, height) / LABEL_CELLS), w = Math.ceil(width / step), h = Math.ceil(height / step);
    const label = new Uint8Array(w * h), reach = new Float32Array(w * h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) label[y * w + x] = owner[y * step * width + x * step];
    const look = (x, y, dx, dy, length) => {
      const nx = x + dx, ny = y + dy, at = y * w + x;
      const far = nx < 0 || ny < 0 || nx >= w || ny >= h || label[ny * w + nx] !== label[at] ? 0 : reach[ny * w + nx];
      reach[at] = Math.min(reach[at], far + length);
    };
    for (let at = 0; at < w * h; at++) reach[at] = 1e9;
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) { look(x, y, -1, 0, 1); look(x, y, 0, -1, 1); look(x, y, -1, -1, 1.4); look(x, y, 1, -1, 1.4); }
    for (let y = h - 1; y >= 0; y--) for (let x = w - 1; x >= 0; x--) { look(x, y, 1, 0, 1); look(x, y, 0, 1, 1); look(x, y, 1, 1, 1.4); look(x, y, -1, 1, 1.4); }
    const found = seats.map(() => null);
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++) {
        const at = y * w + x, seat = label[at] - 1;
        if (label[at] === NEUTRAL || label[at] === WATER || !seats[seat]) continue;
        if (!found[seat] || reach[at] > found[seat].reach) found[seat] = { x: (x + 0.5) * step, y: (y + 0.5) * step, reach: reach[at] };
      }
    }
    for (const each of found) if (each) each.reach *= step;
    this._placed.set(frame, found);
    if (this._placed.size > 400) this._placed.delete(this._placed.keys().next().value);
    return found;
  }

  _drawNames(context, view, frame, mix, shown) {
    const now = this._placeNames(frame), next = mix > 0 ? this._placeNames(Math.min(frame + 1, this.film.length - 1)) : now;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const taken = [];
    const order = this.film.seats.map((_, index) => index).filter((index) => now[index]);
    order.sort((a, b) => (b === shown.follow) - (a === shown.follow) || now[b].reach - now[a].reach);
    for (const index of order) {
      const seat = this.film.seats[index], a = now[index], b = next[index] || a;
      const near = Math.hypot(a.x - b.x, a.y - b.y) < 0.12 * this.film.width, to = near ? b : a;
      const x = view.x + view.scale * (a.x + (to.x - a.x) * mix);
      let y = view.y + view.scale * (a.y + (to.y - a.y) * mix);
      if (x < 0 || y < 0 || x > view.w || y > view.h) continue; // out of sight of who zoomed in
      const room = view.scale * (a.reach + (to.reach - a.reach) * mix);
      const size = Math.min(Math.max(room * 0.36, 10), 17);
      if (room < 9 && shown.follow !== index) continue;
      const name = seat.name.length > 18 ? `${seat.name.slice(0, 17)}…` : seat.name;
      const wide = name.length * size * 0.31, high = size * (room > 16 ? 1.15 : 0.6);
      if (shown.marks && this.film.marks) y = this.film.marks.freeOf(view, frame, index, x, y, wide, high, size, shown.follow);
      // Of two names that would cover each other the one with more room stays.
      if (taken.some((box) => Math.abs(box.x - x) < box.wide + wide && Math.abs(box.y - y) < box.high + high)) continue;
      taken.push({ x, y, wide, high });
      this._write(context, name, x, y - (room > 16 ? 0.5 * size : 0), size, 650, shown.follow === index);
      if (this.film.marks) this.film.marks.drawBadges(context, frame, index, x, y - (room > 16 ? 1.6 : 1.1) * size, size, shown.follow);
      if (room > 16) this._write(context, TV.short(this.film.troops[frame * this.film.seats.length + index]), x, y + 0.62 * size, size * 0.82, 450, false);
    }
  }

  _write(context, text, x, y, size, weight, strong) {
    context.font = `${weight} ${size}px ${this.theme.font}`;
    if (context.textAlign === "center") {
      const half = context.measureText(text).width / 2 + 4;
      x = Math.min(Math.max(x, half), this.canvas.clientWidth - half);
      y = Math.min(Math.max(y, size * 0.7), this.canvas.clientHeight - size * 0.7);
    }
    context.lineWidth = size * 0.24;
    context.strokeStyle = this.theme.halo;
    context.fillStyle = strong ? "#fff3c4" : this.theme.ink;
    context.strokeText(text, x, y);
    context.fillText(text, x, y);
  }

  /** Where land of one owner meets another's, in patches: middle, direction, length of the front. */
  _fronts(frame) {
    if (this._frontsOf === frame) return this._frontsFound;
    const { width, height } = this.film, owner = this.film.owner(frame), patch = Math.max(width, height) / 9;
    const attacks = new Set(this.film.attacks[frame].map((attack) => attack.from * 256 + attack.onto + 1));
    const fronts = new Map();
    const meet = (a, b, x, y, dx, dy) => {
      if (a === NEUTRAL || a === WATER || b === WATER || !attacks.has((a - 1) * 256 + b)) return;
      const key = (a - 1) * 256 + b;
      if (!fronts.has(key)) fronts.set(key, new Map());
      const patches = fronts.get(key), cell = Math.floor(x / patch) * 64 + Math.floor(y / patch);
      const sum = patches.get(cell) || { x: 0, y: 0, dx: 0, dy: 0, n: 0 };
      sum.x += x; sum.y += y; sum.dx += dx; sum.dy += dy; sum.n++;
      patches.set(cell, sum);
    };
    for (let y = 0, at = 0; y < height; y++) {
      for (let x = 0; x < width; x++, at++) {
        const a = owner[at];
        if (x + 1 < width && owner[at + 1] !== a) { meet(a, owner[at + 1], x + 1, y + 0.5, 1, 0); meet(owner[at + 1], a, x + 1, y + 0.5, -1, 0); }
        if (y + 1 < height && owner[at + width] !== a) { meet(a, owner[at + width], x + 0.5, y + 1, 0, 1); meet(owner[at + width], a, x + 0.5, y + 1, 0, -1); }
      }
    }
    this._frontsOf = frame;
    this._frontsFound = fronts;
    return fronts;
  }

  _drawAttacks(context, view, frame, mix, shown) {
    const attacks = this.film.attacks[frame], fronts = this._fronts(frame);
    const most = Math.max(...this.film.attacks[frame].map((attack) => attack.troops), 1);
    for (const attack of attacks) {
      const patches = [...(fronts.get(attack.from * 256 + attack.onto + 1) || new Map()).values()];
      const total = patches.reduce((sum, patch) => sum + patch.n, 0);
      patches.sort((a, b) => b.n - a.n).splice(attack.onto < 0 ? 6 : 4);
      for (const patch of patches) {
        const turn = Math.hypot(patch.dx, patch.dy);
        if (turn < 0.3 * patch.n) continue;
        const share = Math.sqrt((attack.troops * patch.n) / total / most);
        const length = (attack.onto < 0 ? 9 : 13) + 30 * share, dx = patch.dx / turn, dy = patch.dy / turn;
        const slide = (mix - 0.5) * 0.35 * length;
        const x = view.x + (patch.x / patch.n) * view.scale + dx * slide, y = view.y + (patch.y / patch.n) * view.scale + dy * slide;
        const faded = (attack.onto < 0 ? 0.75 : 1) * (shown.follow === null || shown.follow === attack.from || shown.follow === attack.onto ? 1 : 0.35);
        this._arrow(context, x, y, dx, dy, length, this.colours[attack.from], faded);
      }
    }
  }

  _arrow(context, x, y, dx, dy, length, colour, alpha) {
    const width = 2.2 + length * 0.1, head = Math.min(0.5 * length, 13);
    const at = (along, across) => [x + dx * along - dy * across, y + dy * along + dx * across];
    context.beginPath();
    context.moveTo(...at(-0.55 * length, -0.25 * width));
    context.lineTo(...at(0.45 * length - head, -0.5 * width));
    context.lineTo(...at(0.45 * length - head, -1.55 * width));
    context.lineTo(...at(0.45 * length, 0));
    context.lineTo(...at(0.45 * length - head, 1.55 * width));
    context.lineTo(...at(0.45 * length - head, 0.5 * width));
    context.lineTo(...at(-0.55 * length, 0.25 * width));
    context.closePath();
    context.globalAlpha = alpha;
    context.lineJoin = "round";
    context.lineWidth = 2.4;
    context.strokeStyle = "rgba(8, 12, 20, 0.85)";
    context.stroke();
    context.fillStyle = `rgb(${colour.map((part) => Math.round(0.45 * part + 0.55 * 255)).join()})`;
    context.fill();
    context.globalAlpha = 1;
  }

  /** Corner and side of a seat's view, in tiles. */
  box(frame, seat, name) {
    const { width, height, about } = this.film, at = 4 * (frame * this.film.seats.length + seat), b = this.film.boxes;
    if (name === "global") return { x: 0, y: 0, side: about.views.global_size * Math.ceil(Math.max(width, height) / about.views.global_size) };
    if (name === "local") return { x: b[at], y: b[at + 1], side: 2 * about.views.local_size };
    return { x: b[at + 2], y: b[at + 3], side: about.views.tactical_size };
  }

  _drawViews(context, view, frame, mix, seat) {
    if (this.film.orders[frame * this.film.seats.length + seat] === 255) return; // dead, or the end
    for (const name of ["local", "tactical"]) {
      const { x, y, side } = this.box(frame, seat, name);
      const px = view.x + x * view.scale, py = view.y + y * view.scale, size = side * view.scale;
      context.setLineDash(name === "local" ? [] : [5, 4]);
      context.lineWidth = 3.4;
      context.strokeStyle = "rgba(8, 12, 20, 0.7)";
      context.strokeRect(px, py, size, size);
      context.lineWidth = 1.6;
      context.strokeStyle = VIEW_COLOURS[name];
      context.strokeRect(px, py, size, size);
      context.setLineDash([]);
      context.textAlign = "left";
      context.textBaseline = "bottom";
      const tx = Math.min(Math.max(px + 2, view.x > 0 ? view.x + 3 : 3), view.w - 54), ty = Math.min(Math.max(py - 3, 15), view.h - 4);
      this._write(context, name, tx, ty, 11, 600, true);
    }
  }

  /** The land dimmed, glowing where a layer of the network attends more than evenly. */
  _drawAttention(context, view, frame, shown) {
    const insight = this.film.insights[shown.follow], maps = insight && insight.maps[shown.attention.view];
    if (!maps || this.film.orders[frame * this.film.seats.length + shown.follow] === 255) return;
    const map = maps[Math.min(shown.attention.layer, maps.length - 1)], weights = map.weights(frame);
    const most = Math.max(...weights, 2), small = document.createElement("canvas");
    small.width = map.width;
    small.height = map.height;
    const painter = small.getContext("2d"), image = painter.createImageData(map.width, map.height);
    weights.forEach((weight, i) => {
      const glow = Math.min(Math.max((weight - 1) / (most - 1), 0), 1) ** 0.7;
      image.data.set(glow > 0 ? [255, 120 + 135 * glow, 40 + 150 * glow * glow, 60 + 180 * glow] : [6, 8, 14, 130 - 60 * Math.min(weight, 1)], 4 * i);
    });
    painter.putImageData(image, 0, 0);
    const { x, y, side } = this.box(frame, shown.follow, shown.attention.view);
    context.save();
    context.beginPath();
    context.rect(view.x, view.y, this.film.width * view.scale, this.film.height * view.scale);
    context.rect(view.x + x * view.scale + side * view.scale, view.y + y * view.scale, -side * view.scale, side * view.scale);
    context.fillStyle = "rgba(6, 8, 14, 0.5)";
    context.fill("evenodd");
    context.imageSmoothingEnabled = true;
    context.globalCompositeOperation = "source-over";
    context.globalAlpha = 0.85;
    context.beginPath();
    context.rect(view.x, view.y, this.film.width * view.scale, this.film.height * view.scale);
    context.clip();
    context.drawImage(small, view.x + x * view.scale, view.y + y * view.scale, side * view.scale, side * view.scale);
    context.restore();
  }
}
TV.Board = Board;
})();
