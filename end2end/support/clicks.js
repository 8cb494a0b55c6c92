// Rows of clicks made here, and what the pipeline has to count of them: reckoned independently of the product.

const TITLES = ["Main_Page", "Paris", "Paris,_Texas", "Montréal", "Zürich", "São_Paulo", "C++", "\"Heroes\"", "東京", "O'Hare"];
const SOURCES = ["other-search", "other-empty", "other-external", "Main_Page"];

/** `count` rows with known sums. */
export function makeClicks(count) {
  const rows = [];
  for (let index = 0; index < count; index += 1) {
    const source = SOURCES[index % SOURCES.length];
    const title = TITLES[(index * index + 3 * index) % TITLES.length];
    rows.push({ prev: source, curr: title, type: source.startsWith("other-") ? "external" : "link", n: (index % 5) + 1 });
  }
  return rows;
}

/** The rows as a file. */
export function asTsv(rows) {
  return rows.map(({ prev, curr, type, n }) => `${prev}\t${curr}\t${type}\t${n}\n`).join("");
}

/** Reads such a file again. */
export function fromTsv(text) {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [prev, curr, type, n] = line.split("\t");
      return { prev, curr, type, n: Number(n) };
    });
}

/** Sum of `n`: what the windows' views add up to. */
export function totalClicks(rows) {
  return rows.reduce((sum, row) => sum + row.n, 0);
}

/** Different pages clicked on. */
export function distinctPages(rows) {
  return new Set(rows.map((row) => row.curr)).size;
}
