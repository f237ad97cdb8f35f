"""How the index of a batch looks and sorts; kept as text so that the page needs no other file."""

STYLE = """
:root {
  --page: #ffffff; --ink: #1b2530; --soft: #566270; --line: #d9dfe5; --panel: #f5f7f9;
  --accent: #0b5f7d; --pass: #1a7a48; --warn: #8a5800; --refuse: #b0241c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11161c; --ink: #e7ecf1; --soft: #a3afbb; --line: #303a45; --panel: #1a2129;
    --accent: #72c6e2; --pass: #66d29b; --warn: #f4bd55; --refuse: #ff938a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 2rem 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; border-bottom: 1px solid var(--line); padding-bottom: .35rem; }
section { margin-top: 2rem; }
.notice { padding: .6rem 1rem; font-weight: 600; background: var(--panel);
  border-left: .3rem solid var(--accent); }
.histogram { width: 100%; max-width: 44rem; font-size: 13px; }
.histogram text { fill: var(--soft); }
.bar { fill: var(--accent); } .grid { stroke: var(--line); }
.zero { stroke: var(--ink); stroke-dasharray: 4 3; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: left; border-bottom: 1px solid var(--line);
  font-weight: 400; }
.counts td, .number { text-align: right; }
.scans { width: 100%; font-size: .9rem; }
.scans button { all: unset; cursor: pointer; font-weight: 600; white-space: nowrap; }
.scans button:focus-visible { outline: 2px solid var(--accent); }
[aria-sort=ascending] button::after { content: " \\25B2"; }
[aria-sort=descending] button::after { content: " \\25BC"; }
.scans img { display: block; max-width: 3.5rem; max-height: 3.5rem; background: #000000; }
.scans td:nth-child(2), .scans .interval { white-space: nowrap; }
.why { overflow-wrap: anywhere; min-width: 12rem; max-width: 24rem; }
.scrolling { overflow-x: auto; }
.pass { color: var(--pass); } .warn { color: var(--warn); } .refuse { color: var(--refuse); }
a { color: var(--accent); }
@media screen and (max-width: 36rem) {
  main { padding: 1rem; }
  .histogram { font-size: 22px; }
}
@page { size: A4; margin: 12mm; }
@media print {
  html { font-size: 8pt; }
  main { max-width: none; padding: 0; }
  section { margin-top: 1rem; }
  .histogram { max-width: 24rem; font-size: 20px; }
  .scrolling { overflow: visible; }
  .scans { font-size: .8rem; }
  .scans th, .scans td { padding: .1rem .35rem; }
  .scans img { max-width: 2rem; max-height: 2rem; }
  .scans button { white-space: normal; }
  .scans button::after { content: none; }
  .why { min-width: 0; }
  .on-screen { display: none; }
  tr { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""

# Sorts the rows by the column whose heading is pressed, again for the other way; empty cells last.
SORT_SCRIPT = """
document.querySelectorAll(".scans th").forEach((head) => head.addEventListener("click", () => {
  const column = head.cellIndex;
  const up = head.getAttribute("aria-sort") !== "ascending";
  const body = head.closest("table").tBodies[0];
  const key = (row) => {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent;
  };
  const isEmpty = (row) => key(row) === "";
  const compare = (a, b) => {
    if (isEmpty(a) || isEmpty(b)) return isEmpty(a) - isEmpty(b);
    const [x, y] = [key(a), key(b)];
    const order = typeof x === "number" ? x - y : x.localeCompare(y, undefined, {numeric: true});
    return up ? order : -order;
  };
  [...body.rows].sort(compare).forEach((row) => body.append(row));
  head.parentNode.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
}));
"""
