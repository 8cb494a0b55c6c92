// The lab in an account of the learner's own. A second server's sandbox stands in for AWS: same SDK calls, other endpoint.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { accessibilityFaults, allChecksPass, checkNow, chooseWindow, labOf, launchBrowser, newVisitor, open, traced } from "../support/browser.js";
import { BINARY, newAccount, startHeadwater } from "../support/headwater.js";

const WINDOW_SECONDS = 4;

let browser;
let aws;
let headwater;
let keys;
let folder;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "headwater-account-"));
  [browser, aws] = await Promise.all([launchBrowser(), startHeadwater()]);
  keys = await newAccount(aws);
  // What the machine of somebody with an AWS account has in its environment.
  const { AWS_ENDPOINT_URL: _, ...credentials } = keys;
  headwater = await startHeadwater({ ...credentials, HEADWATER_AWS_ENDPOINT_URL: aws.endpoint });
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
  await aws?.stop();
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("a learner does the whole lab in an account, which the page only looks at", async () => {
  const { page, complaints } = await newVisitor(browser, headwater);

  await open(page, "/");
  await page.locator("#other-ways summary").click();
  await page.locator('#other-ways input[value="account-window"]').check();
  await page.locator("#other-ways button[type=submit]").click();
  await page.waitForURL("**/lab/connect");
  const account = page.locator("#account");
  await account.locator('[name="code"]').fill("AAAA-AAAA");
  await account.locator("form button[type=submit]").first().click();
  await account.getByText("That is not the code").first().waitFor();
  await account.locator('[name="code"]').fill(headwater.unlockCode.toLowerCase());
  await account.locator("form button[type=submit]").first().click();
  await account.locator('[name="profile"]').waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await account.locator('[name="region"]').selectOption("us-east-1");
  await account.getByRole("button", { name: /whose account/i }).click();
  const identity = await new AwsCli(keys).json("sts get-caller-identity");
  await account.getByText(identity.Account).first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await account.getByRole("button", { name: /yes/i }).click();
  await allChecksPass(page);
  await chooseWindow(page, WINDOW_SECONDS);

  assert.equal(await verify("--step", "delivery-stream"), 1, "nothing is there yet");
  for (const step of ["delivery-stream", "preprocess", "streaming-sql", "results"]) {
    await open(page, `/lab/${step}`);
    assert.equal(await page.locator("[id^=action-]").count(), 0, "the page makes nothing");
    await runScript(page, step);
    if (step !== "delivery-stream") await checkNow(page, true);
    if (step !== "results") await allChecksPass(page);
  }

  await open(page, "/lab/ingest");
  await page.locator('#demo [name="rate"]').fill("100");
  await page.locator('#demo [name="duration_seconds"]').fill("5");
  await page.getByRole("button", { name: "Send clicks" }).click();
  await page.locator("#demo .notice.is-good").waitFor();
  await allChecksPass(page, 120_000);
  await open(page, "/lab/results");
  await checkNow(page, true);
  await allChecksPass(page);
  await traced(page, 120_000);
  await page.locator(".cost-bar").getByText(/an hour/).first().waitFor();
  const { demo, chart, cost } = await labOf(page);
  const counted = chart.windows.reduce((sum, window) => sum + (window.views ?? 0), 0);
  assert.ok(counted >= demo.clicks_accepted, `${counted} of ${demo.clicks_accepted}`);
  assert.ok(cost.per_hour > 0.01 && cost.resources >= 6, JSON.stringify(cost));
  assert.deepEqual(await accessibilityFaults(page), []);
  assert.equal(await verify("--invoke", "--wait", "60", "--name", `window_seconds=${WINDOW_SECONDS}`), 0);

  await open(page, "/lab/clean-up");
  await page.locator("#receipt").getByText("ClickStreamInput").first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
  await runScript(page, "clean-up");
  await allChecksPass(page);
  await page.locator("#receipt").getByText(/all clean/i).first().waitFor();
  assert.equal(await verify("--step", "clean-up"), 0);
  // The browser tells of the wrong code, and of nothing else.
  assert.deepEqual(complaints.filter((complaint) => !/status of 422/.test(complaint)), []);
  assert.ok(complaints.length <= 1, complaints.join("\n"));
});

/** Runs the script that the page offers for a step, as it stands, with the learner's credentials. */
async function runScript(page, step) {
  const section = page.locator("#catch-up");
  assert.equal(await section.locator("pre").count(), 0, "the script is handed over when it is asked for");
  await section.locator("summary").first().click();
  await section.getByRole("button", { name: "Hand them over" }).click();
  await section.locator("pre").first().waitFor({ state: "attached" });
  const script = await section.locator("pre", { hasText: "set -euo pipefail" }).first().textContent();
  const file = join(folder, `${step}.sh`);
  await writeFile(file, script);
  const { code, output } = await run("bash", [file], { ...keys, HOME: folder, PATH: process.env.PATH });
  assert.equal(code, 0, `${step}: ${output}`);
}

/** The exit status of `headwater verify` in the account. */
async function verify(...options) {
  const { HEADWATER_WIRE_LOG } = process.env;
  const { code, output } = await run(BINARY, ["verify", ...options], { ...keys, HOME: folder, ...(HEADWATER_WIRE_LOG && { HEADWATER_WIRE_LOG }) });
  if (code !== 0) console.log(output);
  return code;
}

class AwsCli {
  constructor(environment) {
    this.environment = environment;
  }

  async json(command) {
    const { code, output } = await run("aws", command.split(" "), { ...this.environment, HOME: folder, PATH: process.env.PATH });
    assert.equal(code, 0, output);
    return JSON.parse(output);
  }
}

function run(program, parameters, env) {
  return new Promise((done, fail) => {
    const child = spawn(program, parameters, { env, cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    child.once("error", fail);
    child.once("exit", (code) => done({ code, output }));
  });
}
