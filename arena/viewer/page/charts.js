// Charts of a film: land as a stream over time with deaths, lines per seat, a rose of orders.
(() => {
"use strict";
const TV = window.TerritoryViewer;

const DIRECTIONS = ["N", "NE", "E", "SE", "S", "SW", "W", "NW"];
const GLYPHS = ["↑", "↗", "→", "↘", "↓", "↙", "←", "↖"];
const INTENSITIES = 5, NO_ORDER = 255, WAIT = 40;
// Of edition 2026, after the five WAITs; the last three for each direction.
const BUILD = 45, UPGRADE = 46, BOAT = 47, ALLY = 55, BREAK = 63;

TV.short = (value) => {
  const size = Math.abs(value);
  if (size < 10_000) return Math.round(value).toLocaleString("en");
  if (size < 1_000_000) return `${Math.round(value / 1000)}k`;
  return `${(value / 1_000_000).toFixed(size < 10_000_000 ? 2 : 1)}M`;
};

TV.order = (action) => {
  if (action === NO_ORDER) return { glyph: "", text: "" };
  if (action === BUILD || action === UPGRADE) {
    const name = action === BUILD ? "build a city" : "raise a city";
    return { glyph: "⌂", text: action === BUILD ? "city" : "level", name, does: action === BUILD ? "builds a city" : "raises a city" };
  }
  if (action >= BOAT) {
    const [text, does] = action >= BREAK ? ["break", "breaks with"] : action >= ALLY ? ["ally", "seeks or extends an alliance"] : ["boat", "sends a boat"];
    const towards = (action - BOAT) % 8;
    return { glyph: GLYPHS[towards], text, name: `${text} ${DIRECTIONS[towards]}`, does: `${does} ${DIRECTIONS[towards]}` };
  }
  if (action >= WAIT) return { glyph: "·", text: "wait" };
  const direction = Math.floor(action / INTENSITIES), share = 15 * ((action % INTENSITIES) + 1);
  return { glyph: GLYPHS[direction], text: `${share} %`, name: `${DIRECTIONS[direction]} ${share} %` };
};

/** A canvas at the screen's resolution, in CSS pixels from there on. */
function prepared(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2), w = canvas.clientWidth, h = canvas.clientHeight;
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round(h * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, w, h);
  return { context, w, h };
}

/** Land of all seats over time, stacked in the order of their first seat to the last; white is nobody's. */
TV.drawStream = (canvas, film, style, tick, follow) => {
  const { context, w, h } = prepared(canvas);
  const n = film.seats.length, end = film.ticks[film.length - 1] || 1, all = film.about.n_playable;
  const x = (frame) => (film.ticks[frame] / end) * w;
  const order = film.seats.map((_, seat) => seat).sort((a, b) => film.seats[a].place - film.seats[b].place);
  context.fillStyle = style.getPropertyValue("--tv-sunken");
  context.fillRect(0, 0, w, h);
  const low = new Float64Array(film.length), high = new Float64Array(film.length);
  for (const seat of order) {
    for (let frame = 0; frame < film.length; frame++) high[frame] = low[frame] + film.tiles[frame * n + seat] / all;
    context.beginPath();
    for (let frame = 0; frame < film.length; frame++) context.lineTo(x(frame), h - Math.min(high[frame], 1) * h);
    for (let frame = film.length - 1; frame >= 0; frame--) context.lineTo(x(frame), h - Math.min(low[frame], 1) * h);
    context.closePath();
    context.globalAlpha = follow === null || follow === seat ? 0.9 : 0.28;
    context.fillStyle = film.seats[seat].colour;
    context.fill();
    low.set(high);
  }
  context.globalAlpha = 1;
  context.fillStyle = style.getPropertyValue("--tv-veil");
  context.fillRect((tick / end) * w, 0, w, h);
  context.fillStyle = style.getPropertyValue("--tv-ink");
  context.fillRect(Math.min(Math.max((tick / end) * w - 1, 0), w - 2), 0, 2, h);
};

/** One line per seat; `kind` is tiles, troops, value, or of 2026 gold or levels of cities. */
TV.drawLines = (canvas, film, style, kind, tick, follow) => {
  const { context, w, h } = prepared(canvas), left = 40, foot = 16, top = 6;
  const n = film.seats.length, end = film.ticks[film.length - 1] || 1;
  const series = film.seats.map((_, seat) => {
    if (kind === "value") {
      const insight = film.insights[seat];
      return insight ? [...insight.values].filter((_, frame) => film.orders[frame * n + seat] !== NO_ORDER) : [];
    }
    const table = { tiles: film.tiles, troops: film.troops }[kind] || film.marks[kind];
    return Array.from({ length: film.length }, (_, frame) => table[frame * n + seat]);
  });
  const values = series.flat(), most = Math.max(...values, kind === "value" ? 0.1 : 1), least = Math.min(...values, 0);
  const x = (frame) => left + (film.ticks[frame] / end) * (w - left - 4), y = (value) => top + (h - top - foot) * (1 - (value - least) / (most - least));
  context.font = `11px ${style.getPropertyValue("font-family")}`;
  context.fillStyle = style.getPropertyValue("--tv-faint");
  context.strokeStyle = style.getPropertyValue("--tv-line");
  context.lineWidth = 1;
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (let i = 0; i <= 2; i++) {
    const value = least + ((most - least) * i) / 2, at = Math.round(y(value)) + 0.5;
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(w - 4, at);
    context.stroke();
    context.fillText(kind === "value" ? value.toFixed(2) : TV.short(value), left - 6, at);
  }
  context.textBaseline = "bottom";
  context.textAlign = "left";
  context.fillText("0", left, h);
  context.textAlign = "right";
  context.fillText(`tick ${end.toLocaleString("en")}`, w - 4, h);
  context.lineJoin = "round";
  const inOrder = film.seats.map((_, seat) => seat).sort((a, b) => (a === follow) - (b === follow));
  for (const seat of inOrder) {
    if (!series[seat].length) continue;
    const died = film.seats[seat].died;
    context.beginPath();
    series[seat].forEach((value, frame) => { if (died === null || film.ticks[Math.max(frame - 1, 0)] <= died) context.lineTo(x(frame), y(value)); });
    context.strokeStyle = film.seats[seat].colour;
    context.globalAlpha = follow === null || follow === seat ? 1 : 0.3;
    context.lineWidth = follow === seat ? 2.6 : 1.5;
    context.stroke();
  }
  context.globalAlpha = 1;
  context.fillStyle = style.getPropertyValue("--tv-ink");
  context.fillRect(left + (tick / end) * (w - left - 4) - 0.75, top, 1.5, h - top - foot);
};

/** Probabilities of attacks and WAIT: eight directions, five rings of troops, the middle waits. */
TV.drawRose = (canvas, chances, chosen, colour, style) => {
  const { context, w, h } = prepared(canvas), cx = w / 2, cy = h / 2, full = Math.min(w, h) / 2 - 13, core = full * 0.2;
  const waits = chances.slice(WAIT, BUILD).reduce((a, b) => a + b, 0);
  const most = Math.max(...chances.slice(0, WAIT), waits, 0.02);
  const sector = (direction, ring, gap) => {
    const middle = (direction * Math.PI) / 4 - Math.PI / 2, half = Math.PI / 8 - gap;
    const inner = core + 2 + ((full - core - 2) * ring) / INTENSITIES, outer = core + 2 + ((full - core - 2) * (ring + 1)) / INTENSITIES - 1;
    context.beginPath();
    context.arc(cx, cy, outer, middle - half, middle + half);
    context.arc(cx, cy, inner, middle + half, middle - half, true);
    context.closePath();
  };
  const ink = style.getPropertyValue("--tv-ink"), empty = style.getPropertyValue("--tv-sunken");
  const show = (share) => {
    context.fillStyle = empty;
    context.globalAlpha = 1;
    context.fill();
    context.globalAlpha = Math.min(Math.sqrt(share / most), 1);
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  };
  for (let direction = 0; direction < 8; direction++) {
    for (let ring = 0; ring < INTENSITIES; ring++) {
      sector(direction, ring, 0.02);
      show(chances[direction * INTENSITIES + ring]);
    }
  }
  context.beginPath();
  context.arc(cx, cy, core - 1, 0, 2 * Math.PI);
  show(waits);
  if (chosen < BUILD) {
    if (chosen < WAIT) sector(Math.floor(chosen / INTENSITIES), chosen % INTENSITIES, 0.01);
    context.lineWidth = 2;
    context.strokeStyle = ink;
    context.stroke();
  }
  context.font = `600 10px ${style.getPropertyValue("font-family")}`;
  context.fillStyle = style.getPropertyValue("--tv-faint");
  context.textAlign = "center";
  context.textBaseline = "middle";
  DIRECTIONS.forEach((name, direction) => {
    const angle = (direction * Math.PI) / 4 - Math.PI / 2;
    context.fillText(name, cx + (full + 8) * Math.cos(angle), cy + (full + 7) * Math.sin(angle));
  });
};

/** The likeliest actions, the five WAITs as one: [name, probability], best first. */
TV.likeliest = (chances, n) => {
  const all = chances.slice(0, WAIT).map((share, action) => [TV.order(action).name, share, action]);
  all.push(["wait", chances.slice(WAIT, BUILD).reduce((a, b) => a + b, 0), WAIT]);
  for (let action = BUILD; action < chances.length; action++) all.push([TV.order(action).name, chances[action], action]);
  return all.filter(([, share]) => share >= 0.0005).sort((a, b) => b[1] - a[1]).slice(0, n);
};
})();
