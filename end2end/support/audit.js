// Notes secrets and keeps logs where HEADWATER_SECRET_AUDIT names a folder, as crates/secret-audit does for the Rust tests.
import { appendFileSync, mkdirSync, openSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { join } from "node:path";

const FOLDER = process.env.HEADWATER_SECRET_AUDIT;

/** Notes a secret of one of the kinds that crates/secret-audit lists. */
export function noteSecret(kind, secret) {
  if (!FOLDER) return;
  appendFileSync(join(folder("secrets"), "noted"), `${kind}\t${Buffer.from(secret).toString("hex")}\n`);
}

/** Where a server writes its log: a file to be audited, or this process's own standard error. */
export function logOfServer() {
  return FOLDER ? openSync(join(folder("logs"), `end2end-${randomUUID()}.log`), "a") : "inherit";
}

function folder(name) {
  const path = join(FOLDER, name);
  mkdirSync(path, { recursive: true });
  return path;
}
