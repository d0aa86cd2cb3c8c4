"use strict";
/* Theme, previews, the mark of the current section, and fewer stops for the Tab key; tools.js follows. The page is whole without them. */
(() => {
  const root = document.documentElement, place = (name) => document.getElementById(name);

  /* The theme that the reader chose stands before the text does. Storage may be forbidden, as for files in some browsers. */
  const stored = (write) => { try { return write(localStorage); } catch { return null; } };
  const wear = (theme) => { if (theme === "light" || theme === "dark") root.dataset.theme = theme; else delete root.dataset.theme; };
  wear(stored((storage) => storage.getItem("theme")));

  addEventListener("DOMContentLoaded", () => {
    const choice = place("page:theme");
    choice.value = root.dataset.theme || "auto";
    choice.addEventListener("change", () => {
      wear(choice.value);
      stored((storage) => storage.setItem("theme", choice.value));
    });
    document.querySelector(".tools").hidden = false;

    const main = document.querySelector("main"), box = document.createElement("div");
    box.id = "page:preview";
    box.setAttribute("role", "tooltip");
    box.hidden = true;
    main.append(box);
    const targets = 'a[href^="#thm:"], [data-symbol]', stops = 'a[href^="#thm:"], math[tabindex]', narrow = matchMedia("(max-width: 36rem)");
    let shown = null, timer = 0;

    /* The names of the symbols of a formula, or of one that is a symbol. */
    function symbols(of) {
      const parts = of.matches("[data-symbol]") ? [of] : of.querySelectorAll("[data-symbol]");
      return [...new Set([...parts].map((part) => part.dataset.symbol))];
    }

    /* The statement of a theorem, or rows of the table of notation, without the names that would stand twice. */
    function content(of) {
      const copy = document.createDocumentFragment();
      if (!of.matches("a")) {
        for (const row of symbols(of).map(place)) {
          const line = document.createElement("p");
          for (const cell of row.cells) {
            const part = document.createElement("span");
            part.append(...cell.cloneNode(true).childNodes);
            line.append(part, " ");
          }
          copy.append(line);
        }
      } else {
        const found = place(decodeURIComponent(of.hash.slice(1)));
        if (!found) return null;
        const heading = "h2, h3, h4, h5";
        const whole = found.closest(`p, li, ${heading}, .theorem, .lemma, .proposition, .corollary, .definition, .assumption`) || found;
        if (whole.contains(of)) return null;
        if (whole.matches(heading)) {
          const line = document.createElement("p");
          line.append(...whole.cloneNode(true).childNodes);
          copy.append(line);
          for (let next = whole.nextElementSibling; next && !next.matches(`.sdproof, ${heading}`); next = next.nextElementSibling)
            copy.append(next.cloneNode(true));
        } else copy.append(...whole.cloneNode(true).childNodes);
      }
      for (const part of copy.querySelectorAll("[id], [tabindex]")) { part.removeAttribute("id"); part.removeAttribute("tabindex"); }
      for (const part of copy.querySelectorAll("a")) part.replaceWith(...part.childNodes);
      return copy;
    }

    function show(of) {
      clearTimeout(timer);
      if (shown === of) return;
      const copy = content(of);
      hide();
      if (!copy) return;
      shown = of;
      box.replaceChildren(copy);
      box.hidden = false;
      of.setAttribute("aria-describedby", box.id);
      settle();
    }

    /* Above or below what is read, where there is more room; on a phone at the edge of the screen that is farther away. */
    function settle() {
      const of = shown, at = of.getClientRects()[0] || of.getBoundingClientRect(), gap = 6, view = document.documentElement;
      if (at.bottom < 0 || at.top > innerHeight) return hide();
      const below = innerHeight - at.bottom > at.top;
      box.style.maxHeight = Math.max(80, (below ? innerHeight - at.bottom : at.top) - 3 * gap) + "px";
      box.style.left = "0";
      box.style.left = narrow.matches ? "0" : Math.max(gap, Math.min(at.left, view.clientWidth - box.offsetWidth - gap)) + "px";
      box.style.bottom = narrow.matches && below ? "0" : "auto";
      if (narrow.matches) box.style.top = below ? "auto" : "0";
      else box.style.top = (below ? at.bottom + gap : at.top - gap - box.offsetHeight) + "px";
    }

    function hide() {
      clearTimeout(timer);
      if (shown) shown.removeAttribute("aria-describedby");
      shown = null;
      box.hidden = true;
    }

    const source = (event, what = targets) => event.target instanceof Element ? event.target.closest(what) : null;
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType === "touch") return;
      clearTimeout(timer);
      const of = source(event);
      if (of && main.contains(of)) timer = setTimeout(show, shown ? 60 : 250, of);
      else if (shown && !box.contains(event.target)) timer = setTimeout(hide, 250);
    });
    document.addEventListener("focusin", (event) => {
      const of = source(event, stops);
      if (of && main.contains(of) && of.matches(":focus-visible")) show(of);
      else if (!box.contains(event.target)) hide();
    });
    /* a finger: a symbol is touched; a link is followed */
    document.addEventListener("click", (event) => {
      const of = source(event);
      if (of && of.matches("[data-symbol]")) show(of);
      else if (!box.contains(event.target)) hide();
    });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
    document.addEventListener("scroll", () => { if (shown) settle(); }, { passive: true });

    /* A keyboard stops at a formula in which a symbol stands for the first time in a section. */
    let seen = new Set();
    for (const part of main.querySelectorAll("h2, h3, [data-symbol]")) {
      if (!part.dataset.symbol) seen = new Set();
      else if (!part.closest("[id^='symbol:'], summary") && !seen.has(part.dataset.symbol)) {
        seen.add(part.dataset.symbol);
        part.closest("math").tabIndex = 0;
      }
    }

    /* A box that scrolls nothing is nothing to stop at. */
    const boxes = [...main.querySelectorAll(".scroll, .formula, figure")];
    function fit() {
      const wide = boxes.map((part) => part.scrollWidth > part.clientWidth);
      boxes.forEach((part, n) => wide[n] ? part.setAttribute("tabindex", "0") : part.removeAttribute("tabindex"));
    }
    fit();
    addEventListener("resize", fit);
    main.addEventListener("toggle", fit, true);
    document.addEventListener("change", fit);

    const links = new Map();
    for (const link of document.querySelectorAll('nav a[href^="#"]')) links.set(decodeURIComponent(link.hash.slice(1)), link);
    const heads = [...main.querySelectorAll("h2, h3")].filter((head) => links.has(head.id));
    let current = null;
    function follow() {
      let low = 0, high = heads.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (heads[middle].getBoundingClientRect().top < innerHeight / 4) low = middle + 1; else high = middle;
      }
      const link = low ? links.get(heads[low - 1].id) : null;
      if (link === current) return;
      if (current) current.removeAttribute("aria-current");
      current = link;
      if (!link) return;
      link.setAttribute("aria-current", "true");
      const side = place("page:sidebar");
      if (side.scrollHeight > side.clientHeight) side.scrollTop = Math.max(0, link.offsetTop - side.clientHeight / 2);
    }
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; follow(); });
    }, { passive: true });
    follow();
  });
})();
