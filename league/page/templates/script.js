"use strict";
(function () {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  if (button) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const wished = root.dataset.theme;
      const dark = wished ? wished === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
    });
  }

  const valueOf = (cell, kind) => {
    const text = cell.dataset.v ?? cell.textContent;
    if (kind === "t") return text.trim().toLowerCase();
    const number = parseFloat(text.replace(/[,%▲▼\s]/g, ""));
    return Number.isNaN(number) ? null : number;
  };
  const sort = (table, head) => {
    const column = head.cellIndex, kind = head.dataset.sort, body = table.tBodies[0];
    const up = head.getAttribute("aria-sort") !== "ascending";
    const rows = [...body.rows].map((row) => [valueOf(row.cells[column], kind), row]);
    rows.sort(([a], [b]) => {
      if (a === null || b === null) return (a === null) - (b === null);
      return (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    for (const head of table.tHead.rows[0].cells) {
      if (!head.dataset.sort) continue;
      head.tabIndex = 0;
      head.setAttribute("role", "columnheader button");
      head.addEventListener("click", () => sort(table, head));
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          sort(table, head);
        }
      });
    }
  }

  const heat = document.getElementById("heat");
  if (heat) {
    const n = Number(heat.dataset.n), names = JSON.parse(heat.querySelector("script").textContent);
    const raw = atob(heat.dataset.pairs), picture = heat.querySelector("img");
    const said = heat.querySelector("output");
    picture.addEventListener("mousemove", (event) => {
      const box = picture.getBoundingClientRect();
      const at = (from, size) => Math.min(n - 1, Math.max(0, Math.floor((from / size) * n)));
      const row = at(event.clientY - box.top, box.height), column = at(event.clientX - box.left, box.width);
      if (row === column) { said.textContent = names[row]; return; }
      const i = Math.min(row, column), j = Math.max(row, column);
      const place = 3 * (i * n - (i * (i + 1)) / 2 + j - i - 1);
      const games = raw.charCodeAt(place + 1) + 256 * raw.charCodeAt(place + 2);
      const rate = raw.charCodeAt(place) / 2, shown = row < column ? rate : 100 - rate;
      said.textContent = games
        ? `${names[row]} came before ${names[column]} in ${shown.toFixed(0)} % of ${games} matches`
        : `${names[row]} and ${names[column]} have not met`;
    });
  }
})();
