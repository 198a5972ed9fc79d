// Bundles our adapter with the user's own checkout of the original engine. Run by league/bridge/checkout.py:
//   node build.mjs CHECKOUT ENTRY OUTFILE EDITION
// Prints one JSON line: {ok, esbuild, missing: [packages], errors: [texts]}. Nothing of the engine is part of
// this project: the bundle lies in the user's cache folder and is made from the user's files.
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const [checkout, entry, outfile, edition] = process.argv.slice(2);
const core = path.join(checkout, "src", "core");
const require = createRequire(path.join(checkout, "package.json")); // looks in NODE_PATH too

function answer(values) {
  process.stdout.write(JSON.stringify(values) + "\n");
}

let esbuild;
try {
  esbuild = require("esbuild");
} catch {
  answer({ ok: false, esbuild: null, missing: ["esbuild"], errors: [] });
  process.exit(0);
}

// What the engine imports from the game's client: pictures and texts, which no rule needs. The names that a
// file imports are found in the file itself; each becomes a function that returns an empty text.
function namesImported(importer, from) {
  const text = readFileSync(importer, "utf8");
  const names = new Set();
  for (const [, clause, source] of text.matchAll(/(?:import|export)\s+(?:type\s+)?([^;"']*?)\s+from\s+["']([^"']+)["']/g)) {
    if (source !== from) continue;
    const braces = clause.match(/\{([^}]*)\}/);
    for (const part of (braces ? braces[1] : "").split(",")) {
      const name = part.trim().replace(/^type\s+/, "").split(/\s+as\s+/)[0];
      if (name) names.add(name);
    }
  }
  return [...names];
}

function isOutside(file) {
  const relative = path.relative(core, file);
  return relative.startsWith("..") || path.isAbsolute(relative);
}

const plugin = {
  name: "league-bridge",
  setup(build) {
    build.onResolve({ filter: /^league-edition$/ }, (args) => ({ path: edition }));
    build.onResolve({ filter: /^engine\// }, (args) =>
      build.resolve("./" + args.path.slice("engine/".length), { kind: args.kind, resolveDir: core }),
    );
    build.onResolve({ filter: /^resources\// }, (args) => ({ path: path.join(checkout, args.path), namespace: "resource" }));
    build.onResolve({ filter: /^\.\.?\// }, (args) => {
      if (!args.importer.startsWith(core + path.sep)) return undefined;
      const target = path.resolve(path.dirname(args.importer), args.path);
      if (!isOutside(target)) return undefined;
      if (target.startsWith(path.join(checkout, "resources") + path.sep)) return { path: target, namespace: "resource" };
      return { path: `${args.importer}|${args.path}`, namespace: "client" };
    });
    build.onLoad({ filter: /.*/, namespace: "client" }, (args) => {
      const [importer, from] = args.path.split("|");
      const lines = namesImported(importer, from).map((name) => `export const ${name} = nothing;`);
      return { contents: `function nothing() { return ""; }\n${lines.join("\n")}\nexport default nothing;`, loader: "js" };
    });
    build.onLoad({ filter: /.*/, namespace: "resource" }, (args) => {
      if (!args.path.endsWith(".json")) return { contents: "", loader: "text" };
      const found = existsSync(args.path) ? readFileSync(args.path, "utf8") : '{"none": [{"key": "none"}]}';
      return { contents: found, loader: "json" };
    });
  },
};

try {
  await esbuild.build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    logLevel: "silent",
    nodePaths: [path.join(checkout, "node_modules"), ...(process.env.NODE_PATH ?? "").split(path.delimiter)].filter(Boolean),
    tsconfig: path.join(checkout, "tsconfig.json"),
    banner: { js: 'import { createRequire as leagueRequire } from "node:module"; const require = leagueRequire(import.meta.url);' },
    plugins: [plugin],
  });
  answer({ ok: true, esbuild: esbuild.version, missing: [], errors: [] });
} catch (error) {
  const texts = (error.errors ?? [{ text: String(error) }]).map(
    (each) => (each.location ? `${path.relative(checkout, each.location.file)}:${each.location.line}: ` : "") + each.text,
  );
  const missing = new Set();
  for (const text of texts) {
    const found = text.match(/Could not resolve "([^".][^"]*)"/);
    if (!found || found[1].startsWith("engine/")) continue;
    const parts = found[1].split("/");
    missing.add(found[1].startsWith("@") ? parts.slice(0, 2).join("/") : parts[0]);
  }
  answer({ ok: false, esbuild: esbuild.version, missing: [...missing].sort(), errors: texts.slice(0, 5) });
}
