"""How the report looks on a screen, light and dark. Kept as text: the report needs no file."""

STYLE = """
:root {
  --page: #ffffff; --ink: #1b2530; --soft: #566270; --line: #d9dfe5; --panel: #f5f7f9;
  --accent: #0b5f7d; --dot: #7c94a6; --pass: #1a7a48; --warn: #8a5800; --refuse: #b0241c;
  --note: #4a5a6a; --pass-panel: #eaf6ef; --warn-panel: #fff4dd; --refuse-panel: #fdebe9;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11161c; --ink: #e7ecf1; --soft: #a3afbb; --line: #303a45; --panel: #1a2129;
    --accent: #72c6e2; --dot: #6b8296; --pass: #66d29b; --warn: #f4bd55; --refuse: #ff938a;
    --note: #b0bcc8; --pass-panel: #14291f; --warn-panel: #2d2412; --refuse-panel: #381b19;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
}
main, footer { max-width: 62rem; margin: 0 auto; padding: 0 1.5rem; }
main { padding-top: 2rem; }
section { margin-top: 2.75rem; }
h1, h2 { line-height: 1.25; margin: 0; font-weight: 650; }
h1 { font-size: 1.5rem; }
h2 { font-size: 1.15rem; margin-bottom: .75rem; padding-bottom: .35rem;
  border-bottom: 1px solid var(--line); }
p { margin: 0 0 .75rem; max-width: 46rem; }
small { font-size: .875rem; color: var(--soft); }
.title { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; align-items: baseline;
  justify-content: space-between; }
.scan-name { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
.notice { max-width: none; margin: 1rem 0 1.5rem; padding: .6rem 1rem; font-weight: 600;
  background: var(--panel); border-left: .3rem solid var(--accent); }

.result { display: flex; flex-wrap: wrap; gap: 1.5rem 3rem; align-items: flex-start; }
.number p { margin: 0; }
.label { color: var(--soft); font-weight: 600; }
.age { font-size: 4.25rem; line-height: 1.1; font-weight: 700; color: var(--accent);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.age span { font-size: 1.5rem; font-weight: 500; }
.forced .age { color: var(--refuse); }
.interval { font-size: 1.15rem; }
.facts { flex: 1 1 22rem; margin: 0; }
.facts div { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: .35rem 0;
  border-bottom: 1px solid var(--line); }
.facts div:last-child { border-bottom: 0; }
.facts dt { flex: 0 0 10rem; color: var(--soft); }
.facts dd { flex: 1 1 12rem; margin: 0; font-weight: 600; font-variant-numeric: tabular-nums; }
.facts small { display: block; font-weight: 400; line-height: 1.35; }
.comparison-words { margin-top: 1rem; }

.icon { width: 1.35em; height: 1.35em; flex: none; vertical-align: -.3em; margin-right: .4em;
  fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; }
.verdict { margin: 1rem 0 0; padding: .6rem 1rem; border: 1px solid currentColor;
  border-radius: .4rem; max-width: none; }
.pass { color: var(--pass); } .warn { color: var(--warn); } .refuse { color: var(--refuse); }
.note { color: var(--note); }
.verdict.pass { background: var(--pass-panel); } .verdict.warn { background: var(--warn-panel); }
.severity { font-weight: 650; white-space: nowrap; }
.refusal { margin: 0 0 1.5rem; padding: 1.25rem 1.5rem; background: var(--refuse-panel);
  border: .2rem solid var(--refuse); border-radius: .4rem; }
.refusal-title { font-size: 1.6rem; line-height: 1.25; color: var(--refuse); max-width: none; }
.refusal h2 { border: 0; margin: 1rem 0 .25rem; padding: 0; font-size: 1rem; }
.refusal ul { margin: 0; padding-left: 1.25rem; }
.reasons { font-weight: 650; }

table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .4rem 1.5rem .4rem 0; font-weight: 400;
  border-bottom: 1px solid var(--line); }
td { overflow-wrap: anywhere; }
thead th, .origin-facts th { color: var(--soft); white-space: nowrap; }
.findings { width: 100%; } .findings td, .findings td code { overflow-wrap: normal; }
.figure-cell { min-width: 5.5rem; }
.scrolling { overflow-x: auto; }
code { font-size: .8rem; color: var(--soft); }
.tiles { display: grid; gap: .9rem 1.5rem; margin: 0 0 1.25rem;
  grid-template-columns: repeat(auto-fill, minmax(min(10.5rem, 100%), 1fr)); }
.tiles dt { font-size: .875rem; color: var(--soft); }
.tiles dd { margin: 0; font-weight: 600; font-variant-numeric: tabular-nums;
  overflow-wrap: anywhere; }

.figure { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: flex-start; }
.plot { flex: 1 1 26rem; min-width: 0; max-width: 44rem; height: auto; display: block; }
.plot text { font-size: 14px; fill: var(--soft); }
line { fill: none; }
.grid { stroke: var(--line); stroke-width: 1; }
.equality { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 6 4; }
.people { fill: none; stroke: var(--dot); stroke-width: 5; stroke-linecap: round; }
.interval { stroke-linecap: round; } line.interval { stroke: var(--accent); stroke-width: 3; }
.band { fill: var(--accent); fill-opacity: .22; }
.person { fill: var(--accent); stroke: var(--page); stroke-width: 1.5; }
.person-line { stroke: var(--accent); stroke-width: 3; }
.marks { flex: 0 1 13rem; list-style: none; margin: .5rem 0 0; padding: 0; font-size: .9rem;
  color: var(--soft); }
.marks li { display: flex; gap: .5rem; align-items: baseline; margin-bottom: .35rem; }
.marks svg { width: 28px; height: 16px; flex: none; position: relative; top: 3px; }
@media (min-width: 36rem) { .correction .tiles div:last-child { grid-column: span 2; } }

figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .8rem; color: var(--soft); text-align: center; }
img { display: block; width: 100%; height: auto; background: #000000; }
.sheet { display: grid; gap: .5rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); }
.sheet img { max-width: 220px; margin: 0 auto; }
.pairs { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.pair figcaption { display: contents; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: center;
  max-width: none; font-size: .9rem; }
.scale { width: 10rem; height: .9rem; flex: none; }
.reading ul { margin: 0; padding-left: 1.25rem; max-width: 46rem; }
.reading li { margin-bottom: .4rem; }
@media screen and (max-width: 36rem) {
  main, footer { padding-left: 1rem; padding-right: 1rem; }
  .plot text { font-size: 18px; }
  .tiles { grid-template-columns: repeat(auto-fill, minmax(8.5rem, 1fr)); }
  .sheet { grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); }
}
footer { margin-top: 3rem; padding-top: .75rem; padding-bottom: 2rem; font-size: .875rem;
  color: var(--soft); }
"""
