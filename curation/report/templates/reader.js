// The reader: everything that comes from data is put on the page as text, never as markup.
"use strict";
(() => {
  const root = document.getElementById("reader-all");
  if (!root) return;
  root.hidden = false;
  const data = JSON.parse(document.getElementById("data").textContent);
  const SIGNS = { type: "≠", border: "↔", both: "≠↔", missed: "−", spurious: "+", attributes: "~" };
  const WORDS = {
    same: "the same", attributes: "other attributes", type: "another type", border: "another border",
    both: "another type and border", missed: "only the first", spurious: "only the second",
  };
  const ROWS = 100, LANES = 14, LANE = 3.5;
  const WIDE = matchMedia("(min-width: 56rem)");
  const state = { query: "", type: "", who: "", only: "", sort: "weight", rows: ROWS, at: -1, one: -1, two: -1,
    arcs: WIDE.matches ? "one" : "none", event: -1, onlyDiffer: false, hidden: new Set() };
  const by = (id) => document.getElementById(id);
  const list = by("reader-list"), pane = by("reader-pane"), count = by("reader-count");

  function el(tag, css, text) {
    const made = document.createElement(tag);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  function svg(tag, attributes) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const name in attributes) made.setAttribute(name, attributes[name]);
    return made;
  }
  const named = (who) => {
    const key = data.who[who];
    return key.replace(/^person:/, "").replace(/^engine:/, "engine ");
  };
  const label = (place) => data.labels[place];
  const letters = (article) => (article.letters ??= Array.from(article.text));
  const words = (article, item) => letters(article).slice(item[0], Math.min(item[1], item[0] + 120)).join("").replace(/\s+/g, " ");
  const many = (n, what) => `${n.toLocaleString("en")} ${what}${n === 1 ? "" : "s"}`;

  // Which articles

  function matches(article) {
    if (state.only === "differ" && !article.differ) return false;
    if (state.only === "findings" && !article.findings.length) return false;
    if (state.only === "several" && people(article).length < 2) return false;
    if (state.who !== "" && !article.annotations.some((one) => one.who === +state.who)) return false;
    if (state.type !== "") {
      const from = state.who === "" ? article.annotations : article.annotations.filter((one) => one.who === +state.who);
      if (!from.some((one) => one.items.some((item) => item[2] === +state.type))) return false;
    }
    if (!state.query) return true;
    article.low ??= `${article.id}\n${article.title}\n${article.text}`.toLowerCase();
    return article.low.includes(state.query);
  }
  const people = (article) => article.annotations.filter((one) => data.who[one.who].startsWith("person:"));
  const ORDERS = {
    weight: () => 0, // the order of the data
    id: (a, b) => (a.id < b.id ? -1 : 1),
  };

  function found() {
    return data.articles.filter(matches).sort(ORDERS[state.sort]);
  }

  function drawList() {
    const all = found();
    count.textContent = `${all.length.toLocaleString("en")} of ${many(data.articles.length, "article")}`;
    list.replaceChildren();
    for (const article of all.slice(0, state.rows)) {
      const row = el("button", "row");
      row.type = "button";
      row.append(el("bdi", "name", article.title || article.id));
      const facts = el("span", "soft", [article.stage, people(article).length ? many(people(article).length, "annotator") : ""].filter(Boolean).join(", "));
      if (article.differ) facts.append(el("span", "badge differ", many(article.differ, "difference")));
      if (article.findings.length) facts.append(el("span", "badge findings", many(article.findings.length, "finding")));
      row.append(facts);
      if (data.articles[state.at] === article) row.setAttribute("aria-current", "true");
      row.addEventListener("click", () => { show(data.articles.indexOf(article)); if (!WIDE.matches) pane.scrollIntoView(); });
      list.append(row);
    }
    if (!all.length) list.append(el("p", "soft", "No article is like that."));
    if (all.length > state.rows) {
      const more = el("button", "more", `${(all.length - state.rows).toLocaleString("en")} more`);
      more.type = "button";
      more.addEventListener("click", () => { state.rows += 5 * ROWS; drawList(); });
      list.append(more);
    }
  }

  // Two annotations, item by item: the rules of curation/metrics/matching.py

  function match(one, two) {
    const pairs = [], left = new Map(one.entries()), right = new Map(two.entries());
    const attributes = (item) => JSON.stringify(Object.entries(item[3]).sort());
    const keys = [
      ["same", (item) => `${item[0]} ${item[1]} ${item[2]} ${attributes(item)}`],
      ["same", (item) => `${item[0]} ${item[1]} ${item[2]}`],
      ["type", (item) => `${item[0]} ${item[1]}`],
    ];
    for (const [kind, key] of keys) {
      const waiting = new Map();
      for (const [place, item] of right) {
        if (!waiting.has(key(item))) waiting.set(key(item), []);
        waiting.get(key(item)).push(place);
      }
      for (const [place, item] of [...left]) {
        const candidates = waiting.get(key(item));
        if (!candidates || !candidates.length) continue;
        const other = right.get(candidates[0]);
        right.delete(candidates.shift());
        left.delete(place);
        pairs.push([kind === "same" && attributes(item) !== attributes(other) ? "attributes" : kind, item, other]);
      }
    }
    const overlaps = [];
    for (const [i, a] of left) {
      for (const [j, b] of right) {
        const shared = Math.min(a[1], b[1]) - Math.max(a[0], b[0]);
        if (shared > 0) overlaps.push([+(a[2] !== b[2]), -shared, a[0], b[0], i, j]);
      }
    }
    overlaps.sort((a, b) => a.reduce((so, value, place) => so || value - b[place], 0));
    for (const [other, , , , i, j] of overlaps) {
      if (!left.has(i) || !right.has(j)) continue;
      pairs.push([other ? "both" : "border", left.get(i), right.get(j)]);
      left.delete(i);
      right.delete(j);
    }
    for (const item of left.values()) pairs.push(["missed", item, null]);
    for (const item of right.values()) pairs.push(["spurious", null, item]);
    return pairs;
  }
  const isEvent = (item) => item.length > 4;
  function links(said) {
    const made = [];
    for (const event of said.items.filter(isEvent)) {
      for (const [role, filler] of event[4]) made.push({ event, role, filler: said.items[filler] });
    }
    return made;
  }
  function matchLinks(one, two) {
    const key = (link) => [link.event, link.filler].map((item) => item.slice(0, 3).join(" ")).join(" ") + ` ${link.role}`;
    const left = links(one), right = links(two), waiting = new Map(), rows = [];
    for (const link of right) waiting.set(key(link), (waiting.get(key(link)) || 0) + 1);
    for (const link of left) {
      const there = waiting.get(key(link)) || 0;
      if (there) waiting.set(key(link), there - 1);
      rows.push([there ? "same" : "missed", link]);
    }
    for (const link of right) {
      const there = waiting.get(key(link)) || 0;
      if (there) { waiting.set(key(link), there - 1); rows.push(["spurious", link]); }
    }
    return rows.sort((a, b) => a[1].event[0] - b[1].event[0]);
  }
  function differences(one, two) {
    const kinds = new Map();
    const pairs = [...match(one.items.filter((item) => !isEvent(item)), two.items.filter((item) => !isEvent(item))),
      ...match(one.items.filter(isEvent), two.items.filter(isEvent))];
    for (const [kind, a, b] of pairs) { if (a) kinds.set(a, kind); if (b) kinds.set(b, kind); }
    return { pairs, kinds, rows: matchLinks(one, two) };
  }

  // A text with its marks: nested, and where two cross, the later is closed and opened again

  function marked(article, items, start, end, kinds) {
    const into = document.createDocumentFragment(), text = letters(article);
    const marks = items.filter((item) => item[0] < end && item[1] > start && !state.hidden.has(item[2]));
    const waiting = [...marks];
    waiting.sort((a, b) => Math.max(a[0], start) - Math.max(b[0], start) || b[1] - a[1] || isEvent(a) - isEvent(b));
    const borders = [...new Set([start, end, ...marks.flatMap((item) => [Math.max(item[0], start), Math.min(item[1], end)])])].sort((a, b) => a - b);
    const open = []; // {item, node}
    const inside = () => (open.length ? open[open.length - 1].node : into);
    const begin = (item, again) => {
      const node = span(article, item, kinds, again);
      inside().append(node);
      open.push({ item, node });
    };
    for (const [place, border] of borders.entries()) {
      const again = [];
      while (open.some((one) => Math.min(one.item[1], end) === border)) {
        const closing = open.pop();
        if (Math.min(closing.item[1], end) !== border) { again.unshift(closing.item); closing.node.classList.add("pause"); }
      }
      for (const item of again) begin(item, true);
      while (waiting.length && Math.max(waiting[0][0], start) === border) begin(waiting.shift(), false);
      if (place + 1 < borders.length) inside().append(text.slice(border, borders[place + 1]).join(""));
    }
    return into;
  }
  function span(article, item, kinds, again) {
    const kind = kinds ? kinds.get(item) : "same";
    const node = el("span", `mark ${isEvent(item) ? "event" : "entity"}`);
    if (kinds && kind !== "same") node.classList.add("wrong", kind === "missed" || kind === "spurious" ? "alone" : "other");
    node.style.setProperty("--c", data.colours[item[2]] || "#888888");
    node.dataset.label = label(item[2]) + (kinds && kind !== "same" ? ` ${SIGNS[kind]}` : "");
    const attributes = Object.entries(item[3]).map(([name, value]) => `${name} ${value}`);
    node.title = [label(item[2]), ...attributes, ...(kinds && kind !== "same" ? [WORDS[kind]] : [])].join(", ");
    if (!again) (item.nodes ??= []).push(node);
    if (isEvent(item) && !kinds) {
      node.tabIndex = 0;
      node.setAttribute("role", "button");
      node.setAttribute("aria-label", `${words(article, item)}, ${label(item[2])}: show its arguments`);
      const pick = (event) => { event.stopPropagation(); pickEvent(item); };
      node.addEventListener("click", pick);
      node.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); pick(event); } });
    }
    return node;
  }
  function paragraphs(article) {
    const lines = [];
    let start = 0;
    for (const line of article.text.split("\n")) {
      const end = start + Array.from(line).length;
      if (line.trim()) lines.push([start, end]);
      start = end + 1;
    }
    return lines;
  }

  // One annotation with arcs

  let current = null; // {article, said, box}
  function pickEvent(item) {
    state.event = current.said.items.indexOf(item);
    if (state.arcs === "none") { state.arcs = "one"; by("reader-arcs").value = "one"; }
    drawArcs();
  }
  function drawSingle(article, said) {
    const box = el("div", "text");
    for (const item of said.items) item.nodes = [];
    for (const [start, end] of paragraphs(article)) {
      const line = el("p");
      line.dir = "auto";
      line.append(marked(article, said.items, start, end, null));
      box.append(line);
    }
    if (!said.items.length) box.prepend(el("p", "soft", "Nothing is marked."));
    return box;
  }
  function drawArcs() {
    if (!current) return;
    const { said, box } = current;
    box.querySelectorAll("svg, .lifted").forEach((old) => (old.tagName === "svg" ? old.remove() : old.classList.remove("lifted")));
    const events = said.items.filter((item, place) => isEvent(item) && item.nodes.length && (state.arcs === "all" || place === state.event));
    box.querySelectorAll("p.tall").forEach((line) => { line.classList.remove("tall"); line.style.lineHeight = ""; });
    box.classList.toggle("arcs", state.arcs !== "none");
    box.classList.toggle("many", state.arcs === "all");
    if (state.arcs === "none") return;
    const paragraph = (item) => item.nodes[0].closest("p");
    const filled = (event) => event[4].filter(([, filler]) => said.items[filler].nodes.length);
    // How many lanes lie above each line is known before the lines are moved apart to make room for them.
    const room = new Map();
    for (const line of place(events)) for (const [p, lanes] of line.lanes) room.set(p, Math.max(room.get(p) || 0, lanes));
    for (const [p, lanes] of room) {
      p.classList.add("tall");
      p.style.lineHeight = `${44 + LANE * lanes}px`;
    }
    const drawn = svg("svg", { width: box.clientWidth, height: box.scrollHeight, "aria-hidden": "true" });
    const tags = [], told = new Set();
    for (const arc of place(events)) {
      const line = svg("path", { d: arc.path, class: "arc" });
      line.style.stroke = arc.colour;
      const tip = svg("path", { d: `M${arc.end - 3.5} ${arc.top - 5}h7l-3.5 5z` });
      tip.style.fill = arc.colour;
      drawn.append(line, tip);
      const name = `${arc.role} ${said.items.indexOf(arc.filler)}`, wide = 6 + 5.6 * arc.role.length;
      if (told.has(name)) continue;
      told.add(name);
      let at = Math.min(arc.end + 5, box.clientWidth - wide);
      for (const tag of tags) if (Math.abs(tag.top - arc.top) < 10 && tag.at < at + wide && at < tag.at + tag.wide) at = tag.at + tag.wide + 3;
      if (at + wide > box.clientWidth) continue;
      tags.push({ at, wide, top: arc.top });
      const text = svg("text", { x: at, y: arc.top - 4, class: "role" });
      text.textContent = arc.role;
      drawn.append(text);
    }
    if (state.arcs === "one") {
      for (const event of events) for (const item of [event, ...filled(event).map(([, filler]) => said.items[filler])]) item.nodes[0].classList.add("lifted");
    }
    box.append(drawn);

    // Every arc runs above the lines of text: from the trigger up, along a lane of its own, and down on the filler.
    // Between two lines it takes the margin.
    function place(shown) {
      const base = box.getBoundingClientRect(), arcs = [], lines = [];
      const rect = (item) => { const found = item.nodes[0].getClientRects()[0]; return { left: found.left - base.left, top: found.top - base.top, width: found.width }; };
      for (const event of shown) {
        const roles = filled(event);
        roles.forEach(([role, filler], nth) => {
          const from = rect(event), to = rect(said.items[filler]);
          arcs.push({ colour: data.colours[event[2]] || "#888888", role: label(role), event, filler: said.items[filler], from: from.top, top: to.top,
            x: from.left + (from.width * (nth + 1)) / (roles.length + 1), end: to.left + Math.min(to.width / 2, 14), lanes: [] });
        });
      }
      arcs.sort((a, b) => Math.abs(a.end - a.x) - Math.abs(b.end - b.x));
      const take = (arc, item, top, low, high) => {
        let line = lines.find((one) => Math.abs(one.top - top) < 8);
        if (!line) lines.push((line = { top, taken: [] }));
        let lane = 0;
        while (line.taken.some((one) => one.lane === lane && one.low < high + 3 && low < one.high + 3)) lane += 1;
        line.taken.push({ lane, low, high });
        lane = Math.min(lane, LANES);
        arc.lanes.push([paragraph(item), lane]);
        return line.top - 16 - LANE * lane;
      };
      let gutter = 0;
      for (const arc of arcs) {
        if (Math.abs(arc.from - arc.top) < 8) {
          const y = take(arc, arc.event, arc.from, Math.min(arc.x, arc.end), Math.max(arc.x, arc.end));
          arc.path = `M${arc.x} ${arc.from}V${y}H${arc.end}V${arc.top - 2}`;
        } else {
          const side = 20 - 3 * (gutter++ % 6);
          const y = take(arc, arc.event, arc.from, side, arc.x), there = take(arc, arc.filler, arc.top, side, arc.end);
          arc.path = `M${arc.x} ${arc.from}V${y}H${side}V${there}H${arc.end}V${arc.top - 2}`;
        }
      }
      return arcs;
    }
  }
  function eventList(article, said) {
    const box = el("div", "events");
    for (const [place, event] of said.items.entries()) {
      if (!isEvent(event) || state.hidden.has(event[2])) continue;
      const card = el("section", "event-card");
      card.style.setProperty("--c", data.colours[event[2]] || "#888888");
      const head = el("button", "trigger");
      head.type = "button";
      head.append(el("b", "", label(event[2])), " ", el("bdi", "", `“${words(article, event)}”`));
      for (const value of Object.values(event[3])) head.append(" ", el("span", "soft", value));
      head.addEventListener("click", () => { state.event = place; pickEvent(event); event.nodes[0]?.scrollIntoView({ block: "center" }); });
      card.append(head);
      if (event[4].length) {
        const roles = el("dl");
        for (const [role, filler] of event[4]) {
          roles.append(el("dt", "", label(role)), el("dd"));
          roles.lastChild.append(el("bdi", "", words(article, said.items[filler])), " ", el("span", "soft", label(said.items[filler][2])));
        }
        card.append(roles);
      } else card.append(el("p", "soft", "no arguments"));
      box.append(card);
    }
    return box;
  }

  // Two annotations side by side

  function drawPair(article, one, two) {
    const box = el("div", "pairs"), found = differences(one, two);
    const total = {};
    for (const [kind] of found.pairs) total[kind] = (total[kind] || 0) + 1;
    const names = { ...WORDS, missed: `only ${named(one.who)}`, spurious: `only ${named(two.who)}` };
    const kinds = Object.keys(names).filter((kind) => total[kind]).map((kind) => `${total[kind]} ${names[kind]}`);
    const rows = { same: 0, missed: 0, spurious: 0 };
    for (const [kind] of found.rows) rows[kind] += 1;
    const told = el("p", "verdict");
    told.id = "reader-verdict";
    told.textContent = `Entities and events: ${kinds.join(", ") || "none"}. Arguments: ` +
      (Object.keys(rows).filter((kind) => rows[kind]).map((kind) => `${rows[kind]} ${names[kind]}`).join(", ") || "none") + ".";
    box.append(told);
    for (const [start, end] of paragraphs(article)) {
      const here = found.pairs.filter(([, a, b]) => [a, b].some((item) => item && item[0] < end && item[1] > start));
      const differ = here.some(([kind]) => kind !== "same");
      if (!differ && state.onlyDiffer) continue;
      const row = el("div", differ ? "pair both" : "pair");
      for (const said of differ ? [one, two] : [one]) {
        const line = el("p");
        line.dir = "auto";
        if (differ) line.dataset.side = named(said.who);
        line.append(marked(article, said.items, start, end, found.kinds));
        row.append(line);
      }
      box.append(row);
    }
    const differing = state.onlyDiffer ? found.rows.filter(([kind]) => kind !== "same") : found.rows;
    if (differing.length) {
      const wrap = el("div", "wide"), table = el("table", "links"), body = el("tbody"), head = el("tr");
      for (const name of ["event", "role", "filler", "said by"]) { const cell = el("th", "", name); cell.scope = "col"; head.append(cell); }
      table.append(el("caption", "", "Arguments"), el("thead"), body);
      table.tHead.append(head);
      for (const [kind, link] of differing) {
        const row = el("tr", kind === "same" ? "" : "wrong");
        const event = el("td"), filler = el("td");
        event.append(el("bdi", "", words(article, link.event)), " ", el("span", "soft", label(link.event[2])));
        filler.append(el("bdi", "", words(article, link.filler)), " ", el("span", "soft", label(link.filler[2])));
        const who = kind === "same" ? "both" : `${SIGNS[kind]} only ${named(kind === "missed" ? one.who : two.who)}`;
        row.append(event, el("td", "", label(link.role)), filler, el("td", "", who));
        body.append(row);
      }
      wrap.append(table);
      box.append(wrap);
    }
    return box;
  }

  // The article that is shown

  function choose(name, value, choices, change) {
    const wrap = el("label", "", `${name} `), select = el("select");
    for (const [key, text] of choices) {
      const option = el("option", "", text);
      option.value = key;
      option.selected = String(key) === String(value);
      select.append(option);
    }
    select.addEventListener("change", () => change(select.value));
    wrap.append(select);
    return wrap;
  }
  function show(at, start) {
    state.at = at;
    const article = data.articles[at];
    const mine = state.who === "" ? -1 : article.annotations.findIndex((one) => one.who === +state.who);
    const human = article.annotations.findIndex((one) => data.who[one.who].startsWith("person:"));
    state.one = mine >= 0 ? mine : Math.max(human, 0);
    state.two = -1;
    if (state.only === "differ") state.two = article.annotations.findIndex((one, place) => place !== state.one && data.who[one.who].startsWith("person:"));
    state.event = -1;
    draw();
    drawList();
    if (start !== undefined) {
      const item = current && current.said.items.find((one) => one[0] === start && one.nodes.length);
      (item ? item.nodes[0] : pane).scrollIntoView({ block: "center" });
      if (item) item.nodes[0].classList.add("lifted");
    }
  }
  function draw() {
    const article = data.articles[state.at];
    current = null;
    pane.replaceChildren();
    const head = el("h3");
    head.append(el("bdi", "", article.title || article.id));
    pane.append(head);
    const about = el("p", "soft");
    for (const part of [article.id, article.about, article.stage].filter(Boolean)) {
      if (about.childNodes.length) about.append(" · ");
      about.append(el("bdi", "", part));
    }
    pane.append(about);
    const said = article.annotations.map((one, place) => [place, `${named(one.who)} (${one.state})`]);
    const bar = el("div", "bar");
    const order = found(), here = order.indexOf(article);
    for (const [name, step] of [["‹ previous", -1], ["next ›", 1]]) {
      const go = el("button", "", name);
      go.type = "button";
      go.disabled = !order[here + step];
      go.addEventListener("click", () => show(data.articles.indexOf(order[here + step])));
      bar.append(go);
    }
    if (said.length) {
      const one = choose("annotation", state.one, said, (value) => { state.one = +value; state.event = -1; draw(); });
      one.querySelector("select").id = "reader-one";
      bar.append(one);
      if (said.length > 1) {
        const two = choose("beside", state.two, [[-1, "nothing"], ...said.filter(([place]) => place !== state.one)], (value) => { state.two = +value; draw(); });
        two.querySelector("select").id = "reader-two";
        bar.append(two);
      }
    }
    if (state.two === state.one) state.two = -1;
    const first = article.annotations[state.one], second = article.annotations[state.two];
    if (first && second) {
      const wrap = el("label", "check"), box = el("input");
      box.type = "checkbox";
      box.id = "reader-only-differ";
      box.checked = state.onlyDiffer;
      box.addEventListener("change", () => { state.onlyDiffer = box.checked; draw(); });
      wrap.append(box, " only where they differ");
      bar.append(wrap);
    } else if (first && first.items.some(isEvent)) {
      const arcs = choose("arrows", state.arcs, [["one", "of one event"], ["all", "of all events"], ["none", "none"]], (value) => { state.arcs = value; drawArcs(); });
      arcs.querySelector("select").id = "reader-arcs";
      bar.append(arcs);
    }
    pane.append(bar);
    if (article.findings.length) {
      const findings = el("details", "findings");
      findings.append(el("summary", "", many(article.findings.length, "finding") + " of the checks"), el("ul"));
      for (const [start, end, kind, message] of article.findings) {
        const row = el("li");
        row.append(el("b", "", kind), " ", el("bdi", "", `“${words(article, [start, end])}”`), `: ${message}`);
        findings.lastChild.append(row);
      }
      pane.append(findings);
    }
    if (!first) {
      const box = el("div", "text");
      for (const [start, end] of paragraphs(article)) { const line = el("p", "", letters(article).slice(start, end).join("")); line.dir = "auto"; box.append(line); }
      pane.append(el("p", "soft", "Nobody has annotated this article."), box);
    } else {
      pane.append(types(article, [first, second].filter(Boolean)));
      if (second) pane.append(drawPair(article, first, second));
      else {
        const box = drawSingle(article, first);
        pane.append(box);
        current = { article, said: first, box };
        if (state.event < 0) state.event = first.items.findIndex((item) => isEvent(item) && item[4].length && !state.hidden.has(item[2]));
        pane.append(eventList(article, first));
        drawArcs();
      }
    }
    if (article.cut) pane.append(el("p", "soft", "The text goes on; the rest is not on this page."));
  }
  function types(article, said) {
    const box = el("div", "types"), counts = new Map();
    for (const one of said) for (const item of one.items) counts.set(item[2], (counts.get(item[2]) || 0) + 1);
    const order = [...counts.keys()].sort((a, b) => data.events[a] - data.events[b] || (label(a) < label(b) ? -1 : 1));
    for (const type of order) {
      const chip = el("button", `chip ${data.events[type] ? "event" : "entity"}`);
      chip.type = "button";
      chip.style.setProperty("--c", data.colours[type] || "#888888");
      chip.setAttribute("aria-pressed", String(!state.hidden.has(type)));
      chip.append(el("bdi", "", label(type)), el("span", "soft", ` ${counts.get(type)}`));
      chip.addEventListener("click", () => {
        if (!state.hidden.delete(type)) state.hidden.add(type);
        draw();
        pane.querySelectorAll(".chip")[order.indexOf(type)].focus();
      });
      box.append(chip);
    }
    return box;
  }

  // Filters

  function fill(id, choices) {
    for (const [value, text] of choices) {
      const option = el("option", "", text);
      option.value = value;
      by(id).append(option);
    }
  }
  const used = new Set(data.articles.flatMap((article) => article.annotations.flatMap((one) => one.items.map((item) => item[2]))));
  fill("reader-type", [...used].sort((a, b) => data.events[a] - data.events[b] || (label(a) < label(b) ? -1 : 1)).map((type) => [type, label(type)]));
  fill("reader-who", data.who.map((_, who) => [who, named(who)]));
  for (const [id, field] of [["reader-type", "type"], ["reader-who", "who"], ["reader-only", "only"], ["reader-sort", "sort"]]) {
    by(id).addEventListener("change", () => { state[field] = by(id).value; again(); });
  }
  let waiting;
  by("reader-query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { state.query = by("reader-query").value.trim().toLowerCase(); again(); }, 120);
  });
  function again() {
    state.rows = ROWS;
    const all = found();
    if (all.length && !all.includes(data.articles[state.at])) show(data.articles.indexOf(all[0]));
    else if (all.length) show(state.at);
    else drawList();
  }
  document.querySelectorAll("button.open").forEach((button) => button.addEventListener("click", () => show(+button.dataset.article, +button.dataset.start)));
  let resized;
  addEventListener("resize", () => { clearTimeout(resized); resized = setTimeout(drawArcs, 100); });
  document.fonts?.ready.then(drawArcs);
  if (data.articles.length) {
    const first = found()[0];
    state.at = data.articles.indexOf(first);
    show(state.at);
  } else drawList();
})();
