// A class from its first instructor to its results: the board follows learners, and help reaches them, while pages stay open.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import { noteSecret } from "../support/audit.js";
import { accessibilityFaults, checkNow, launchBrowser, newVisitor, open } from "../support/browser.js";
import { BINARY, startHeadwater } from "../support/headwater.js";
import { startProxy } from "../support/proxy.js";

const ACCOUNT = { login: "grace@school.example", name: "Grace", password: randomBytes(12).toString("hex") };
const STEP = "delivery-stream";
/** Failed attempts after which a learner counts as stuck. */
const STUCK_AFTER = 3;

let browser;
let headwater;
let proxy;

before(async () => {
  headwater = await startHeadwater({ HEADWATER_ALLOW_PRIVATE_TARGETS: "true" });
  browser = await launchBrowser();
  proxy = await startProxy(headwater.url);
  noteSecret("password", ACCOUNT.password);
});

after(async () => {
  await browser?.close();
  proxy?.stop();
  await headwater?.stop();
});

test("an instructor sees who is where and who is stuck, helps them, and exports what can be verified", async () => {
  // The instructor comes by a connection that will be cut.
  const instructor = await newVisitor(browser, headwater, { baseURL: proxy.url });
  const desk = instructor.page;
  await setUp(desk);
  instructor.complaints.length = 0;
  const { board, code } = await makeClass(desk, "Streams 101");
  assert.deepEqual(await accessibilityFaults(desk), []);

  const ada = await joinClass(code, "Ada");
  await rowOf(desk, "Ada").locator(".board-cell.is-passed").waitFor();
  const ben = await joinClass(code, undefined);
  await rowOf(desk, "Learner ").waitFor();

  const help = await secondPage(instructor, `${board}/help`);
  await ada.page.getByRole("button", { name: "Raise your hand" }).click();
  await rowOf(desk, "Ada").locator(".mark.is-hand").waitFor();
  const raised = help.locator(".help-item", { hasText: "Ada" });
  await raised.getByText("Hand up").waitFor();
  await sendHint(raised, "Look at <b>the</b> region.");
  await ada.page.getByText("Look at <b>the</b> region.").waitFor();
  assert.equal(await ben.page.locator(".sent-hint").count(), 0);
  assert.deepEqual(await accessibilityFaults(ada.page), []);
  assert.deepEqual(await accessibilityFaults(help), []);
  await raised.getByRole("button", { name: /Lower the hand/ }).click();
  await help.getByText("Nobody needs help right now.").waitFor();
  await ada.page.getByRole("button", { name: "Raise your hand" }).waitFor();
  await ada.page.getByRole("button", { name: /Put away/ }).click();
  await ada.page.getByText("Earlier hints (1)").waitFor();
  await help.getByText("1 dealt with").click();
  await help.getByRole("button", { name: "Open again: Ada" }).click();
  await raised.getByText("Opened again by Grace").waitFor();
  await raised.getByRole("button", { name: /Lower the hand/ }).click();

  for (const { page } of [ada, ben]) await failInVain(page);
  await rowOf(desk, "Ada").locator(".mark.is-stuck").waitFor();
  const cluster = help.locator(".cluster", { hasText: "2 of 2" }).first();
  await cluster.waitFor();
  assert.deepEqual(await accessibilityFaults(help), []);
  await sendHint(cluster, "Both of you: the bucket comes first.");
  for (const { page } of [ada, ben]) await page.getByText("Both of you: the bucket comes first.").waitFor();

  // What happens while the instructor's connection is lost is there when it is back, without loading the page anew.
  await desk.evaluate(() => (globalThis.wasNotLoadedAnew = true));
  proxy.cut();
  await desk.getByText("Reconnecting…").waitFor();
  await ben.page.getByRole("button", { name: "Raise your hand" }).click();
  await ben.page.getByText("Hand is up since").waitFor();
  const eve = await joinClass(code, "Eve");
  proxy.mend();
  await rowOf(desk, "Learner ").locator(".mark.is-hand").waitFor();
  await rowOf(desk, "Eve").locator(".board-cell.is-passed").waitFor();
  assert.equal(await desk.evaluate(() => globalThis.wasNotLoadedAnew), true);
  await desk.getByText("Live", { exact: true }).waitFor();

  await desk.locator("#board-search").fill("ad");
  await rowOf(desk, "Eve").waitFor({ state: "detached" });
  await rowOf(desk, "Ada").getByRole("link", { name: "Ada" }).click();
  await desk.waitForURL("**/learners/*");
  const seen = await desk.locator("main").innerText();
  assert.match(seen, /There is no bucket/);
  assert.ok(!(await desk.content()).includes(ada.secret), "an instructor sees a learner's secret");
  assert.deepEqual(await accessibilityFaults(desk), []);

  await ada.page.getByText("You: Ada").click();
  await ada.page.locator("#member-name").fill("Ada Lovelace");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await ada.page.getByText("You: Ada Lovelace").waitFor();
  await desk.getByRole("heading", { name: "Ada Lovelace" }).waitFor();
  await eve.page.getByText("You: Eve").click();
  await eve.page.getByText("Leave the class").click();
  await eve.page.getByRole("button", { name: "Leave it" }).click();
  await eve.page.locator(".member-bar").waitFor({ state: "detached" });

  await open(desk, `${board}/results`);
  assert.deepEqual(await accessibilityFaults(desk), []);
  const table = await download(desk, "CSV for a spreadsheet");
  assert.match(await readFile(table, "utf8"), /Ada Lovelace/);
  const results = await download(desk, "JSON with the whole log");
  const audited = await promisify(execFile)(BINARY, ["audit", results]);
  assert.match(audited.stdout, /intact/i);
  await writeFile(results, (await readFile(results, "utf8")).replace('"not-yet"', '"pass"'));
  await assert.rejects(promisify(execFile)(BINARY, ["audit", results]), /not intact/);

  for (const { complaints } of [instructor, ada, ben, eve]) {
    // The browser itself tells of the requests that failed while the connection was cut.
    assert.deepEqual(complaints.filter((complaint) => !/ERR_(EMPTY_RESPONSE|CONNECTION|INCOMPLETE)/.test(complaint)), []);
  }
  await Promise.all([instructor, ada, ben, eve].map(({ context }) => context.close()));
});

test("every page of a class fits a phone's width, and works without script", async () => {
  // Without script Chromium never tells that a smooth scroll has come to rest.
  const phone = { viewport: { width: 360, height: 740 }, javaScriptEnabled: false, reducedMotion: "reduce" };
  const { page: desk, context } = await newVisitor(browser, headwater, phone);
  await signIn(desk);
  await desk.getByRole("link", { name: "Make a class" }).first().click();
  await fill(desk, "#new-class", { name: "A class with a name that is rather long, as names of classes are" });
  await desk.waitForURL(/\/teach\/classes\/[0-9a-f]{32}/);
  const board = new URL(desk.url()).pathname;
  const code = await desk.locator(".join-code").innerText();
  const learner = await newVisitor(browser, headwater, phone);
  await joinWith(learner.page, code, "Somebody-with-a-very-long-name-without-any-spaces");
  await learner.page.getByRole("button", { name: "Raise your hand" }).click();
  await learner.page.getByText("Hand is up since").waitFor();
  await fits(learner.page);
  await desk.goto(board);
  await rowOf(desk, "Somebody").locator(".mark.is-hand").waitFor();
  const [member] = await rowOf(desk, "Somebody").locator("a").evaluateAll((links) => links.map((link) => link.href));
  await desk.goto(`${board}/help`);
  await sendHint(desk.locator(".help-item"), "Look at the region.");
  await learner.page.goto(`/lab/${STEP}`);
  await learner.page.getByText("Look at the region.").waitFor();
  await fits(learner.page);
  const rest = ["", "/help", "/results", "/settings"].map((page) => `${board}${page}`);
  for (const path of ["/teach", "/teach/account", "/teach/classes/new", ...rest, member, `/join/${code}`]) {
    await desk.goto(path);
    await fits(desk);
  }
  await desk.goto("/teach");
  await desk.getByRole("button", { name: "Sign out" }).click();
  assert.equal((await desk.goto(board)).status(), 401);
  await Promise.all([context.close(), learner.context.close()]);
});

test("a webhook is told who joins, with a signature that its key verifies, and its page tells what came of it", async (t) => {
  const receiver = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    receiver.emit(JSON.parse(body).type, { headers: request.headers, body });
    response.writeHead(204).end();
  });
  receiver.listen(0, "127.0.0.1");
  await once(receiver, "listening");
  t.after(() => receiver.close() && receiver.closeAllConnections());
  const url = `http://127.0.0.1:${receiver.address().port}/hook`;

  const { page: desk, context, complaints } = await newVisitor(browser, headwater);
  await signIn(desk);
  // The browser itself tells that the page was refused to who was not signed in.
  complaints.length = 0;
  const { board, code } = await makeClass(desk, "Streams with a webhook");
  await open(desk, `${board}/settings`);
  await desk.locator("#settings-webhook [name='fields[url]']").fill(url);
  await desk.getByRole("button", { name: "Add the webhook" }).click();
  const key = desk.locator(".fresh-keys code");
  await key.waitFor();
  const secret = await key.innerText();
  noteSecret("webhook secret", secret);
  assert.deepEqual(await accessibilityFaults(desk), []);
  await desk.getByRole("button", { name: `Send a test to ${url}` }).click();
  await desk.getByText("The test was taken: it answered 204.").waitFor();

  const [learner, [joined]] = await Promise.all([
    joinClass(code, "Wanda"),
    once(receiver, "learner.joined", { signal: AbortSignal.timeout(30_000) }),
  ]);
  await desk.waitForFunction(async (path) => {
    const page = await (await fetch(path)).text();
    return page.includes("Delivered, 204");
  }, `${board}/settings`, { polling: 250 });
  await open(desk, `${board}/settings`);
  assert.ok(!(await desk.content()).includes(secret), "the key is shown twice");
  // They are unfolded already while something is left to deliver.
  const unfolded = await desk.locator(".deliveries").evaluate((deliveries) => deliveries.open);
  if (!unfolded) await desk.getByText("Last deliveries").click();
  await desk.getByText("Delivered, 204").first().waitFor();
  assert.deepEqual(await accessibilityFaults(desk), []);
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = joined.headers;
  const hmac = createHmac("sha256", Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
  assert.equal(signature, `v1,${hmac.update(`${id}.${at}.${joined.body}`).digest("base64")}`);

  await desk.getByText("Remove…").first().click();
  await desk.getByRole("button", { name: `Remove ${url}` }).click();
  await desk.getByText("No address is told what happens in this class.").waitFor();
  assert.deepEqual(complaints, []);
  await Promise.all([context.close(), learner.context.close()]);
});

/** Makes the first account; a wrong code makes none. */
async function setUp(page) {
  await open(page, "/teach");
  await page.getByRole("link", { name: "Make the first account" }).click();
  await page.waitForURL("**/teach/setup");
  assert.deepEqual(await accessibilityFaults(page), []);
  await fill(page, "#set-up", { ...ACCOUNT, code: "AAAA-AAAA" });
  await page.locator("#set-up .field-error").first().waitFor();
  await fill(page, "#set-up", { code: headwater.setUpCode, password: ACCOUNT.password });
  await page.getByRole("heading", { name: "Your classes" }).waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);
}

async function signIn(page) {
  await page.goto("/teach");
  const { login, password } = ACCOUNT;
  await fill(page, "form:has([name=password])", { login, password });
  await page.getByRole("heading", { name: "Your classes" }).waitFor();
}

/** Makes a class with what the form proposes; gives the path of its board and its code. */
async function makeClass(page, name) {
  await page.getByRole("link", { name: "Make a class" }).first().click();
  await page.waitForURL("**/teach/classes/new");
  assert.deepEqual(await accessibilityFaults(page), []);
  await fill(page, "#new-class", { name });
  await page.waitForURL(/\/teach\/classes\/[0-9a-f]{32}/);
  await page.getByText("Nobody is here yet").waitFor();
  return { board: new URL(page.url()).pathname, code: await page.locator(".join-code").innerText() };
}

/** Fills a form of an instructor's page and sends it. */
async function fill(page, form, fields) {
  for (const [name, value] of Object.entries(fields)) {
    await page.locator(`${form} [name="fields[${name}]"], ${form} [name="${name}"]`).fill(value);
  }
  await page.locator(`${form} button[type=submit]`).first().click();
}

/** Another page of the same browser. */
async function secondPage({ context }, path) {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  await open(page, path);
  return page;
}

/** A learner in a browser of their own who joins by the code, with the `secret` of their access key. */
async function joinClass(code, name) {
  const visitor = await newVisitor(browser, headwater);
  await joinWith(visitor.page, code, name);
  await visitor.page.waitForSelector("html[data-hydrated]", { state: "attached" });
  const keys = await visitor.page.locator("#keys-exports").innerText();
  const [, secret] = keys.match(/AWS_SECRET_ACCESS_KEY=(\S+)/);
  noteSecret("secret access key", secret);
  return { ...visitor, secret };
}

async function joinWith(page, code, name) {
  await page.goto("/join");
  await page.locator("#class-code").fill(code);
  await page.getByRole("button", { name: "Go on" }).click();
  await page.getByRole("button", { name: "Join the class" }).waitFor();
  if (name) await page.locator("#join [name=name]").fill(name);
  else await page.locator("#join-anonymous").check();
  await page.getByRole("button", { name: "Join the class" }).click();
  await page.waitForURL("**/lab/connect");
}

/** Presses the button of the checks until the learner counts as stuck. */
async function failInVain(page) {
  await open(page, `/lab/${STEP}`);
  for (let attempt = 0; attempt < STUCK_AFTER; attempt += 1) {
    const answered = page.waitForResponse((answer) => answer.url().includes("/api/recheck"));
    await checkNow(page);
    await answered;
  }
}

async function sendHint(place, words) {
  await place.getByText(/^Send( all)? a hint$/).click();
  await place.locator("textarea").fill(words);
  await place.getByRole("button", { name: /Send the hint/ }).click();
}

/** The row of a learner on the board. */
function rowOf(page, name) {
  return page.locator(".board-body .board-row", { hasText: name });
}

/** Downloads what a link leads to, into the server's folder. */
async function download(page, link) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: link }).click()]);
  const path = join(headwater.folder, file.suggestedFilename());
  await file.saveAs(path);
  return path;
}

async function fits(page) {
  const { width, inner } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, inner: innerWidth }));
  assert.ok(width <= inner, `${page.url()} is ${width} pixels wide`);
}
