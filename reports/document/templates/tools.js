/* Search, and the graph from claims to proofs. */
addEventListener("DOMContentLoaded", () => {
  const place = (name) => document.getElementById(name), main = document.querySelector("main");

  /* Go to a place of the page, whatever hides it: a dialog, the filter, or a fold. */
  function go(name) {
    const target = place(name);
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    if (!target.checkVisibility()) {
      const all = place("verdict:all");
      if (all) { all.checked = true; all.dispatchEvent(new Event("change", { bubbles: true })); }
      for (let fold = target; (fold = fold.parentElement.closest("details")); ) fold.open = true;
    }
    location.hash = "#" + encodeURI(name);
    target.scrollIntoView();
    if (!target.matches("a, [tabindex]")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }

  /* A dialog with a button that closes it; a click beside it does, too. */
  function closing(dialog) {
    dialog.querySelector("button").addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  }

  const GREEK = { alpha: "α", beta: "β", delta: "δ", epsilon: "ε", eta: "η", kappa: "κ", lambda: "λ", mu: "μ", nu: "ν", omega: "ω", phi: "φ", psi: "ψ",
    rho: "ρ", sigma: "σ", tau: "τ" };
  const HEADS = "h2, h3, h4, h5", STATEMENTS = ".theorem, .lemma, .proposition, .corollary, .definition, .assumption";

  /* The words of a part of the page on one line: formulas with plain letters and without their TeX. */
  function words(part) {
    const walk = document.createTreeWalker(part, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT,
      (node) => node.localName === "annotation" ? NodeFilter.FILTER_REJECT : node.nodeType === 3 ? NodeFilter.FILTER_ACCEPT : NodeFilter.FILTER_SKIP);
    const said = [];
    while (walk.nextNode()) said.push(walk.currentNode.data, walk.currentNode.parentElement.matches("td, th, p, strong") ? " " : "");
    return said.join("").normalize("NFKC").replace(/\s+/g, " ").trim();
  }

  /* What can be searched for: {kind, name of the place, title, text}. */
  function index() {
    const all = [], add = (kind, name, title, text) => all.push({ kind, name, title, text, low: [title.toLowerCase(), text.toLowerCase()] });
    const rest = (whole, title) => words(whole).replace(title, "");
    for (const head of document.querySelectorAll(`main :is(${HEADS})[id]`))
      add("section", head.id, words(head), head.nextElementSibling ? words(head.nextElementSibling).slice(0, 600) : "");
    for (const [kind, prefix, within] of [["theorem", "thm:", `p, li, ${HEADS}, ${STATEMENTS}`], ["claim", "claim:", "p"], ["symbol", "symbol:", "tr"]])
      for (const mark of document.querySelectorAll(`main [id^="${prefix}"]`)) {
        const whole = kind === "claim" && mark.closest(".claim") || mark.closest(within) || mark, id = mark.id.slice(prefix.length);
        const said = words(whole.querySelector(kind === "theorem" ? "strong" : "p") || whole);
        const title = kind !== "theorem" || said.startsWith(id) ? said : `${id} ${said}`;
        add(kind, mark.id, title, rest(whole, said));
      }
    for (const caption of document.querySelectorAll("main .caption, main figcaption")) {
      const whole = caption.closest("[id]:not(.caption, main)") || caption, title = words(caption);
      add(caption.matches(".caption") ? "table" : "figure", caption.id || whole.id, title, rest(caption.parentElement, title));
    }
    return all.filter((one) => one.name);
  }

  /* The entries with all words of the query, those with the words in their titles first. */
  function found(all, query) {
    const asked = query.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean).map((word) => GREEK[word] ? [word, GREEK[word]] : [word]);
    if (!asked.length) return [];
    const places = (text, ways) => Math.max(...ways.map((word) => text.indexOf(word)));
    const hits = [];
    for (const one of all) {
      let score = 0;
      for (const ways of asked) {
        const title = places(one.low[0], ways), text = title < 0 ? places(one.low[1], ways) : -1;
        if (title < 0 && text < 0) { score = 0; break; }
        score += title < 0 ? 1 : 4 + (title === 0 || !/[\p{L}\p{N}]/u.test(one.low[0][title - 1]) ? 2 : 0);
      }
      if (score) hits.push([score + (one.kind === "section" ? 1 : 0), one]);
    }
    return hits.sort((a, b) => b[0] - a[0]).map(([, one]) => ({ ...one, asked: asked.flat() }));
  }

  /* A text with the words of the query marked; of a long one its beginning, or what is around the first of these words. */
  function excerpt(text, asked, room, around) {
    const low = text.toLowerCase(), first = Math.min(...asked.map((word) => low.indexOf(word)).filter((at) => at >= 0), low.length);
    const from = !around || first === low.length || first < room / 2 ? 0 : low.lastIndexOf(" ", first - room / 3) + 1, cut = text.slice(from, from + room);
    const line = document.createElement("span"), part = new RegExp(asked.map(RegExp.escape || ((word) => word.replace(/[^\p{L}\p{N}]/gu, "\\$&"))).join("|"), "gi");
    let at = 0;
    for (const hit of cut.matchAll(part)) {
      const mark = document.createElement("mark");
      mark.append(hit[0]);
      line.append(cut.slice(at, hit.index), mark);
      at = hit.index + hit[0].length;
    }
    line.prepend(from ? "…" : "");
    line.append(cut.slice(at), from + room < text.length ? "…" : "");
    return line;
  }

  function search() {
    const MOST = 40, dialog = place("page:search"), input = dialog.querySelector("input"), list = dialog.querySelector("ul");
    const status = dialog.querySelector("[role=status]");
    let all = null;
    function open() {
      all ||= index();  // made when it is first needed
      if (!dialog.open) dialog.showModal();
      input.select();
      show();
    }
    function show() {
      const hits = found(all, input.value);
      status.textContent = !input.value.trim() ? `${all.length} places to find` : hits.length > MOST ? `${hits.length} found, the first ${MOST} are shown` : `${hits.length} found`;
      list.replaceChildren(...hits.slice(0, MOST).map((one) => {
        const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("b");
        link.href = "#" + encodeURI(one.name);
        kind.append(one.kind);
        const context = excerpt(one.text, one.asked, 200, true);
        link.append(kind, " ", ...excerpt(one.title, one.asked, 160, false).childNodes, " ", context);
        item.append(link);
        return item;
      }));
    }
    closing(dialog);
    input.addEventListener("input", show);
    list.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (link) { event.preventDefault(); go(decodeURIComponent(link.hash.slice(1))); }
    });
    dialog.addEventListener("keydown", (event) => {
      const links = [...list.querySelectorAll("a")], at = links.indexOf(document.activeElement);
      if (event.key === "ArrowDown" && links.length) links[Math.min(at + 1, links.length - 1)].focus();
      else if (event.key === "ArrowUp") (links[at - 1] || input).focus();
      else if (event.key === "Enter" && event.target === input && links.length) links[0].click();
      else return;
      event.preventDefault();
    });
    place("page:find").addEventListener("click", open);
    document.addEventListener("keydown", (event) => {
      const typing = event.target instanceof Element && event.target.closest("input:not([type=radio]), select, textarea, [contenteditable]");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      open();
    });
  }

  /* A copy of what begins at a mark, up to the next mark of that kind or the next heading: a statement, the lines of its proof. */
  function statement(name) {
    const copy = document.createDocumentFragment(), mark = place(name);
    if (!mark) return copy;
    const prefix = name.slice(0, name.indexOf(":") + 1), head = mark.closest(HEADS);
    const whole = mark.closest(`.claim, p, li, dt, ${HEADS}, ${STATEMENTS}`) || mark;
    copy.append(whole.matches(".claim") ? whole.cloneNode(true) : asParagraph(whole));
    if (whole.matches("dt")) copy.append(asParagraph(whole.nextElementSibling));
    if (whole.matches("p, h2, h3, h4, h5"))
      for (let next = whole.nextElementSibling; next; next = next.nextElementSibling) {
        if (next.matches(head ? "h2, h3" : HEADS) || next.matches(`[id^="${prefix}"], .table`) || next.querySelector(`[id^="${prefix}"]`)) break;
        copy.append(next.cloneNode(true));
      }
    return copy;
  }

  function asParagraph(part) {
    const line = document.createElement("p");
    line.append(...part.cloneNode(true).childNodes);
    return line;
  }

  /* A copy of the proof of a theorem, which stands elsewhere on the page: in a fold, in a line of a list, or as the numbers of steps
     that several proofs share. These steps come with it. */
  function proof(id) {
    const copy = document.createDocumentFragment(), to = `a[href='#thm:${CSS.escape(id)}']`;
    const fold = main.querySelector(`.sdproof > details > summary + p > ${to}:first-of-type`)?.closest("details");
    const line = fold || main.querySelector(`.sdproof > details > ul > li > p:has(> ${to}:first-child), p:has(> strong:first-child > ${to}:only-child)`);
    if (!line) return copy;
    const title = document.createElement("h3"), steps = document.createElement("dl");
    title.append("Proof, step by step");
    const shared = new Map([...main.querySelectorAll(".sdproof dl > dt")].map((name) => [name.textContent.trim(), name]));
    for (const name of (fold ? fold.querySelector("summary") : line).textContent.match(/\bS\d+\b/g) || [])
      if (shared.has(name)) steps.append(shared.get(name).cloneNode(true), shared.get(name).nextElementSibling.cloneNode(true));
    const [head, ...rest] = fold ? [...fold.children].filter((part) => !part.matches("p") || !part.querySelector(to)) : [line];
    copy.append(title, asParagraph(head), steps, ...rest.map((part) => part.cloneNode(true)));
    return copy;
  }

  function graph() {
    const box = document.querySelector(".graph"), dialog = place("page:node");
    if (!box) return;
    const nodes = new Map([...box.querySelectorAll(".node")].map((node) => [node.dataset.node, node])), edges = [...box.querySelectorAll("path")];
    const below = new Map(), above = new Map(), list = (of, name) => of.get(name) || [];
    for (const { dataset: { from, to } } of edges) {
      below.set(from, [...list(below, from), to]);
      above.set(to, [...list(above, to), from]);
    }
    const high = (node) => node.querySelector("rect").y.baseVal.value, layer = (node) => node.querySelector("rect").x.baseVal.value;
    const columns = new Map();
    for (const node of nodes.values()) columns.set(layer(node), [...columns.get(layer(node)) || [], node]);
    for (const column of columns.values()) column.sort((a, b) => high(a) - high(b));

    /* A node and all that it rests on, and all that rests on it, stand out. */
    function light(node) {
      const lit = new Set([node.dataset.node]);
      for (const way of [below, above]) {
        const queue = [node.dataset.node];
        while (queue.length)
          for (const next of list(way, queue.shift())) if (!lit.has(next)) { lit.add(next); queue.push(next); }
      }
      box.classList.add("lit");
      for (const [name, one] of nodes) one.classList.toggle("on", lit.has(name));
      for (const edge of edges) edge.classList.toggle("on", lit.has(edge.dataset.from) && lit.has(edge.dataset.to));
    }
    const dim = () => box.classList.remove("lit");

    /* The keyboard stops at one node, and arrows go on from there. */
    let current = null;
    function stop(node) {
      if (current) current.setAttribute("tabindex", "-1");
      current = node;
      node.setAttribute("tabindex", "0");
    }
    for (const node of nodes.values()) node.setAttribute("tabindex", "-1");
    if (nodes.size) stop(nodes.values().next().value);

    function open(name) {
      const node = nodes.get(name), [kind, id] = [name.slice(0, name.indexOf(":")), name.slice(name.indexOf(":") + 1)];
      const anchor = kind === "cert" ? `thm:${id}` : decodeURIComponent(node.getAttribute("href").slice(1)), rest = dialog.querySelector(".rest");
      place("page:node-name").textContent = node.querySelector("title").textContent;
      const copy = document.createDocumentFragment();
      copy.append(statement(anchor));
      if (anchor.startsWith("thm:")) copy.append(proof(anchor.slice(4)));
      for (const part of copy.querySelectorAll("[id], [tabindex]")) { part.removeAttribute("id"); part.removeAttribute("tabindex"); }
      for (const fold of copy.querySelectorAll("details")) fold.open = true;
      const around = [["Rests on", list(below, name)], ["Supports", list(above, name)]].filter(([, names]) => names.length).map(([said, names]) => {
        const line = document.createElement("p");
        line.className = "around";
        line.append(`${said}: `);
        names.forEach((next, n) => {
          const link = document.createElement("a");
          link.href = nodes.get(next).getAttribute("href");
          link.dataset.open = next;
          link.append(nodes.get(next).querySelector("title").textContent);
          line.append(n ? "; " : "", link);
        });
        return line;
      });
      const last = document.createElement("p"), there = document.createElement("a");
      there.href = "#" + encodeURI(anchor);
      there.append("Its place in the report");
      last.append(there);
      if (kind === "cert" && !node.getAttribute("href").startsWith("#")) {
        const file = document.createElement("a");
        file.href = node.getAttribute("href");
        file.append("The certificate, a file beside this page");
        last.append("; ", file);
      }
      rest.replaceChildren(last, ...around, copy);
      rest.scrollTop = 0;
      if (!dialog.open) dialog.showModal();
    }

    closing(dialog);
    box.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      if (!node || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      stop(node);
      open(node.dataset.node);
    });
    dialog.addEventListener("click", (event) => {
      const link = event.target.closest("a");
      if (!link || !link.getAttribute("href").startsWith("#") && !link.dataset.open) return;
      event.preventDefault();
      if (link.dataset.open) open(link.dataset.open); else go(decodeURIComponent(link.hash.slice(1)));
    });
    box.addEventListener("keydown", (event) => {
      const node = event.target.closest(".node");
      if (!node) return;
      const column = columns.get(layer(node)), at = column.indexOf(node), name = node.dataset.node;
      const next = { ArrowDown: column[at + 1], ArrowUp: column[at - 1], Home: column[0], End: column.at(-1),
        ArrowRight: nodes.get(list(below, name)[0]), ArrowLeft: nodes.get(list(above, name)[0]) }[event.key];
      if (!["ArrowDown", "ArrowUp", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
      event.preventDefault();
      if (!next) return;
      stop(next);
      next.focus();
    });
    box.addEventListener("focusin", (event) => { const node = event.target.closest(".node"); if (node) { stop(node); light(node); } });
    box.addEventListener("focusout", dim);
    box.addEventListener("pointerover", (event) => { const node = event.target.closest(".node"); if (node) light(node); else dim(); });
    box.addEventListener("pointerleave", dim);
    for (const keys of document.querySelectorAll(".keys")) keys.hidden = false;
  }

  search();
  graph();
});
