// The lab with a tumbling window: partly by the forms, partly by "Do this step for me", to the same numbers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import {
  accessibilityFaults,
  allChecksPass,
  chartRows,
  checkNow,
  chooseWindow,
  labOf,
  launchBrowser,
  newVisitor,
  open,
  perform,
  sendFile,
  traced,
  viewsAddUpTo,
} from "../support/browser.js";
import { asTsv, distinctPages, makeClicks, totalClicks } from "../support/clicks.js";
import { startHeadwater } from "../support/headwater.js";

const WINDOW_SECONDS = 4;

let browser;
let headwater;

before(async () => {
  [browser, headwater] = await Promise.all([launchBrowser(), startHeadwater()]);
});

after(async () => {
  await browser?.close();
  await headwater?.stop();
});

test("the lab that AWS has today counts the same way, with help and without", async () => {
  const { page, complaints } = await newVisitor(browser, headwater);

  await open(page, "/");
  await page.locator("#other-ways summary").click();
  assert.deepEqual(await accessibilityFaults(page), []);
  await page.locator('#other-ways input[value="sandbox-window"]').check();
  await page.locator("#other-ways button[type=submit]").click();
  await page.waitForURL("**/lab/connect");
  await chooseWindow(page, WINDOW_SECONDS);
  await allChecksPass(page);

  await open(page, "/lab/delivery-stream");
  const plan = await page.locator("#catch-up .plan").textContent();
  assert.match(plan, /Kinesis CreateStream/);
  assert.match(plan, /Firehose CreateDeliveryStream/);
  await catchUp(page);
  await allChecksPass(page);
  await page.locator("#catch-up").getByText("done for you").first().waitFor();
  assert.deepEqual(await accessibilityFaults(page), []);

  await open(page, "/lab/preprocess");
  await perform(page, "create-preprocess-function");
  await perform(page, "attach-transformation");
  await checkNow(page, true);
  await allChecksPass(page);

  await open(page, "/lab/streaming-sql");
  await perform(page, "create-count-function");
  await perform(page, "create-mapping");
  await checkNow(page, true);
  await allChecksPass(page);

  await open(page, "/lab/results");
  await perform(page, "create-table");
  await perform(page, "connect-table");

  const rows = makeClicks(300);
  await open(page, "/lab/ingest");
  await sendFile(page, "clicks.tsv", asTsv(rows));
  await allChecksPass(page);
  await open(page, "/lab/results");
  await checkNow(page, true);
  await allChecksPass(page);
  const { demo } = await labOf(page);
  const marks = demo.accepted - rows.length;
  assert.ok(marks >= 1 && demo.clicks_accepted === totalClicks(rows) + marks, JSON.stringify(demo));
  await viewsAddUpTo(page, totalClicks(rows) + marks);
  const counted = (await chartRows(page)).filter((row) => row.views);
  assert.ok(counted.every((row) => row.distinctPages >= 1 && row.distinctPages <= distinctPages(rows) + 1));
  const hops = await traced(page);
  assert.equal(hops.length, 5, hops.join(" | "));
  assert.deepEqual(await accessibilityFaults(page), []);

  await open(page, "/lab/clean-up");
  await page.locator("#receipt").getByText("ClickStreamInput").first().waitFor();
  await catchUp(page);
  await allChecksPass(page);
  await page.locator("#receipt").getByText(/nothing .* remains|all clean/i).first().waitFor();
  await open(page, "/results");
  const results = await page.locator("main").innerText();
  for (const gone of ["ClickStreamInput", "CountClickWindows", "ClickstreamWindowCounts"]) {
    assert.match(results, new RegExp(gone));
  }
  assert.match(results, /done for you|assisted/i);
  assert.deepEqual(await accessibilityFaults(page), []);
  assert.deepEqual(complaints, []);
});

/** Has the open step done, and waits for good news. */
async function catchUp(page) {
  const section = page.locator("#catch-up");
  await section.locator("summary").first().click();
  await section.locator("form button[type=submit]").click();
  await section.locator(".notice").waitFor({ timeout: 120_000 });
  const text = await section.locator(".notice").innerText();
  assert.equal(await section.locator(".notice.is-good").count(), 1, text);
}
