// Reads films (arena/viewer/payload.py says what is in them) and checks their frames.
(() => {
"use strict";
const TV = (window.TerritoryViewer = window.TerritoryViewer || {});

const CHECKPOINT = 16; // frames between two that are kept whole
const CHANCE_LEVELS = 127, ATTENTION_LEVELS = 63;

// --- SHA-256: pages opened from a folder or from plain http have no crypto.subtle everywhere ------

const K = new Uint32Array(64), H0 = new Uint32Array(8);
(() => {
  const fraction = (x) => ((x - Math.floor(x)) * 4294967296) >>> 0;
  let n = 0;
  for (let p = 2; n < 64; p++) {
    let prime = true;
    for (let d = 2; d * d <= p; d++) if (p % d === 0) { prime = false; break; }
    if (!prime) continue;
    if (n < 8) H0[n] = fraction(Math.sqrt(p));
    K[n++] = fraction(Math.cbrt(p));
  }
})();

function sha256(parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array(((length + 8) >> 6) * 64 + 64);
  let at = 0;
  for (const part of parts) { bytes.set(part, at); at += part.length; }
  bytes[at] = 128;
  const view = new DataView(bytes.buffer);
  view.setUint32(bytes.length - 8, Math.floor(length / 536870912));
  view.setUint32(bytes.length - 4, (length << 3) >>> 0);
  const h = new Uint32Array(H0), w = new Int32Array(64);
  for (let block = 0; block < bytes.length; block += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(block + 4 * i);
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15], y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = h[0] | 0, b = h[1] | 0, c = h[2] | 0, d = h[3] | 0;
    let e = h[4] | 0, f = h[5] | 0, g = h[6] | 0, v = h[7] | 0;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (v + s1 + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      v = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += v;
  }
  return [...h].map((word) => word.toString(16).padStart(8, "0")).join("");
}

// --- numbers --------------------------------------------------------------------------------------

function varints(bytes) {
  const values = [];
  let value = 0, scale = 1;
  for (const byte of bytes) {
    value += (byte & 127) * scale;
    if (byte < 128) { values.push(value); value = 0; scale = 1; } else scale *= 128;
  }
  return values;
}

function signed(bytes) {
  return varints(bytes).map((folded) => (folded % 2 ? -(folded + 1) / 2 : folded / 2));
}

function steps(bytes, columns) {
  const values = Float64Array.from(signed(bytes));
  for (let i = columns; i < values.length; i++) values[i] += values[i - columns];
  return values;
}

function int64(numbers) {
  const bytes = new Uint8Array(8 * numbers.length), view = new DataView(bytes.buffer);
  numbers.forEach((number, i) => {
    view.setUint32(8 * i, ((number % 4294967296) + 4294967296) % 4294967296, true);
    view.setInt32(8 * i + 4, Math.floor(number / 4294967296), true);
  });
  return bytes;
}

async function inflate(text) {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("this browser cannot unpack the film; use one of 2023 or later");
  }
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

TV.numbers = { varints, signed, steps };

// --- the film -------------------------------------------------------------------------------------

class Film {
  constructor(payload, sections) {
    this.about = payload;
    this.seats = payload.seats;
    this.width = payload.width;
    this.height = payload.height;
    this.length = payload.n_frames;
    const n = this.seats.length;
    this.terrain = Uint8Array.from(sections.terrain);
    for (let i = this.width; i < this.terrain.length; i++) this.terrain[i] += this.terrain[i - this.width];
    this.ticks = steps(sections.ticks, 1);
    this.decisions = steps(sections.decisions, 1);
    this.tiles = steps(sections.tiles, n);
    this.troops = steps(sections.troops, n);
    this.boxes = steps(sections.boxes, 4 * n);
    this.orders = sections.orders;
    this.hashes = sections.hashes;
    this._attacks(varints(sections.attacks));
    this.gaps = varints(sections.gaps);
    this.lengths = varints(sections.lengths);
    this.owners = sections.owners;
    this.firstRun = [0];
    for (const count of varints(sections.runs)) this.firstRun.push(this.firstRun.at(-1) + count);
    this.insights = this.seats.map((seat, i) => (seat.insight ? this._insight(i, seat.insight, sections) : null));
    this.empty = this.terrain.map((byte) => (byte & 128 ? 0 : 255));
    this._at = -1;
    this._owner = this.empty.slice();
    this._kept = new Map();
    this.marks = sections.structures ? TV.readMarks(this, sections) : null;
  }

  _attacks(numbers) {
    this.attacks = [];
    for (let i = 0; i < numbers.length; ) {
      const frame = [];
      for (let left = numbers[i++]; left > 0; left--, i += 3) {
        frame.push({ from: numbers[i], onto: numbers[i + 1] - 1, troops: numbers[i + 2] });
      }
      this.attacks.push(frame);
    }
  }

  _insight(seat, about, sections) {
    const values = steps(sections[`values_${seat}`], 1).map((value) => value / 1000);
    const found = { member: about.member, values, maps: {} };
    const chances = sections[`chances_${seat}`];
    const n = about.n_actions ?? 45;
    found.chances = (frame) =>
      [...chances.subarray(n * frame, n * frame + n)].map((level) => (level / CHANCE_LEVELS) ** 2);
    if (about.has_scales) {
      const scales = sections[`scales_${seat}`];
      found.scales = (frame) => [...scales.subarray(3 * frame, 3 * frame + 3)].map((share) => share / 255);
    }
    for (const [view, layer, height, width, peak] of about.attention) {
      const levels = sections[`attention_${seat}_${view}_${layer}`], size = height * width;
      (found.maps[view] = found.maps[view] || []).push({
        height, width,
        weights: (frame) =>
          Float32Array.from(levels.subarray(size * frame, size * frame + size), (level) => peak * (level / ATTENTION_LEVELS) ** 2),
      });
    }
    return found;
  }

  /** Who owns each tile: 0 nobody, seat + 1, 255 water; valid until the next call. */
  owner(frame) {
    let start = -1;
    for (const kept of this._kept.keys()) if (kept <= frame && kept > start) start = kept;
    if (!(start <= this._at && this._at <= frame)) {
      this._owner.set(start < 0 ? this.empty : this._kept.get(start));
      this._at = start;
    }
    while (this._at < frame) {
      this._at++;
      this._apply(this._at);
      if (this._at % CHECKPOINT === 0 && !this._kept.has(this._at)) this._kept.set(this._at, this._owner.slice());
    }
    return this._owner;
  }

  _apply(frame) {
    let at = 0;
    for (let run = this.firstRun[frame]; run < this.firstRun[frame + 1]; run++) {
      at += this.gaps[run];
      this._owner.fill(this.owners[run], at, at + this.lengths[run]);
      at += this.lengths[run];
    }
  }

  row(table, frame) { return table.slice(frame * this.seats.length, (frame + 1) * this.seats.length); }

  /** Whether a frame is what was recorded: its hash covers tick, land, tiles, troops and marks. */
  fits(frame) {
    const owner = this.owner(frame), tiles = this.row(this.tiles, frame);
    const counted = new Float64Array(256);
    for (let i = 0; i < owner.length; i++) counted[owner[i]]++;
    if (tiles.some((count, seat) => counted[seat + 1] !== count)) return false;
    const found = sha256([
      new TextEncoder().encode(`territory-frame-${this.marks ? 2 : 1}`), int64([this.ticks[frame]]), owner,
      int64(tiles), int64(this.row(this.troops, frame)), int64(this.marks ? this.marks.numbers(frame) : []),
    ]);
    const said = [...this.hashes.subarray(8 * frame, 8 * frame + 8)].map((byte) => byte.toString(16).padStart(2, "0"));
    return found.slice(0, 16) === said.join("");
  }

  frameAt(tick) {
    let low = 0, high = this.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.ticks[middle] <= tick) low = middle; else high = middle - 1;
    }
    return low;
  }
}

/** Unpacks what arena.viewer.payload made; rejects with a sentence. */
TV.read = async (payload) => {
  if (!/^territory-film\/[123]$/.test(payload.format)) throw new Error(`expected a film territory-film/1, /2 or /3, found ${payload.format}`);
  const bytes = await inflate(payload.bytes), sections = {};
  let at = 0;
  for (const [name, size] of payload.sections) { sections[name] = bytes.subarray(at, at + size); at += size; }
  return new Film(payload, sections);
};
TV.sha256 = sha256;
})();
