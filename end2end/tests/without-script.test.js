// Forms and re-checks before the wasm arrives, or where it never does; and the small screen.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchBrowser, newVisitor } from "../support/browser.js";
import { startHeadwater } from "../support/headwater.js";

let browser;
let headwater;

before(async () => {
  [browser, headwater] = await Promise.all([launchBrowser(), startHeadwater()]);
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
});

test("without JavaScript a learner starts, acts, re-checks, and keeps what was typed", async () => {
  // Without script Chromium never tells that a smooth scroll has come to rest.
  const { page } = await newVisitor(browser, headwater, { javaScriptEnabled: false, reducedMotion: "reduce" });
  await page.goto("/");
  await page.locator("#start button").click();
  await page.waitForURL("**/lab/connect");
  assert.match(await page.locator("#keys-exports").innerText(), /AWS_SECRET_ACCESS_KEY=/);
  await page.reload();
  assert.equal(await page.locator("#keys-exports").count(), 0, "a secret is shown once");

  await page.goto("/lab/delivery-stream");
  const bucket = page.locator('#action-create-bucket [name="fields[bucket]"]');
  const name = await bucket.inputValue();
  await bucket.fill("Not_A_Bucket");
  await page.locator("#action-create-bucket button").click();
  await page.locator("#action-create-bucket .notice.is-bad").waitFor();
  assert.equal(await bucket.inputValue(), "Not_A_Bucket", "what was typed is kept");
  await bucket.fill(name);
  await page.locator("#action-create-bucket button").click();
  await page.locator("#action-create-bucket .notice.is-good").waitFor();
  await page.locator("#checks button[type=submit]").click();
  await page.locator('[data-check="delivery-stream.bucket"].is-pass').waitFor();
});

for (const fonts of ["the fonts", "the system's fonts"]) test(`every page fits a phone's width with ${fonts}`, async () => {
  const { page } = await newVisitor(browser, headwater, { viewport: { width: 360, height: 740 }, javaScriptEnabled: false });
  await page.goto("/");
  await page.locator("#start button").click();
  await page.waitForURL("**/lab/connect");
  const slugs = ["connect", "delivery-stream", "ingest", "preprocess", "streaming-sql", "results", "clean-up"];
  for (const path of ["/", ...slugs.map((slug) => `/lab/${slug}`), "/results", "/no-such-page"]) {
    await page.goto(path);
    const { width, inner } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, inner: innerWidth }));
    assert.ok(width <= inner, `${path} is ${width} pixels wide`);
  }
});

test("another site cannot post to the lab", async () => {
  const answer = await fetch(`${headwater.url}/api/start`, { method: "POST", headers: { Origin: "http://evil.example" } });
  assert.equal(answer.status, 403);
});
