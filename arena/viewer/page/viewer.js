// The viewer: a page's films, their controls, their table, their keys.
(() => {
"use strict";
const TV = window.TerritoryViewer;

const TICKS_PER_S = 10; // of game time
const MOST_SECONDS = 50; // of a whole match at the speed that a page opens with
const NO_ORDER = 255;
const KEYS = [
  ["space", "play or pause"], ["← →", "one decision back or on"], ["home end", "first or last frame"],
  ["s  S", "faster, slower"], ["f  F", "follow the next seat, the one before"], ["esc", "follow nobody"],
  ["a", "attention of the followed seat"], ["n", "names on the land"], ["x", "attack arrows"],
  ["+ − 0", "zoom in, out, whole map"], ["t", "light or dark"], ["?", "these keys"],
];

function element(tag, name, text) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

/** Who it is that the game itself plays: "a tribe", "a nation of hard difficulty". */
function termsWords(terms) {
  const [kind, difficulty] = terms.split("-");
  return `a ${kind}${difficulty ? ` of ${difficulty} difficulty` : ""}, played by the game itself`;
}

const ICONS = { // paths on 16 x 16
  first: "M3 3h2v10H3zM13 3v10L6 8z", back: "M11 3v10L4 8z", play: "M4 2.5v11L13.5 8z", pause: "M4 3h3v10H4zM9 3h3v10H9z",
  on: "M5 3v10l7-5z", last: "M11 3h2v10h-2zM3 3v10l7-5z", whole: "M2 2h5v2H4v3H2zM14 14H9v-2h3V9h2z",
};

function icon(name) {
  const space = "http" + "://www.w3.org/2000/svg", made = document.createElementNS(space, "svg"), path = document.createElementNS(space, "path");
  made.setAttribute("viewBox", "0 0 16 16");
  path.setAttribute("d", ICONS[name]);
  made.append(path);
  return made;
}

function button(label, title, act, name = "tv-button") {
  const made = element("button", name, ICONS[label] ? undefined : label);
  if (ICONS[label]) made.append(icon(label));
  made.type = "button";
  made.title = title;
  made.setAttribute("aria-label", title);
  made.addEventListener("click", act);
  return made;
}

class Viewer {
  constructor(place, film) {
    this.place = place;
    this.film = film;
    this.tick = 0;
    this.playing = false;
    this.follow = null;
    this.kind = "tiles";
    this.shown = { names: true, arrows: true, marks: true, attention: null };
    this.checked = new Map();
    this.alone = document.body.classList.contains("tv-page");
    this._speeds();
    this._build();
    this.board = new TV.Board(film, this.canvas);
    this._listen();
    this._restyle();
    this._setFollow(film.about.follow);
    this._fromAddress();
    this._check();
  }

  get end() { return this.film.ticks[this.film.length - 1]; }
  get frame() { return this.film.frameAt(this.tick); }

  /** Powers of two of game time; the page opens with the slowest that ends in time. */
  _speeds() {
    const seconds = this.end / TICKS_PER_S;
    this.speeds = [1];
    while (seconds / this.speeds.at(-1) > 4 && this.speeds.length < 16) this.speeds.push(2 * this.speeds.at(-1));
    this.speed = this.speeds.find((speed) => seconds / speed <= MOST_SECONDS) || this.speeds.at(-1);
  }

  // --- the page ------------------------------------------------------------------------------------

  _build() {
    const { about } = this.film, place = this.place;
    place.replaceChildren();
    place.classList.toggle("tv-marked", this.film.marks !== null);
    place.tabIndex = 0;
    place.setAttribute("role", "group");
    const head = element("header", "tv-head");
    const title = about.title || (about.match === null ? "A match of Territory" : `Match ${about.match}`);
    head.append(element("h1", "tv-title", title));
    const facts = element("p", "tv-facts");
    const winners = this.film.seats.map((_, seat) => seat).filter((seat) => this.film.seats[seat].place === 1);
    facts.append(`${about.map.replace(/^generated:/, "")}  ·  ${this.end.toLocaleString("en")} ticks  ·  won by `, ...winners.map((seat) => this._named(seat)));
    facts.title = `seed ${about.seed}; map ${about.map_sha256.slice(0, 16)}; rules ${about.rules_sha256.slice(0, 16) || "not recorded"}`;
    place.setAttribute("aria-label", `${title}, won by ${winners.map((seat) => this.film.seats[seat].name).join(", ")}`);
    this.badge = element("span", "tv-badge", "checking frames");
    head.append(facts, this.badge);
    const body = element("div", "tv-body");
    body.append(this._buildStage(), this._buildSide());
    place.append(head, body, this._buildHelp());
  }

  _buildStage() {
    const stage = element("section", "tv-stage");
    this.frameBox = element("div", "tv-map");
    this.frameBox.style.setProperty("--ratio", `${this.film.width} / ${this.film.height}`);
    this.canvas = element("canvas", "tv-board");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "the map");
    this.alarm = element("div", "tv-alarm");
    this.alarm.hidden = true;
    this.tip = element("div", "tv-tip");
    this.tip.hidden = true;
    const zoom = element("div", "tv-zoom");
    zoom.append(
      button("+", "zoom in (+)", () => this._zoom(1.5)), button("−", "zoom out (−)", () => this._zoom(1 / 1.5)),
      button("whole", "whole map (0)", () => this._zoom(0)),
    );
    this.frameBox.append(this.canvas, this.alarm, this.tip, zoom);
    const bar = element("div", "tv-bar");
    this.playButton = button("play", "play (space)", () => this._play(!this.playing), "tv-button tv-play");
    this.clock = element("output", "tv-clock");
    this.speedButton = button("", "faster (s), slower (S)", (event) => this._faster(event.shiftKey ? -1 : 1), "tv-button tv-speed");
    this.namesButton = button("names", "names on the land (n)", () => this._toggle("names"), "tv-button tv-toggle");
    this.arrowsButton = button("attacks", "attack arrows (x)", () => this._toggle("arrows"), "tv-button tv-toggle");
    this.marksButton = button("cities", "cities, boats and railways (c)", () => this._toggle("marks"), "tv-button tv-toggle");
    this.marksButton.hidden = !this.film.marks;
    bar.append(
      button("first", "to the start (home)", () => this._seek(0)), button("back", "one decision back (←)", () => this._step(-1)),
      this.playButton, button("on", "one decision on (→)", () => this._step(1)), button("last", "to the end (end)", () => this._seek(this.end)),
      this.clock, element("span", "tv-gap"), this.marksButton, this.arrowsButton, this.namesButton, this.speedButton,
      button("?", "keys (?)", () => this._toggleHelp()),
    );
    this.stream = element("canvas", "tv-stream");
    this.stream.setAttribute("role", "slider");
    this.stream.setAttribute("aria-label", "tick");
    this.stream.setAttribute("aria-valuemin", "0");
    this.stream.setAttribute("aria-valuemax", String(this.end));
    this.deaths = element("div", "tv-deaths");
    const time = element("div", "tv-time");
    time.append(this.stream, this.deaths);
    stage.append(this.frameBox, bar, time);
    if (this.film.marks) stage.append(this._buildLegend());
    return stage;
  }

  /** What the shapes on the map are. */
  _buildLegend() {
    this.legend = element("ul", "tv-legend");
    this.legend.setAttribute("aria-label", "what is on the map");
    for (const [shape, hollow, words] of this.film.marks.legend()) {
      const item = element("li");
      item.append(TV.markIcon(shape, hollow), words);
      this.legend.append(item);
    }
    new ResizeObserver(() => this.frameBox.style.setProperty("--more", `${this.legend.offsetHeight + 4}px`)).observe(this.legend);
    return this.legend;
  }

  _buildSide() {
    const side = element("section", "tv-side"), table = element("table", "tv-table"), head = element("tr");
    this.hasRatings = this.film.seats.some((seat) => seat.rating !== null);
    const columns = ["#", "seat", "tiles", "troops", ...(this.film.marks ? ["gold", "cities", "allies"] : []), "order", ...(this.hasRatings ? ["rating"] : []), "place"];
    for (const name of columns) {
      const cell = element("th", `tv-c-${name === "#" ? "now" : name}`, name);
      cell.scope = "col";
      if (name === "rating") cell.title = "mu - 3 sigma at the time of the match";
      if (name === "place") cell.title = "at the end";
      if (name === "cities") cell.title = "levels of the finished cities";
      head.append(cell);
    }
    const thead = element("thead");
    thead.append(head);
    this.rows = this.film.seats.map((seat, index) => this._buildRow(seat, index));
    this.tbody = element("tbody");
    this.tbody.append(...this.rows.map((row) => row.line));
    table.append(thead, this.tbody);
    const scroll = element("div", "tv-scroll");
    scroll.append(table);
    this.lines = element("canvas", "tv-lines");
    this.tabs = element("div", "tv-tabs");
    this.tabs.append(element("span", "tv-label", "over time"));
    for (const [kind, text] of [["tiles", "land"], ["troops", "troops"], ...(this.film.insights.some(Boolean) ? [["value", "value"]] : []), ...(this.film.marks ? [["gold", "gold"], ["levels", "cities"]] : [])]) {
      const tab = button(text, `${text} over time`, () => { this.kind = kind; this._drawAll(); }, "tv-button tv-toggle");
      tab.dataset.kind = kind;
      this.tabs.append(tab);
    }
    const chart = element("div", "tv-chart");
    chart.append(this.tabs, this.lines);
    this.card = element("div", "tv-card");
    side.append(scroll, chart, this.card);
    return side;
  }

  _buildRow(seat, index) {
    const line = element("tr", "tv-row");
    line.tabIndex = 0;
    line.title = "follow this seat";
    const name = element("td", "tv-c-seat"), swatch = element("i", "tv-swatch");
    swatch.style.background = seat.colour;
    name.append(swatch, element("span", "tv-number", String(index)), element("span", "tv-name", seat.name));
    if (seat.terms) line.title = `${termsWords(seat.terms)}; click to follow it`;
    if (seat.terms && !seat.name.includes(seat.terms.split("-")[0])) name.append(element("span", "tv-terms", seat.terms.split("-")[0]));
    const cells = { now: element("td", "tv-c-now"), tiles: element("td", "tv-c-tiles"), troops: element("td", "tv-c-troops"), order: element("td", "tv-c-order") };
    cells.bar = element("i", "tv-share");
    cells.bar.style.background = seat.colour;
    cells.count = element("span");
    cells.tiles.append(cells.bar, cells.count);
    cells.glyph = element("b");
    cells.share = element("span");
    cells.order.append(cells.glyph, cells.share);
    line.append(cells.now, name, cells.tiles, cells.troops);
    if (this.film.marks) {
      for (const column of ["gold", "cities", "allies"]) line.append((cells[column] = element("td", `tv-c-${column}`)));
    }
    line.append(cells.order);
    if (this.hasRatings) line.append(element("td", "tv-c-rating", seat.rating === null ? "–" : seat.rating.toFixed(2)));
    line.append(element("td", "tv-c-place", `${seat.place}`));
    const choose = () => this._setFollow(this.follow === index ? null : index);
    line.addEventListener("click", choose);
    line.addEventListener("keydown", (event) => { if (event.key === "Enter") { choose(); event.stopPropagation(); } });
    return { line, ...cells };
  }

  _buildHelp() {
    this.help = element("div", "tv-help");
    this.help.hidden = true;
    const list = element("dl");
    const keys = this.film.marks ? [...KEYS.slice(0, -3), ["c", "cities, boats and railways"], ...KEYS.slice(-3)] : KEYS;
    for (const [key, text] of keys) list.append(element("dt", "", key), element("dd", "", text));
    this.help.append(element("h2", "", "Keys"), list, button("close", "close", () => this._toggleHelp(), "tv-button tv-toggle"));
    return this.help;
  }

  // --- what a user does ----------------------------------------------------------------------------

  _listen() {
    (this.alone ? document : this.place).addEventListener("keydown", (event) => this._key(event));
    const drag = (target, at) => {
      target.addEventListener("pointerdown", (event) => { target.setPointerCapture(event.pointerId); at(event, true); });
      target.addEventListener("pointermove", (event) => { if (target.hasPointerCapture(event.pointerId)) at(event, false); });
    };
    drag(this.stream, (event) => {
      const box = this.stream.getBoundingClientRect();
      this._seek(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * this.end);
    });
    drag(this.lines, (event) => {
      const box = this.lines.getBoundingClientRect();
      this._seek(Math.min(Math.max((event.clientX - box.left - 40) / (box.width - 44), 0), 1) * this.end);
    });
    let from = null, moved = 0;
    this.canvas.addEventListener("pointerdown", (event) => {
      from = [event.clientX, event.clientY];
      moved = 0;
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (from && this.canvas.hasPointerCapture(event.pointerId)) {
        const { scale } = this.board.view(), dx = event.clientX - from[0], dy = event.clientY - from[1];
        moved += Math.abs(dx) + Math.abs(dy);
        this.board.centre = [this.board.centre[0] - dx / scale, this.board.centre[1] - dy / scale];
        from = [event.clientX, event.clientY];
        if (this.board.zoom > 1) this._draw();
      } else this._showTip(event);
    });
    this.canvas.addEventListener("pointerup", (event) => {
      from = null;
      const tile = moved < 6 && this._tile(event);
      if (!tile) return;
      const label = this.film.owner(this.frame)[tile[1] * this.film.width + tile[0]];
      if (label > 0 && label < 255) this._setFollow(this.follow === label - 1 ? null : label - 1);
    });
    this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.canvas.addEventListener("wheel", (event) => {
      if (!this.alone && !event.ctrlKey && this.board.zoom === 1 && !this.place.contains(document.activeElement)) return;
      event.preventDefault();
      const box = this.canvas.getBoundingClientRect();
      this._zoom(event.deltaY < 0 ? 1.2 : 1 / 1.2, event.clientX - box.left, event.clientY - box.top);
    }, { passive: false });
    new ResizeObserver(() => this._drawAll()).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._restyle());
    new MutationObserver(() => this._restyle()).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("print").addEventListener("change", () => this._restyle());
  }

  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    if (event.key === " " && event.target.tagName === "BUTTON" && event.target !== this.playButton) return; // presses that button
    const acts = {
      " ": () => this._play(!this.playing), ArrowLeft: () => this._step(-1), ArrowRight: () => this._step(1),
      Home: () => this._seek(0), End: () => this._seek(this.end), s: () => this._faster(1), S: () => this._faster(-1),
      f: () => this._followNext(1), F: () => this._followNext(-1), Escape: () => (this.help.hidden ? this._setFollow(null) : this._toggleHelp()),
      a: () => this._nextAttention(), n: () => this._toggle("names"), c: () => this._toggle("marks"), x: () => this._toggle("arrows"),
      "+": () => this._zoom(1.5), "=": () => this._zoom(1.5), "-": () => this._zoom(1 / 1.5), 0: () => this._zoom(0),
      t: () => this._turnTheme(), "?": () => this._toggleHelp(),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  _play(on) {
    if (on && this.tick >= this.end) this.tick = 0;
    this.playing = on;
    this.playButton.replaceChildren(icon(on ? "pause" : "play"));
    this.playButton.title = on ? "pause (space)" : "play (space)";
    this.playButton.setAttribute("aria-label", this.playButton.title);
    if (!on) { this._drawAll(); return; }
    let last = performance.now();
    const next = (now) => {
      if (!this.playing || !this.place.isConnected) return;
      this.tick = Math.min(this.tick + ((now - last) / 1000) * TICKS_PER_S * this.speed, this.end);
      last = now;
      if (this.tick >= this.end) this._play(false); else { this._drawAll(); requestAnimationFrame(next); }
    };
    requestAnimationFrame(next);
  }

  _step(by) {
    if (this.playing) this._play(false);
    const frame = this.frame, between = this.tick > this.film.ticks[frame];
    const to = by > 0 ? frame + 1 : between ? frame : frame - 1;
    this._seek(this.film.ticks[Math.min(Math.max(to, 0), this.film.length - 1)]);
  }

  _seek(tick) { this.tick = Math.min(Math.max(tick, 0), this.end); this._drawAll(); }

  _faster(by) {
    const at = this.speeds.indexOf(this.speed);
    this.speed = this.speeds[(at + by + this.speeds.length) % this.speeds.length];
    this._drawAll();
  }

  _followNext(by) {
    const order = this._standing(this.frame), at = this.follow === null ? (by > 0 ? -1 : order.length) : order.indexOf(this.follow);
    this._setFollow(order[(at + by + order.length) % order.length]);
  }

  _setFollow(seat) {
    this.follow = seat === undefined ? null : seat;
    this.shown.attention = this.shown.attention && this._mapsOf(this.follow).length ? this._mapsOf(this.follow)[0] : null;
    this._drawAll();
  }

  _mapsOf(seat) {
    const insight = seat === null ? null : this.film.insights[seat];
    if (!insight) return [];
    return Object.entries(insight.maps).flatMap(([view, layers]) => layers.map((_, layer) => ({ view, layer })));
  }

  /** Shows the next view's last layer, then nothing; `chosen` picks one. */
  _nextAttention(chosen) {
    const maps = this._mapsOf(this.follow), now = this.shown.attention;
    if (chosen !== undefined) this.shown.attention = chosen;
    else {
      const last = maps.filter((map, i) => i + 1 === maps.length || maps[i + 1].view !== map.view);
      const at = now ? last.findIndex((map) => map.view === now.view) : -1;
      this.shown.attention = last[at + 1] || null;
    }
    this._drawAll();
  }

  _toggle(name) { this.shown[name] = !this.shown[name]; this._drawAll(); }
  _toggleHelp() { this.help.hidden = !this.help.hidden; }

  _turnTheme() {
    const root = document.documentElement, dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  _zoom(factor, x = this.canvas.clientWidth / 2, y = this.canvas.clientHeight / 2) {
    if (factor === 0) this.board.zoom = 1; else this.board.zoomAt(factor, x, y);
    this.canvas.style.touchAction = this.board.zoom > 1 ? "none" : "";
    this._draw();
  }

  _tile(event) {
    const box = this.canvas.getBoundingClientRect();
    return this.board.tileAt(event.clientX - box.left, event.clientY - box.top);
  }

  _showTip(event) {
    const tile = this._tile(event);
    this.tip.hidden = !tile || event.pointerType === "touch";
    if (this.tip.hidden) return;
    const { film } = this, at = tile[1] * film.width + tile[0], label = film.owner(this.frame)[at], byte = film.terrain[at], magnitude = byte & 31;
    const ground = byte & 128 ? ["plains", "highland", "mountain"][magnitude < 10 ? 0 : magnitude < 20 ? 1 : 2] : "water";
    const who = label === 0 ? "nobody's" : label === 255 ? "" : film.seats[label - 1].name;
    const mark = film.marks && this.shown.marks ? film.marks.near(this.frame, ...tile, Math.max(1, 9 / this.board.view().scale)) : "";
    this.tip.textContent = `${tile[0]}, ${tile[1]}  ${ground} ${magnitude}${who ? `  ·  ${who}` : ""}${mark ? `\n${mark}` : ""}`;
    const box = this.frameBox.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - box.left + 14, box.width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${Math.min(event.clientY - box.top + 14, box.height - this.tip.offsetHeight - 4)}px`;
  }

  /** `#tick=600&follow=3` opens there. */
  _fromAddress() {
    if (!this.alone) return;
    const asked = new URLSearchParams(location.hash.slice(1)), seat = Number(asked.get("follow") ?? NaN);
    if (this.film.seats[seat]) this._setFollow(seat);
    if (asked.has("tick")) this._seek(Number(asked.get("tick")) || 0);
  }

  // --- checking ------------------------------------------------------------------------------------

  /** Checks every frame against its hash, a few at a time; the badge says how it went. */
  _check() {
    let next = 0;
    const some = () => {
      if (!this.place.isConnected) return;
      const until = performance.now() + 12;
      while (next < this.film.length && performance.now() < until) { this._fits(next); this._note(next); next++; }
      if (next < this.film.length) { setTimeout(some, 4); return; }
      const wrong = [...this.checked].filter(([, fits]) => !fits).map(([frame]) => frame);
      this.badge.className = `tv-badge ${wrong.length ? "tv-wrong" : "tv-right"}`;
      this.badge.textContent = wrong.length
        ? `${wrong.length} of ${this.film.length} frames do not fit their hash, the first at tick ${this.film.ticks[wrong[0]]}`
        : `✓ ${this.film.length} frames fit their hashes`;
      this.badge.title = "Each frame's land, tiles and troops were hashed (SHA-256) when the match was played back to the recorded final state "
        + `${this.film.about.final_state.slice(0, 16)}; this page hashed them again.`;
      if (this.film.marks) this.badge.title = this.badge.title.replace("tiles and troops", "tiles, troops, gold, structures, boats, alliances and trade");
      this._listDeaths();
      this._drawAll();
    };
    some();
  }

  _fits(frame) {
    if (!this.checked.has(frame)) this.checked.set(frame, this.film.fits(frame));
    return this.checked.get(frame);
  }

  /** Notes who took the last land of whoever died on the way to a frame. */
  _note(frame) {
    const n = this.film.seats.length;
    this.fates = this.fates || [];
    const owner = this.film.owner(frame);
    this.film.seats.forEach((seat, index) => {
      if (frame === 0 || this.film.tiles[frame * n + index] > 0 || !(this.film.tiles[(frame - 1) * n + index] > 0)) return;
      const takers = new Map();
      for (let at = 0; at < owner.length; at++) if (this._before[at] === index + 1) takers.set(owner[at], (takers.get(owner[at]) || 0) + 1);
      const by = [...takers].filter(([label]) => label > 0 && label < 255).sort((a, b) => b[1] - a[1])[0];
      this.fates.push({ seat: index, by: by ? by[0] - 1 : null, frame });
    });
    this._before = owner.slice();
  }

  _listDeaths() {
    this.deaths.replaceChildren();
    for (const { seat, by, frame } of this.fates) {
      const tick = this.film.seats[seat].died ?? this.film.ticks[frame];
      const text = `tick ${tick}: ${this.film.seats[seat].name} is out${by === null ? "" : `, taken by ${this.film.seats[by].name}`}`;
      const mark = button("", text, () => this._seek(tick), "tv-death");
      mark.style.left = `${(100 * tick) / this.end}%`;
      mark.style.color = this.film.seats[seat].colour;
      this.deaths.append(mark);
    }
  }

  // --- drawing -------------------------------------------------------------------------------------

  _restyle() {
    this.style = getComputedStyle(this.place);
    this.board.setTheme(this.style);
    this._drawAll();
  }

  _standing(frame) {
    const n = this.film.seats.length, at = frame * n;
    return this.film.seats.map((_, seat) => seat).sort((a, b) =>
      this.film.tiles[at + b] - this.film.tiles[at + a] || this.film.seats[a].place - this.film.seats[b].place || a - b);
  }

  _draw() {
    if (!this.canvas.clientWidth) return;
    const frame = this.frame, start = this.film.ticks[frame], next = this.film.ticks[Math.min(frame + 1, this.film.length - 1)];
    const mix = next > start ? (this.tick - start) / (next - start) : 0;
    this.board.draw(frame, mix, { ...this.shown, follow: this.follow });
  }

  _drawAll() {
    if (!this.board || !this.style || !this.canvas.clientWidth) return;
    const frame = this.frame;
    this._draw();
    TV.drawStream(this.stream, this.film, this.style, this.tick, this.follow);
    TV.drawLines(this.lines, this.film, this.style, this.kind, this.tick, this.follow);
    this.stream.setAttribute("aria-valuenow", String(Math.round(this.tick)));
    const decision = this.film.decisions[frame];
    this.clock.textContent = `tick ${Math.floor(this.tick).toLocaleString("en")} / ${this.end.toLocaleString("en")}`;
    this.clock.title = `decision ${decision} of ${this.film.about.n_decisions - 1}`;
    this.speedButton.textContent = `${this.speed}×`;
    this.namesButton.setAttribute("aria-pressed", this.shown.names);
    this.arrowsButton.setAttribute("aria-pressed", this.shown.arrows);
    this.marksButton.setAttribute("aria-pressed", this.shown.marks);
    for (const tab of this.tabs.querySelectorAll("button")) tab.setAttribute("aria-pressed", tab.dataset.kind === this.kind);
    const wrong = !this._fits(frame);
    this.alarm.hidden = !wrong;
    if (wrong) this.alarm.textContent = `This frame (tick ${this.film.ticks[frame]}) is not what was recorded: its land or numbers do not fit their hash.`;
    if (this._tabled !== `${frame} ${this.follow}`) {
      this._tabled = `${frame} ${this.follow}`;
      this._fillTable(frame);
    }
    this._fillCard(frame);
  }

  _fillTable(frame) {
    const n = this.film.seats.length, standing = this._standing(frame), before = this.rows.map((row) => row.line.offsetTop);
    const most = Math.max(...this.film.row(this.film.tiles, frame), 1);
    standing.forEach((seat, place) => {
      const row = this.rows[seat], at = frame * n + seat, dead = this.film.tiles[at] === 0, died = this.film.seats[seat].died;
      row.now.textContent = place + 1;
      row.count.textContent = this.film.tiles[at].toLocaleString("en");
      row.bar.style.width = `${(100 * this.film.tiles[at]) / most}%`;
      row.troops.textContent = TV.short(this.film.troops[at]);
      if (this.film.marks) this.film.marks.fillRow(row, frame, seat, dead);
      const order = TV.order(this.film.orders[at]);
      row.glyph.textContent = dead ? "" : order.glyph;
      row.share.textContent = dead ? `out ${died ?? ""}` : order.text;
      row.line.classList.toggle("tv-dead", dead);
      row.line.classList.toggle("tv-followed", this.follow === seat);
      row.line.setAttribute("aria-selected", this.follow === seat);
    });
    if (standing.some((seat, place) => this.tbody.children[place] !== this.rows[seat].line)) {
      this.tbody.append(...standing.map((seat) => this.rows[seat].line));
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
      this.rows.forEach((row, seat) => {
        const by = before[seat] - row.line.offsetTop;
        if (by) row.line.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], { duration: 260, easing: "ease-out" });
      });
    }
  }

  _fillCard(frame) {
    const { film, follow } = this, key = `${frame} ${follow} ${JSON.stringify(this.shown.attention)} ${this.checked.size === film.length} ${this.style.getPropertyValue("--tv-ink")} ${this.card.clientWidth}`;
    if (this._carded === key) return;
    this._carded = key;
    this.card.replaceChildren();
    if (follow === null) { this._fillFates(); return; }
    const seat = film.seats[follow], n = film.seats.length, action = film.orders[frame * n + follow], insight = film.insights[follow];
    const head = element("div", "tv-card-head"), swatch = element("i", "tv-swatch");
    swatch.style.background = seat.colour;
    const order = TV.order(action);
    const does = film.tiles[frame * n + follow] === 0 ? `out since tick ${seat.died}` : action === NO_ORDER ? (seat.terms && frame < film.length - 1 ? termsWords(seat.terms) : "the match is over") : order.does || (order.name ? `sends ${order.name}` : "waits");
    head.append(swatch, element("b", "", seat.name), element("span", "tv-does", does), button("×", "follow nobody (esc)", () => this._setFollow(null)));
    this.card.append(head);
    if (film.marks && film.tiles[frame * n + follow] > 0) this.card.append(film.marks.facts(frame, follow, (ally) => this._named(ally)));
    if (!insight) { this.card.append(element("p", "tv-quiet", seat.silent || "No network's value or probabilities in this film.")); return; }
    if (action === NO_ORDER) { this.card.append(element("p", "tv-quiet", "No decision at this frame.")); return; }
    const mind = element("div", "tv-mind"), rose = element("canvas", "tv-rose"), text = element("div", "tv-thoughts");
    const chances = insight.chances(frame);
    text.append(this._fact("value", insight.values[frame].toFixed(2)));
    for (const [name, share, code] of TV.likeliest(chances, 5)) {
      const line = this._fact(name, `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`, share, seat.colour);
      line.classList.toggle("tv-chosen", code === (action >= 40 && action < 45 ? 40 : action));
      text.append(line);
    }
    mind.append(rose, text);
    this.card.append(mind);
    if (insight.scales) {
      const shares = insight.scales(frame), line = element("p", "tv-quiet");
      line.append("looks at ", ["global", "local", "tactical"].map((view, i) => `${view} ${Math.round(100 * shares[i])} %`).join("  ·  "));
      this.card.append(line);
    }
    const maps = this._mapsOf(follow);
    if (maps.length) this.card.append(this._attentionBar(maps));
    TV.drawRose(rose, chances, action, seat.colour, this.style);
  }

  _fact(name, value, share, colour) {
    const line = element("div", "tv-fact");
    if (share !== undefined) {
      const bar = element("i", "tv-share");
      bar.style.cssText = `width: ${100 * share}%; background: ${colour}`;
      line.append(bar);
    }
    line.append(element("span", "", name), element("b", "", value));
    return line;
  }

  _attentionBar(maps) {
    const bar = element("div", "tv-attention"), now = JSON.stringify(this.shown.attention);
    bar.append(element("span", "tv-label", "attention"));
    const add = (text, title, map) => {
      const made = button(text, title, () => this._nextAttention(map), "tv-button tv-toggle");
      made.setAttribute("aria-pressed", JSON.stringify(map) === now);
      bar.append(made);
    };
    add("off", "no attention (a)", null);
    for (const map of maps) add(`${map.view} ${map.layer + 1}`, `where layer ${map.layer + 1} of the ${map.view} view attends (a)`, map);
    return bar;
  }

  /** Who was out, when, and to whom: shown while nobody is followed. */
  _fillFates() {
    this.card.append(element("p", "tv-quiet", "Click a seat in the table or on the map to follow it: its views, its order, and what its network thought."));
    const list = element("ol", "tv-fates");
    const events = (this.fates || []).map((fate) => ({ ...fate, at: this.film.seats[fate.seat].died }));
    if (this.film.marks) events.push(...this.film.marks.betrayals());
    for (const { seat, by, at, betrays } of this.film.marks ? events.sort((a, b) => a.at - b.at) : events) {
      const item = element("li"), jump = button(`${at ?? ""}`, "go there", () => this._seek(at ?? 0), "tv-link");
      const told = betrays ? (by === null ? "turns traitor" : "betrays") : by === null ? "is out" : "falls to";
      item.append(jump, this._named(seat), element("span", "tv-falls", told), by === null ? "" : this._named(by));
      list.append(item);
    }
    this.card.append(list);
  }

  _named(seat) {
    const made = element("span", "tv-named", this.film.seats[seat].name), swatch = element("i", "tv-swatch");
    swatch.style.background = this.film.seats[seat].colour;
    made.prepend(swatch);
    return made;
  }
}

TV.mount = async (place) => {
  place.dataset.mounted = "";
  try {
    const payload = JSON.parse(document.getElementById(place.dataset.film).textContent);
    place.viewer = new Viewer(place, await TV.read(payload));
    if (place.viewer.alone) place.focus({ preventScroll: true });
    place.dataset.ready = "";
  } catch (error) {
    place.textContent = `This film cannot be shown: ${error.message}`;
    place.classList.add("tv-broken");
  }
};

/** Shows every film of a page that is in sight, the others as soon as they are. */
TV.mountAll = (root = document) => {
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting || "mounted" in entry.target.dataset) continue;
      watch.unobserve(entry.target);
      TV.mount(entry.target);
    }
  }, { rootMargin: "200px" });
  root.querySelectorAll(".tv[data-film]:not([data-mounted])").forEach((place) => watch.observe(place));
};
TV.mountAll();
})();
