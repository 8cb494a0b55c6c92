// Serves the pages with canned answers, a class of ten thousand among them, at a port of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
const PREVIEW = process.env.HEADWATER_PREVIEW ?? join(TARGET, "debug", "examples", "preview");
const SITE = process.env.LEPTOS_SITE_ROOT ?? join(TARGET, "site");

/** `url` of the pages, and `stop`. Cookies choose what they show; `app/examples/preview/main.rs` tells which. */
export async function startPreview() {
  const server = spawn(PREVIEW, {
    env: { ...process.env, LEPTOS_OUTPUT_NAME: "headwater", LEPTOS_SITE_ROOT: SITE, LEPTOS_SITE_ADDR: "127.0.0.1:0" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  const [url] = await Promise.race([
    once(createInterface({ input: server.stdout }), "line"),
    ended.then(([code]) => Promise.reject(new Error(`the preview ended with status ${code}`))),
  ]);
  return {
    url,
    async stop() {
      server.kill();
      await ended;
    },
  };
}
