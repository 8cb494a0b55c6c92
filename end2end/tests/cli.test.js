// The whole lab by the AWS CLI, with the commands exactly as the page shows them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { allChecksPass, chartRows, checkNow, launchBrowser, newVisitor, open } from "../support/browser.js";
import { distinctPages, fromTsv, totalClicks } from "../support/clicks.js";
import { startHeadwater } from "../support/headwater.js";

const WINDOW_SECONDS = 4;
const STEPS = ["connect", "delivery-stream", "ingest", "preprocess", "streaming-sql", "results"];

let browser;
let headwater;

before(async () => {
  [browser, headwater] = await Promise.all([launchBrowser(), startHeadwater()]);
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
});

test("the commands that the page shows do the whole lab, and the chart shows the right numbers", async () => {
  const { page } = await newVisitor(browser, headwater);
  await open(page, "/");
  await page.locator("#start button").click();
  await page.waitForURL("**/lab/connect");
  const exports = await page.locator("#keys-exports").innerText();
  await page.locator("#names summary").click();
  await page.locator('#names [name="fields[window_seconds]"]').fill(String(WINDOW_SECONDS));
  await page.locator("#names button[type=submit]").click();
  await page.locator("#names .notice.is-good").waitFor();

  const home = join(headwater.folder, "home");
  await mkdir(home);
  const shell = { home, exports, before: [] };
  for (const step of STEPS) {
    await open(page, `/lab/${step}`);
    await run(shell, await commands(page));
    if (await page.locator("#consent").count()) await checkNow(page, true);
    await allChecksPass(page);
  }

  const sent = fromTsv(await readFile(join(home, "headwater-lab", "clicks.tsv"), "utf8"));
  await page.waitForSelector("tr[data-window-end] [data-metric=views][data-value]", { state: "attached" });
  const counted = (await chartRows(page)).filter((row) => row.views);
  // Step 2 sent the rows before the application ran, step 5 once more: only these are counted.
  assert.equal(counted.reduce((sum, row) => sum + row.views, 0), totalClicks(sent));
  assert.equal(counted.length, 1);
  assert.equal(counted[0].distinctPages, distinctPages(sent));

  await open(page, "/lab/clean-up");
  await run(shell, await commands(page));
  await allChecksPass(page);
});

/** The shell text of the open step, in order, as shown. */
function commands(page) {
  return page.locator("pre.code-block code.language-bash").allTextContents();
}

/** Runs commands in a bash with the learner's keys. */
async function run(shell, blocks) {
  assert.ok(blocks.length > 0, "the page shows commands");
  const script = ["set -euo pipefail", shell.exports, ...shell.before, ...blocks].join("\n");
  // A new terminal needs the settings of the first step again, as that step says.
  if (shell.before.length === 0) shell.before = blocks.filter((block) => block.includes("AWS_CONFIG_FILE"));
  const { status, output } = await bash(script, shell.home);
  assert.equal(status, 0, `the commands failed:\n${output}`);
}

function bash(script, home) {
  return new Promise((done, fail) => {
    const child = spawn("bash", ["-s"], {
      env: { PATH: process.env.PATH, HOME: home, LANG: "C.UTF-8", AWS_EC2_METADATA_DISABLED: "true" },
      cwd: home,
    });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.once("error", fail);
    child.once("close", (status) => done({ status, output }));
    child.stdin.end(script);
  });
}
