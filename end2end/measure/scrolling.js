// What it costs to scroll a board: one line of JSON for each measurement, as crates/bench/src/measurement.rs reads it.
//
// A frame's work is what the browser's main thread does for it: from the scroll event, over the rows that come and go, to
// the end of style, layout and painting. Each round scrolls through many frames, as fast as a hand does, while five hundred
// things a second happen in the class; its value is the 95th percentile, in milliseconds.
import { parseArgs } from "node:util";

import { launchBrowser } from "../support/browser.js";
import { openBoard, startPreview } from "../support/preview.js";

/** A frame of 60 in a second, milliseconds. */
const FRAME = 1000 / 60;
const FRAMES = 240;
/** Pixels from frame to frame: some 100 rows a second. */
const SCROLLED = 90;
const BOARDS = [
  { scene: "owner", learners: 30 },
  { scene: "large", learners: 10_000 },
];

const { values: options } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const preview = await startPreview();
const browser = await launchBrowser();
try {
  for (const { scene, learners } of BOARDS) {
    const { page, context } = await openBoard(browser, preview, scene);
    const values = [];
    for (let round = 0; round < Number(options.rounds); round++) {
      values.push(percentile(await page.evaluate(scroll, { frames: FRAMES, scrolled: SCROLLED }), 0.95));
    }
    const how = `${learners.toLocaleString("en")} learners`;
    print({ subject: "frames", how, target: "headwater", values });
    print({ subject: "frames", how, target: "limit", values: [FRAME] });
    await context.close();
  }
} finally {
  await browser.close();
  await preview.stop();
}

/** In the browser: scrolls down and up again, and gives the work of each frame in milliseconds. */
async function scroll({ frames, scrolled }) {
  const frame = document.querySelector(".board-frame");
  const works = [];
  let began;
  const noteBeginning = () => (began ??= performance.now());
  // The first listener of all, so that the page's own is in the measured time.
  frame.addEventListener("scroll", noteBeginning, { capture: true });
  const channel = new MessageChannel();
  let direction = 1;
  for (let number = 0; number < frames; number++) {
    await new Promise((done) => {
      requestAnimationFrame(() => {
        // What is posted now arrives when the frame is painted.
        channel.port1.onmessage = () => {
          if (began !== undefined) works.push(performance.now() - began);
          began = undefined;
          const end = frame.scrollHeight - frame.clientHeight;
          if (frame.scrollTop + direction * scrolled > end) direction = -1;
          if (frame.scrollTop + direction * scrolled < 0) direction = 1;
          frame.scrollTop += direction * scrolled;
          done();
        };
        channel.port2.postMessage(undefined);
      });
    });
  }
  frame.removeEventListener("scroll", noteBeginning, { capture: true });
  if (works.length < frames / 2) throw new Error(`the board was scrolled in ${works.length} of ${frames} frames only`);
  return works;
}

function percentile(values, part) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
}

function print(measurement) {
  console.log(JSON.stringify(measurement));
}
