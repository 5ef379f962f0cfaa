//! The page's style: quiet, readable, light and dark, fit for print.

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b2430; --soft: #5b6776; --rule: #dde3ea; --panel: #f6f8fa;
  --c0: #2563eb; --c1: #0f9d76; --c2: #d97706; --c3: #c2255c; --good: #0b7a55; --bad: #b42318; --goodbg: #e6f5ef;
  --badbg: #fdecea; }
@media (prefers-color-scheme: dark) { :root { --paper: #12161c; --ink: #e6eaf0; --soft: #9aa6b5; --rule: #2c3540;
  --panel: #1a2028; --c0: #6ea1ff; --c1: #3ecf9f; --c2: #f0a94a; --c3: #f27aa5; --good: #4fd6a8; --bad: #ff8a80;
  --goodbg: #12312a; --badbg: #3a1b1b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, 'Segoe UI', 'PingFang SC', 'Noto Sans CJK SC', 'Microsoft YaHei', sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 6px; letter-spacing: -.01em; }
h2 { font-size: 18px; margin: 44px 0 10px; }
p { margin: 6px 0; } .soft { color: var(--soft); }
.verdict { display: flex; gap: 14px; align-items: center; border-radius: 10px; padding: 14px 18px; margin: 22px 0;
  font-weight: 600; font-size: 17px; }
.verdict.good { background: var(--goodbg); color: var(--good); } .verdict.bad { background: var(--badbg); color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); gap: 12px; margin: 18px 0; }
.tile { background: var(--panel); border-radius: 10px; padding: 12px 16px; }
.tile b { display: block; font-size: 23px; font-weight: 650; font-variant-numeric: tabular-nums; line-height: 1.3; }
.tile span { color: var(--soft); font-size: 13px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { text-align: right; padding: 6px 10px; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 550; } th:first-child, td:first-child { text-align: left; }
td.left, th.left { text-align: left; }
.ok { color: var(--good); font-weight: 600; } .fail { color: var(--bad); font-weight: 600; }
svg { width: 100%; height: auto; display: block; margin: 6px 0; }
.grid { stroke: var(--rule); stroke-width: 1; } .mark { stroke: var(--soft); stroke-width: 1; }
.tick, .name, .unit { fill: var(--soft); font-size: 12px; } .name { fill: var(--ink); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .area { stroke: none; opacity: .12; }
.line.c0 { stroke: var(--c0); } .line.c1 { stroke: var(--c1); } .line.c2 { stroke: var(--c2); } .line.c3 { stroke: var(--c3); }
.area.c0 { fill: var(--c0); } .area.c1 { fill: var(--c1); } .area.c2 { fill: var(--c2); } .area.c3 { fill: var(--c3); }
details { margin: 4px 0 10px; } summary { cursor: pointer; color: var(--soft); font-size: 13px; }
details div { max-height: 420px; overflow: auto; }
pre { background: var(--panel); border-radius: 8px; padding: 10px 12px; overflow-x: auto; font-size: 12.5px; margin: 6px 0 14px; }
.bar { display: inline-block; height: 9px; border-radius: 2px; background: var(--c0); vertical-align: middle; min-width: 1px; }
.bar.refused { background: var(--c2); } .bar.failed { background: var(--c3); }
@media print { main { padding: 0; } details div { max-height: none; } }
";
