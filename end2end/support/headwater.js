// Starts the built server on ports of its own, with state of its own, and stops it.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { logOfServer, noteSecret } from "./audit.js";

export const TARGET = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../target", import.meta.url));
export const BINARY = join(TARGET, "debug", "headwater");
export const SITE = process.env.LEPTOS_SITE_ROOT ?? join(TARGET, "site");
const START_MS = 60_000;

/** A running server: `url` of the pages, `endpoint` of the sandbox, `unlockCode` and `setUpCode` from its terminal. */
export async function startHeadwater(environment = {}) {
  const folder = await mkdtemp(join(tmpdir(), "headwater-end2end-"));
  const headwater = { folder, restart, stop };
  await launch("127.0.0.1:0", "127.0.0.1:0");
  return headwater;

  async function launch(listen, sandboxListen) {
    const server = spawn(BINARY, ["serve", "--listen", listen, "--sandbox-listen", sandboxListen], {
      env: { ...process.env, ...environment, LEPTOS_SITE_ROOT: SITE, HEADWATER_DATA_DIR: join(folder, "data") },
      stdio: ["ignore", "pipe", logOfServer()],
    });
    headwater.server = server;
    await new Promise((done, fail) => {
      const timer = setTimeout(() => fail(new Error("the server did not start in time")), START_MS);
      server.once("exit", (code) => fail(new Error(`the server ended with status ${code}`)));
      createInterface({ input: server.stdout }).on("line", (line) => {
        headwater.url = line.match(/^Headwater is at (\S+)/)?.[1] ?? headwater.url;
        headwater.unlockCode = line.match(/enter this code when a page asks for it: (\S+)/)?.[1] ?? headwater.unlockCode;
        if (headwater.unlockCode) noteSecret("unlock code", headwater.unlockCode);
        headwater.setUpCode = line.match(/^To teach, .* with this code: (\S+)/)?.[1] ?? headwater.setUpCode;
        if (headwater.setUpCode) noteSecret("set-up code", headwater.setUpCode);
        const endpoint = line.match(/AWS endpoint is ([^\s;]+)/)?.[1];
        if (endpoint) {
          headwater.endpoint = endpoint;
          clearTimeout(timer);
          done();
        }
      });
    });
    server.removeAllListeners("exit");
  }

  function end(signal) {
    return new Promise((done) => {
      headwater.server.once("exit", done);
      headwater.server.kill(signal);
    });
  }

  /** Kills the server without warning and starts it again at the same addresses. */
  async function restart() {
    await end("SIGKILL");
    await launch(new URL(headwater.url).host, new URL(headwater.endpoint).host);
  }

  async function stop() {
    await end("SIGTERM");
    await rm(folder, { recursive: true, force: true });
  }
}

/** A sandbox account for scripts: its keys, region and endpoint as environment variables. */
export async function newAccount(headwater) {
  const answer = await fetch(new URL("/api/sandbox/accounts", headwater.url), { method: "POST" });
  const account = await answer.json();
  noteSecret("secret access key", account.secret_access_key);
  return {
    AWS_ACCESS_KEY_ID: account.access_key_id,
    AWS_SECRET_ACCESS_KEY: account.secret_access_key,
    AWS_DEFAULT_REGION: account.region,
    AWS_ENDPOINT_URL: account.endpoint_url,
  };
}
