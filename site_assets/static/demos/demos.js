// The demos of chapters/demos.html: forms around what worker.js computes. What a reader types is
// put on the page as text nodes only, and goes nowhere but to the worker.
(() => {
  "use strict";
  const HERE = document.currentScript.src;
  const WAIT = 300; // ms without a key before the answer is computed anew
  const SHOWN_IN_MAP = 40; // tokens

  // --- small helpers ---

  /** An element; strings among its children become text, never HTML. */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  function draw(tag, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  }

  const percent = (chance) => `${(100 * chance).toFixed(1)}%`;
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

  function labelled(text, control) {
    return make("label", { class: "demo-label" }, make("span", {}, text), control);
  }

  function options(select, entries) {
    select.replaceChildren(...entries.map(([value, text]) => make("option", { value }, text)));
  }

  /** Rows of a name, a bar and a chance. */
  function chancesTable(caption, heading, rows) {
    const body = make("tbody");
    for (const [name, chance] of rows) {
      const bar = make("span", { class: "demo-bar", "aria-hidden": "true" });
      bar.style.setProperty("--part", chance);
      const cells = [make("td", {}, bar), make("td", {}, percent(chance))];
      body.append(make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, name)), ...cells));
    }
    const head = make(
      "tr",
      {},
      make("th", { scope: "col" }, heading),
      make("td"),
      make("th", { scope: "col" }, "概率"),
    );
    return make(
      "table",
      { class: "demo-table" },
      make("caption", {}, caption),
      make("thead", {}, head),
      body,
    );
  }

  // --- the worker ---

  let worker;
  let calls = 0;
  const waiting = new Map();

  function ask(call, given, report = () => {}) {
    if (!worker) {
      worker = new Worker(new URL("worker.js", HERE), { type: "module" });
      worker.onmessage = ({ data }) => {
        const call = waiting.get(data.number);
        if ("part" in data) return call.report(data.part, data.total);
        waiting.delete(data.number);
        if ("error" in data) call.reject(new Error(data.error));
        else call.resolve(data.answer);
      };
      worker.onerror = () => {
        for (const call of waiting.values()) call.reject(new Error("worker"));
        waiting.clear();
        worker = null;
      };
    }
    return new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve, reject, report });
      worker.postMessage({ number: calls, call, given });
    });
  }

  const REASONS = {
    missing: "这个网站里没有演示用的文件。自己生成网站的话，再运行一次 make demos，刷新这一页。",
    worker: "浏览器起不了后台线程，多半是太旧了。换一个新一点的浏览器。",
  };

  // --- the four demos ---

  const cutNote = (answer, limit) => (answer.isCut ? `文字太长，只读了前 ${limit} 个词元。` : "");

  const headlines = {
    part: "headlines",
    run: "判断",
    label: "一条标题，或者一小段新闻",
    examples: [
      "主队在加时赛最后一秒投进三分，看台上的球迷全站了起来",
      "央行宣布下调存款利率，多家银行今天起执行",
      "这款手机的新芯片续航更久，下周开始预售",
      "高考成绩明天公布，各校招生办开通咨询电话",
      "新专辑今晚零点上线，歌迷已经在排队了",
      "今年秋天流行什么颜色的外套",
    ],
    ask: (text) => ask("classify", text),
    ready(about, parts) {
      const { right, texts } = about.headlines;
      parts.below.textContent =
        `这个分类器在课程自己的测试集上，${texts} 条判对 ${right} 条，` +
        `也就是 ${percent(right / texts)}。十类之外的文字，它也只能在十类里挑一个。`;
    },
    show(answer, parts) {
      if (answer.isUnreadable) {
        parts.result.replaceChildren();
        return "这段文字里没有一个它认得的字：不判，好过瞎猜。";
      }
      const [[name, chance]] = answer.chances;
      parts.result.replaceChildren(chancesTable("十个类别的概率", "类别", answer.chances));
      return `最可能是「${name}」，${percent(chance)}。${cutNote(answer, 128)}`;
    },
  };

  const blank = {
    part: "reader",
    run: "填空",
    label: "一句话，要填的地方写 [MASK]",
    examples: ["今天天气很[MASK]，我们去公园散步。"],
    // A Chinese keyboard writes other brackets.
    ask: (text) => ask("fill", asMask(text)),
    controls(parts) {
      const button = make("button", { type: "button", class: "demo-second" }, "插入 [MASK]");
      button.addEventListener("click", () => {
        parts.text.setRangeText("[MASK]", parts.text.selectionStart, parts.text.selectionEnd, "end");
        parts.text.focus();
        parts.text.dispatchEvent(new Event("input"));
      });
      parts.buttons.append(button);
    },
    ready(about, parts) {
      parts.stored = new Map(about.blanks.blanks.map((each) => [each.text, each]));
      const entries = about.blanks.blanks.map(({ text }) => [text, text]);
      options(parts.choice, [["", "第 3 章的十八道填空题"], ...entries]);
      twinOf(parts);
    },
    show(answer, parts) {
      showTwin(parts);
      if (!answer.blanks.length) {
        parts.result.replaceChildren();
        return `句子里没有 [MASK]。${cutNote(answer, 128)}`;
      }
      parts.result.replaceChildren(
        ...answer.blanks.map((rows, i) => {
          const which = answer.blanks.length > 1 ? `第 ${i + 1} 个空` : "这个空";
          return chancesTable(`mini-bert-zh：${which}最可能的五个`, "词元", rows);
        }),
      );
      const first = answer.blanks.map(([[token]]) => token).join("、");
      return `最可能填「${first}」。${cutNote(answer, 128)}`;
    },
  };

  const asMask = (text) => text.replace(/[[［【]\s*mask\s*[\]］】]/gi, "[MASK]");

  /** Beside the blank: what the twin of chapter 3 answered at each step of its training. */
  function twinOf(parts) {
    const first = parts.stored.values().next().value;
    parts.steps = Object.keys(first.answers).sort((a, b) => a - b);
    parts.slider = make("input", {
      type: "range",
      min: 0,
      max: parts.steps.length - 1,
      value: 0,
      step: 1,
    });
    parts.step = make("span");
    parts.then = make("div");
    parts.slider.addEventListener("input", () => showTwin(parts, true));
    const label = make("span", {}, "孪生模型训练到 ", parts.step);
    const slider = make("label", { class: "demo-label" }, label, parts.slider);
    parts.twin = make("div", { hidden: "" }, slider, parts.then);
    parts.noTwin = make(
      "p",
      {},
      "训练途中的回答只存了第 3 章的十八道题。在上面「例子」里挑一道，这里就能拖着看它怎样学会。",
    );
    parts.below.replaceChildren(parts.twin, parts.noTwin);
  }

  function showTwin(parts, isMoved = false) {
    const stored = parts.stored.get(asMask(parts.text.value.trim()));
    parts.twin.hidden = !stored;
    parts.noTwin.hidden = Boolean(stored);
    if (!stored) return;
    const step = parts.steps[parts.slider.value];
    parts.step.textContent = `第 ${step} 步`;
    parts.slider.setAttribute("aria-valuetext", `第 ${step} 步`);
    const answers = stored.answers[step];
    parts.then.replaceChildren(
      ...answers.map((rows, i) => {
        const which = answers.length > 1 ? `，第 ${i + 1} 个空` : "";
        return chancesTable(`第 ${step} 步${which}（原词「${stored.expected}」）`, "词元", rows);
      }),
    );
    if (isMoved) {
      const first = answers.map(([[token]]) => token).join("、");
      parts.status.textContent = `第 ${step} 步时最可能填「${first}」。`;
    }
  }

  const attention = {
    part: "reader",
    run: "看注意力",
    label: "一句话",
    examples: [
      "这部电影的导演很有名",
      "苹果发布了新手机，他却在吃苹果",
      "球队在主场输给了对手，教练很生气",
      "他把书还给了图书馆，因为它要关门了",
    ],
    ask: (text) => ask("attend", text),
    controls(parts) {
      const numbers = [1, 2, 3, 4].map((i) => [i - 1, String(i)]);
      parts.layer = make("select", { name: "layer" });
      parts.head = make("select", { name: "head" });
      options(parts.layer, numbers);
      options(parts.head, numbers);
      for (const each of [parts.layer, parts.head]) {
        each.addEventListener("change", () => parts.redraw?.());
      }
      const pair = [labelled("层", parts.layer), labelled("头", parts.head)];
      parts.buttons.before(make("div", { class: "demo-pair" }, ...pair));
    },
    show(answer, parts) {
      const { pieces, weights, dims } = answer;
      const [, heads, length] = dims;
      if (length <= 2) {
        parts.result.replaceChildren();
        return "写一句话来看。";
      }
      const here = () => heads * Number(parts.layer.value) + Number(parts.head.value);
      const weight = (query, key) => weights[(here() * length + query) * length + key];
      const query = Math.min(parts.query ?? 1, length - 2);
      parts.query = query;
      const chips = make("div", { class: "demo-chips" });
      const cells = pieces.map((piece, i) => {
        const input = make("input", { type: "radio", name: "query", value: i });
        input.checked = i === query;
        input.addEventListener("change", () => {
          parts.query = i;
          parts.redraw();
        });
        const share = make("span", { class: "demo-small" });
        const label = make("label", { class: "demo-chip" }, input, make("bdi", {}, piece), share);
        chips.append(label);
        return { label, share };
      });
      const legend = make("legend", {}, "从哪个词元看出去：选一个，颜色越深，它看得越多");
      const map = make("div", {
        class: "demo-map",
        tabindex: 0,
        role: "region",
        "aria-label": "整张注意力图",
      });
      parts.result.replaceChildren(make("fieldset", {}, legend, chips), map);
      parts.redraw = () => {
        const row = pieces.map((_, key) => weight(parts.query, key));
        row.forEach((share, key) => {
          cells[key].label.style.setProperty("--part", Math.sqrt(share));
          cells[key].share.textContent = percent(share);
        });
        map.replaceChildren(attentionMap(pieces, weight, parts));
        const most = row.indexOf(Math.max(...row));
        const which = `第 ${Number(parts.layer.value) + 1} 层第 ${Number(parts.head.value) + 1} 个头`;
        parts.status.textContent =
          `${which}里，「${pieces[parts.query]}」看得最多的是第 ${most + 1} 个词元` +
          `「${pieces[most]}」，${percent(row[most])}。${cutNote(answer, length)}`;
      };
      parts.redraw();
      return parts.status.textContent;
    },
  };

  /** The whole map: rows are queries, columns keys, a square's area is the weight. */
  function attentionMap(pieces, weight, parts) {
    const shown = pieces.slice(0, SHOWN_IN_MAP);
    const names = shown.map((piece) => (piece.length > 7 ? `${piece.slice(0, 6)}…` : piece));
    const [cell, edge] = [18, 58];
    const size = edge + cell * shown.length;
    const place = `第 ${Number(parts.layer.value) + 1} 层第 ${Number(parts.head.value) + 1} 个头`;
    const label = `${place}的注意力图：一行是一个查询，一列是一个键，方块越大，权重越大`;
    const picture = draw("svg", {
      width: size,
      height: size,
      viewBox: `0 0 ${size} ${size}`,
      role: "img",
      "aria-label": label,
    });
    names.forEach((name, i) => {
      const middle = edge + cell * (i + 0.5);
      const isQuery = i === parts.query ? "demo-query" : "";
      picture.append(
        draw("text", { x: edge - 6, y: middle + 4, "text-anchor": "end", class: isQuery }, name),
        draw("text", { x: 0, y: 4, transform: `translate(${middle} ${edge - 8}) rotate(-90)` }, name),
      );
    });
    shown.forEach((_, query) => {
      shown.forEach((_, key) => {
        const side = (cell - 2) * Math.sqrt(weight(query, key));
        const corner = (i) => edge + cell * (i + 0.5) - side / 2;
        picture.append(
          draw("rect", { x: corner(key), y: corner(query), width: side, height: side }),
        );
      });
    });
    const frame = { x: edge, width: size - edge, height: cell, class: "demo-frame" };
    if (parts.query < shown.length) {
      picture.append(draw("rect", { ...frame, y: edge + cell * parts.query }));
    }
    return picture;
  }

  const pieces = {
    part: "pieces",
    run: "切",
    label: "随便什么文字",
    examples: [
      "iPhone17 卖8999元😀，赠龘字贴",
      "气温升到25℃，含3×5和￥99",
      "Transformers 5.0 发布了！",
      "魑魅魍魉，饕餮盛宴",
      "這是一段繁體字",
    ],
    needsNoWasm: true,
    ask: (text) => ask("cut", text),
    show(answer, parts) {
      const list = make("ol", { class: "demo-chips" });
      for (const { piece, id, word } of answer.pieces) {
        const kind = piece === "[UNK]" ? "demo-chip demo-unknown" : "demo-chip";
        const item = make("li", { class: kind }, make("bdi", {}, piece));
        item.append(make("span", { class: "demo-small" }, String(id)));
        if (word) item.append(make("span", { class: "demo-small" }, "原文 ", make("bdi", {}, word)));
        list.append(item);
      }
      parts.result.replaceChildren(list);
      const unknown = answer.pieces.filter(({ piece }) => piece === "[UNK]").length;
      return `${answer.pieces.length} 个词元，连 [CLS] 和 [SEP] 在内，其中 ${unknown} 个 [UNK]。`;
    },
  };

  const DEMOS = { headlines, blank, attention, pieces };

  // --- putting a demo on the page ---

  function unsupported(demo) {
    if (location.protocol === "file:") {
      return (
        "这一页是从文件直接打开的，浏览器不让脚本读旁边的文件。在网站的文件夹里运行 " +
        "python -m http.server，再打开 http://localhost:8000/chapters/demos.html 。"
      );
    }
    if (typeof Worker !== "function" || typeof DecompressionStream !== "function") {
      return "浏览器太旧，跑不了这个演示。";
    }
    if (!demo.needsNoWasm && typeof WebAssembly !== "object") {
      return "浏览器关掉了 WebAssembly，这个演示跑不了。";
    }
    return "";
  }

  function set(box) {
    const demo = DEMOS[box.dataset.demo];
    const plain = box.querySelector(".demo-plain");
    const reason = unsupported(demo);
    if (reason) {
      plain.prepend(reason);
      return;
    }
    plain.hidden = true;
    const text = make("textarea", { rows: 2, maxlength: 1000, lang: "zh", spellcheck: "false" });
    text.value = demo.examples[0];
    const choice = make("select");
    options(choice, [["", "换一句"], ...demo.examples.map((each) => [each, each])]);
    const button = make("button", { type: "submit" }, `载入并${demo.run}（约 ${box.dataset.size}）`);
    const progress = make("progress", { max: 1, value: 0, "aria-label": "下载进度", hidden: "" });
    const parts = {
      text,
      choice,
      buttons: make("div", { class: "demo-buttons" }, button),
      status: make("p", { class: "demo-status", role: "status" }),
      result: make("div", { class: "demo-result" }),
      below: make("div", { class: "demo-below" }),
    };
    const form = make("form", { class: "demo-form", autocomplete: "off" });
    form.append(labelled(demo.label, text), labelled("例子", choice), parts.buttons);
    demo.controls?.(parts);
    const answers = make("div", { class: "demo-answers" }, parts.result, parts.below);
    box.append(form, progress, parts.status, answers);

    let isLoaded = false;
    let asked = 0; // times an answer was asked for; only the newest is shown
    let timer;

    async function load() {
      button.disabled = true;
      progress.hidden = false;
      parts.status.textContent = "正在载入……";
      const about = await ask("load", demo.part, (part, total) => {
        progress.value = part;
        const done = `${megabytes(part * total)} / ${megabytes(total)}`;
        progress.textContent = done;
        button.textContent = part < 1 ? `正在载入 ${done}` : "正在准备……";
      });
      isLoaded = true;
      demo.ready?.(about, parts);
    }

    /** The number of a new question; what is under way answers an older one. */
    function nextQuestion() {
      clearTimeout(timer);
      box.setAttribute("aria-busy", "true");
      return ++asked;
    }

    async function run() {
      const number = nextQuestion();
      const isNewest = () => number === asked;
      try {
        if (!isLoaded) await load();
        const typed = text.value.trim();
        const found = typed && (await demo.ask(text.value));
        if (isNewest()) parts.status.textContent = typed ? demo.show(found, parts) : askForText();
      } catch (error) {
        if (!isNewest()) return;
        parts.result.replaceChildren();
        parts.status.textContent =
          REASONS[error.message] ?? `没有成功：${error.message}。检查网络，再按一次。`;
      } finally {
        if (isNewest()) settle();
      }
    }

    function askForText() {
      parts.result.replaceChildren();
      return "先写点什么。";
    }

    function settle() {
      box.setAttribute("aria-busy", "false");
      button.disabled = false;
      progress.hidden = true;
      button.textContent = isLoaded ? demo.run : `再试一次（约 ${box.dataset.size}）`;
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!button.disabled) run();
    });
    text.addEventListener("input", () => {
      if (!isLoaded) return;
      nextQuestion();
      timer = setTimeout(run, WAIT);
    });
    choice.addEventListener("change", () => {
      if (!choice.value) return;
      text.value = choice.value;
      if (isLoaded) run();
    });
  }

  for (const box of document.querySelectorAll(".demo[data-demo]")) set(box);
})();
