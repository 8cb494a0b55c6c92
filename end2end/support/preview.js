// Serves the pages with canned answers, a class of ten thousand among them, at a port of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { newVisitor, open } from "./browser.js";
import { SITE, TARGET } from "./headwater.js";

const PREVIEW = process.env.HEADWATER_PREVIEW ?? join(TARGET, "debug", "examples", "preview");

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

/** A visitor with a class's board open, all its rows loaded: of `owner` with thirty learners, or `large` with ten thousand. */
export async function openBoard(browser, preview, scene) {
  const visitor = await newVisitor(browser, preview);
  await visitor.context.addCookies([{ name: "teach", value: scene, url: preview.url }]);
  await open(visitor.page, "/teach/classes/c7");
  await visitor.page.locator(".board-frame.is-whole").waitFor();
  return visitor;
}
