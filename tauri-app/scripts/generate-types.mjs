// Writes src/rpc/gen/protocol.ts from ../schemas/openrpc.json. With --check it writes nothing, and fails when the
// file is not what it would have written.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";

const SOURCE = new URL("../../schemas/openrpc.json", import.meta.url);
const TARGET = new URL("../src/rpc/gen/protocol.ts", import.meta.url);
const BANNER = "// Generated from schemas/openrpc.json by scripts/generate-types.mjs. Do not edit.";

/** @typedef {{ $ref: string }} Reference */
/** @typedef {{ name: string, summary: string, result?: { schema: Reference }, "x-params": Reference, "x-callers": string[] }} Method */
/** @typedef {{ name: string, summary: string, params: Reference }} Notification */

/** @param {Reference} reference */
const nameOf = (reference) => reference.$ref.slice("#/components/schemas/".length);

/**
 * @param {string} name
 * @param {string} summary
 * @param {string[]} members
 */
const entry = (name, summary, members) => [
  `  /** ${summary} */`,
  `  ${JSON.stringify(name)}: ${members.join(" ")}`,
];

async function generate() {
  const openrpc = JSON.parse(await readFile(SOURCE, "utf8"));
  /** @type {Method[]} */
  const methods = openrpc.methods.filter((/** @type {Method} */ method) =>
    method["x-callers"].includes("window"),
  );
  /** @type {Notification[]} */
  const notifications = openrpc["x-notifications"];
  const schemas = openrpc.components.schemas;
  const used = [
    "ErrorData",
    ...methods
      .flatMap((method) => [method["x-params"], ...(method.result ? [method.result.schema] : [])])
      .map(nameOf),
    ...notifications.map((notification) => nameOf(notification.params)),
  ];
  // One root that refers to every message, so that each is declared once and shared types are shared.
  const root = {
    type: /** @type {const} */ ("object"),
    additionalProperties: false,
    properties: Object.fromEntries(used.map((name) => [name, { $ref: `#/components/schemas/${name}` }])),
    required: [...new Set(used)],
    components: { schemas },
  };
  const types = await compile(root, "Messages", {
    additionalProperties: false,
    bannerComment: BANNER,
    ignoreMinAndMaxItems: true,
    unknownAny: true,
    format: true,
    style: { printWidth: 110 },
  });
  return [
    types,
    "/** The methods that the window may call, with their messages. */",
    "export interface Methods {",
    ...methods.flatMap((method) =>
      entry(method.name, method.summary, [
        `{ params: ${nameOf(method["x-params"])};`,
        `result: ${method.result ? nameOf(method.result.schema) : "null"} };`,
      ]),
    ),
    "}",
    "",
    "/** What the sidecar tells without being asked, with the params of each. */",
    "export interface Notifications {",
    ...notifications.flatMap((notification) =>
      entry(notification.name, notification.summary, [`${nameOf(notification.params)};`]),
    ),
    "}",
    "",
  ].join("\n");
}

const generated = await generate();
if (process.argv.includes("--check")) {
  const present = await readFile(TARGET, "utf8").catch(() => "");
  if (present !== generated) {
    process.stderr.write(`${fileURLToPath(TARGET)} is not what the schemas say. Run: npm run types\n`);
    process.exitCode = 1;
  }
} else {
  await writeFile(TARGET, generated);
}
