// A board of ten thousand learners: only what is in sight is in the document, and it is there wherever one scrolls.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launchBrowser } from "../support/browser.js";
import { openBoard, startPreview } from "../support/preview.js";

const LEARNERS = 10_000;
/** Far fewer than there are learners, whatever the height of the window. */
const MOST_ROWS = 80;

let browser;
let preview;

before(async () => {
  preview = await startPreview();
  browser = await launchBrowser();
});

after(async () => {
  await browser?.close();
  await preview?.stop();
});

test("ten thousand rows can be scrolled through while five hundred things a second happen", async () => {
  const { page, context, complaints } = await openBoard(browser, preview, "large");
  assert.equal(await page.locator(".board-frame").getAttribute("aria-rowcount"), String(LEARNERS + 1));
  await page.locator(".board-frame").scrollIntoViewIfNeeded();

  const seen = new Set();
  for (const part of [0, 0.001, 0.25, 0.5, 0.77, 0.999, 1, 0.1]) {
    await page.locator(".board-frame").evaluate((frame, part) => {
      frame.scrollTop = part * (frame.scrollHeight - frame.clientHeight);
    }, part);
    const rows = await filled(page);
    rows.forEach((row) => seen.add(row));
    assert.ok((await page.locator(".board-row").count()) < MOST_ROWS, "rows out of sight are in the document");
  }
  assert.ok(seen.has(2) && seen.has(LEARNERS + 1), "the first and the last learner were seen");

  // By the keys, too; the focus stays on its learner when the row scrolls out of sight.
  await page.locator(".board-frame").focus();
  await page.keyboard.press("Control+End");
  await page.waitForFunction((last) => document.activeElement?.closest("[aria-rowindex]")?.ariaRowIndex === last, String(LEARNERS + 1));
  const focused = await page.evaluate(() => document.activeElement.id);
  await page.locator(".board-frame").evaluate((frame) => (frame.scrollTop = 0));
  await filled(page);
  assert.equal(await page.evaluate(() => document.activeElement.id), focused);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("all steps are in sight in a window of 1280 pixels", async () => {
  const { page, context } = await openBoard(browser, preview, "owner");
  // A scroll bar may take fifteen of them.
  await page.setViewportSize({ width: 1280 - 15, height: 800 });
  const hidden = await page.locator(".board-frame").evaluate((frame) => frame.scrollWidth - frame.clientWidth);
  assert.equal(hidden, 0);
  await context.close();
});

/** Waits until the whole height of the frame is filled with rows that follow each other; gives their numbers. */
async function filled(page) {
  const found = await page.waitForFunction(() => {
    const frame = document.querySelector(".board-frame");
    const head = frame.querySelector(".board-head").getBoundingClientRect();
    const box = frame.getBoundingClientRect();
    const rows = [...frame.querySelectorAll(".board-body .board-row")]
      .map((row) => ({ number: Number(row.ariaRowIndex), box: row.getBoundingClientRect(), text: row.innerText }))
      .filter((row) => row.box.bottom > head.bottom && row.box.top < box.top + frame.clientHeight)
      .sort((one, other) => one.number - other.number);
    const follow = rows.every((row, at) => at === 0 || row.number === rows[at - 1].number + 1);
    const touch = rows.every((row, at) => at === 0 || Math.abs(row.box.top - rows[at - 1].box.bottom) < 1);
    const reach =
      rows.length > 0 &&
      rows[0].box.top <= head.bottom + 1 &&
      rows.at(-1).box.bottom >= box.top + frame.clientHeight - 1;
    return follow && touch && reach && rows.every((row) => row.text.trim() !== "") && rows.map((row) => row.number);
  });
  return found.jsonValue();
}
