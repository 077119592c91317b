/* Search as you type, in the theme's dialog (Ctrl+K or /) and on the search page; and the marks
   on the page where one lands. The engine and its index are fetched with the first search.

   What the reader types and what the book says go into the page as text, never as HTML. */
(() => {
  "use strict";
  const root = document.documentElement.dataset.content_root || "./";
  const MARKED = "find"; // the part of an address that says what to mark
  const IN_DIALOG = 8;
  const ON_PAGE = 30;

  // The engine

  let engine = null;

  function begin() {
    engine ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${root}_static/search_engine.js`;
      script.onload = () => window.courseSearch.open().then(() => resolve(window.courseSearch), reject);
      script.onerror = reject;
      document.head.append(script);
    }).catch((error) => { engine = null; throw error; });
    return engine;
  }

  // Texts with marks

  function spans(text, words) {
    const small = text.toLowerCase();
    const found = [];
    if (small.length !== text.length) return found;
    for (const word of words) {
      let from = small.indexOf(word);
      for (; from >= 0; from = small.indexOf(word, from + word.length)) {
        const inside = /[a-z0-9]/;
        const cut = word.length < 4 && inside.test(word[0])
          && (inside.test(small[from - 1] || "") || inside.test(small[from + word.length] || ""));
        if (!cut) found.push([from, from + word.length]);
      }
    }
    found.sort((a, b) => a[0] - b[0]);
    const joined = [];
    for (const [start, end] of found) {
      const last = joined[joined.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else joined.push([start, end]);
    }
    return joined;
  }

  function marked(text, words, name) {
    const pieces = document.createDocumentFragment();
    let start = 0;
    for (const [from, to] of spans(text, words)) {
      pieces.append(text.slice(start, from));
      const mark = document.createElement("mark");
      mark.className = name;
      mark.textContent = text.slice(from, to);
      pieces.append(mark);
      start = to;
    }
    pieces.append(text.slice(start));
    return pieces;
  }

  /* What to mark in a section: the whole query where it stands there, or its words. */
  function wordsToMark(query, result) {
    const text = `${result.heading}\n${result.text}`.toLowerCase();
    const whole = window.courseSearch.folded(query).trim().toLowerCase();
    if (text.includes(whole)) return [whole];
    const words = [...new Set(result.marks)].filter((word) => text.includes(word));
    const long = words.filter((word) => word.length > 1);
    return (long.length ? long : words).sort((a, b) => b.length - a.length).slice(0, 16);
  }

  /* The stretch of a text with the most of the words in it. */
  function snippet(text, words, length = 110) {
    const places = spans(text, words);
    let best = 0, most = -1;
    for (const [from] of places) {
      const here = places.filter(([start, end]) => start >= from && end <= from + length - 20);
      const sum = here.reduce((total, [start, end]) => total + end - start, 0);
      if (sum > most) [best, most] = [from, sum];
    }
    let start = best > 25 ? best - 20 : 0;
    // Not in the middle of a name.
    while (start && start < best && /\w\w/.test(text.slice(start - 1, start + 1))) start++;
    const piece = text.slice(start, start + length);
    return (start ? "…" : "") + piece + (start + length < text.length ? "…" : "");
  }

  // Results

  function item(result, query, place) {
    const words = wordsToMark(query, result);
    const link = document.createElement("a");
    link.className = "find-hit";
    link.id = `find-hit-${place}`;
    const marks = encodeURIComponent(words.join("\n"));
    link.href = `${root}${result.uri}?${MARKED}=${marks}#${result.address}`;
    const where = document.createElement("span");
    where.className = "find-where";
    where.textContent = result.depth ? result.title : "";
    const heading = document.createElement("span");
    heading.className = "find-heading";
    heading.append(marked(result.heading, words, "find-word"));
    const text = document.createElement("span");
    text.className = "find-text";
    text.append(marked(snippet(result.text, words), words, "find-word"));
    link.append(heading, where, text);
    return link;
  }

  function attach(input, box, limit) {
    let turn = 0, timer = 0, chosen = -1;
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-label", "搜索结果");
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-controls", box.id);
    input.setAttribute("aria-expanded", "false");
    const status = document.createElement("p");
    status.className = "find-status";
    status.setAttribute("role", "status");
    box.before(status);

    const hits = () => [...box.querySelectorAll(".find-hit")];

    function choose(place) {
      const all = hits();
      chosen = all.length ? (place + all.length) % all.length : -1;
      all.forEach((hit, i) => hit.setAttribute("aria-selected", String(i === chosen)));
      if (chosen >= 0) {
        input.setAttribute("aria-activedescendant", all[chosen].id);
        all[chosen].scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    }

    async function show() {
      const query = input.value.trim();
      const mine = ++turn;
      if (!query) {
        chosen = -1;
        input.removeAttribute("aria-activedescendant");
        box.replaceChildren();
        status.textContent = "";
        input.setAttribute("aria-expanded", "false");
        return;
      }
      try {
        const found = await (await begin()).search(query, limit);
        if (mine !== turn) return;
        box.replaceChildren(...found.map((result, place) => item(result, query, place)));
        for (const hit of hits()) {
          hit.setAttribute("role", "option");
          hit.setAttribute("aria-selected", "false");
        }
        status.textContent = found.length
          ? `最相关的 ${found.length} 节；↑ ↓ 选择，回车打开`
          : "没有找到。换一个词，或者只留最要紧的几个字。";
        input.setAttribute("aria-expanded", String(found.length > 0));
        chosen = -1;
        input.removeAttribute("aria-activedescendant");
        if (box.closest("dialog")) box.closest("dialog").scrollTop = 0;
      } catch {
        if (mine === turn) status.textContent = "搜索用的文件没有取到。请检查网络，再试一次。";
      }
    }

    input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, 150);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // Enter that takes a word from an input method
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!hits().length) return;
        event.preventDefault();
        if (event.key === "ArrowDown") choose(chosen + 1);
        else choose(chosen <= 0 ? hits().length - 1 : chosen - 1);
      } else if (event.key === "Enter" && hits()[chosen]) {
        event.preventDefault();
        hits()[chosen].click();
      }
    });
    return show;
  }

  // The dialog

  const dialog = document.getElementById("pst-search-dialog");
  const field = dialog?.querySelector("input[name=q]");
  const results = document.getElementById("search-results");
  if (dialog && field && !results) {
    const box = document.createElement("div");
    box.id = "find-in-dialog";
    box.className = "find-results";
    dialog.append(box);
    attach(field, box, IN_DIALOG);
    field.addEventListener("focus", () => begin().catch(() => {}), { once: true });
    box.addEventListener("click", (event) => {
      if (event.target.closest("a")) dialog.close();
    });
    // The focus goes back to the button; on a phone's width the browser loses it.
    let opener = null;
    document.addEventListener("click", (event) => {
      opener = event.target.closest(".search-button__button") || opener;
    }, true);
    dialog.addEventListener("close", () => {
      const lost = document.activeElement === document.body || dialog.contains(document.activeElement);
      if (lost) opener?.focus({ preventScroll: true });
    });
  }

  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key !== "/" || writing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (results) document.querySelector(".bd-search-container input[name=q]")?.focus();
    else if (dialog && !dialog.open) {
      dialog.showModal();
      field.focus();
      field.select();
    }
  });

  // The search page

  if (results) {
    const input = document.querySelector(".bd-search-container input[name=q]");
    const show = attach(input, results, ON_PAGE);
    input.value = new URLSearchParams(location.search).get("q") || "";
    input.focus();
    input.addEventListener("input", () => {
      const address = new URL(location.href);
      address.searchParams.set("q", input.value);
      history.replaceState(null, "", address);
    });
    show();
  }

  // Where one lands

  function markSection(words) {
    const name = decodeURIComponent(location.hash.slice(1));
    const section = document.getElementById(name) || document.querySelector("article");
    if (!section) return;
    // A section's own text; below the page's heading that is all before the first section.
    const walker = document.createTreeWalker(section, NodeFilter.SHOW_TEXT, {
      acceptNode: (node) => node.parentElement.closest(
        "script, style, svg, mjx-container, .headerlink, button, textarea"
      ) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
    });
    const texts = [];
    while (walker.nextNode()) texts.push(walker.currentNode);
    for (const text of texts) {
      if (spans(text.data, words).length) text.replaceWith(marked(text.data, words, "find-mark"));
    }
    const seen = [...section.querySelectorAll("mark.find-mark")].filter((mark) => mark.checkVisibility
      ? mark.checkVisibility() : mark.offsetParent);
    const first = seen.find((mark) => !mark.closest("h1, h2, h3")) || seen[0];
    section.scrollIntoView();
    if (first && first.getBoundingClientRect().bottom > innerHeight - 40) {
      first.scrollIntoView({ block: "center" });
    }
  }

  function unmark() {
    for (const mark of document.querySelectorAll("mark.find-mark")) {
      const parent = mark.parentNode;
      mark.replaceWith(mark.textContent);
      parent.normalize();
    }
  }

  const wanted = new URLSearchParams(location.search).get(MARKED);
  if (wanted && !results) {
    // A link that is passed on is the section's own.
    const address = new URL(location.href);
    address.searchParams.delete(MARKED);
    history.replaceState(null, "", address);
    const words = wanted.split("\n").map((word) => word.toLowerCase()).filter(Boolean);
    const land = () => markSection(words);
    const formulas = window.MathJax?.startup?.promise;
    if (document.readyState === "complete") land();
    else addEventListener("load", () => (formulas ? formulas.then(land) : land()), { once: true });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) unmark();
    });
  }
})();
