/* Finds sections. Loaded with the first search; scripts/website/indexing.py writes what it reads.

   The reader's words are cut by the rules of scripts/website/words.py. No word is required: what
   counts is how much of the query's weight a section has, so that a pasted error message with the
   reader's own file names in it, or a mistyped character, still finds its place. */
(() => {
  "use strict";
  const root = document.documentElement.dataset.content_root || "./";
  const HAN = "\\u3400-\\u9fff\\u{20000}-\\u{3ffff}〇";
  const LETTERS = "A-Za-z0-9_\\u00c0-\\u024f\\u0370-\\u03ff";
  const PIECES = new RegExp(
    `\\[[A-Za-z]+\\d*\\]|</?[A-Za-z][A-Za-z0-9_]*>|##|[${LETTERS}]+(?:[./'+-][${LETTERS}]+)*|[${HAN}]+`, "gu"
  );
  const HUMPS = /[A-Z]+(?![a-z])|[A-Z]?[a-z\u00c0-\u024f\u0370-\u03ff]+|\d+/g;
  const CAPITALS = /^[A-Z][A-Z0-9]{1,7}$/;
  // Characters that hold a question together and say little: 怎么, 为什么, 的时候.
  const FILLERS = /[的了吗呢么怎什为把在和与是有会能就都也很个这那我你]/;
  // Words that make a question and are not what is asked about; what stands between them is.
  const QUESTION = [
    "为什么 怎么样 怎么办 怎么 怎样 什么 如何 哪些 哪个 哪里 哪种 多少 是不是 能不能 会不会 要不要 有没有",
    "可以 应该 需要 时候 比较 一下 一个 之后 以后 之前 以前 的话 如果 因为 所以 已经 还是 或者 不同 区别",
    "办法 方法 不用 不能 自己 问题 意思 的 了 吗 呢 么 吧 啊 和 与 及 或 把 被 让 给 请",
  ].join(" ").split(" ");
  const QUESTIONS = new RegExp(QUESTION.join("|"), "gu");
  const IS_HAN = new RegExp(`^[${HAN}]`, "u");
  const HAN_RUNS = new RegExp(`[${HAN}]+`, "gu");
  const CHUNKS = /[\s：:，,、；（）()「」？?→]+/; // between the parts of a heading
  const NUMBER = /^\d+(\.\d+)?\s+/; // of a heading
  // The line that says what is wrong, at the end of what Python prints.
  const ERROR = /[A-Za-z]*(?:Error|Exception)(?::\s|:?$)/g;

  const STRAY = 2; // sections that a pair of characters may stand in by chance
  // What words weigh, beside a word of the query that is one.
  const FILLER = 0.3; // a pair with a character that only holds the question together
  const NO_TOPIC = 0.7; // a pair that no heading has
  const NO_WORD = 0.5; // two characters that meet by chance: 型怎 in 模型怎么
  const ALONE = 0.7; // a character alone between words that only ask
  const PART = 0.2; // a part of a name that is known whole
  const TERM = 0.5; // a term of the book that the reader calls or writes otherwise
  // What a heading adds to a section's score: its own words, and its likeness to the whole query.
  const TITLE = 1.2, LIKE = 2, WHOLE = 0.7;

  const OFTEN = 4; // headings that have a pair of characters, which then is a word of the book
  const SENTENCE = 24; // so many letters in the same order are no chance: a message that was pasted

  const files = new Map(); // name → promise of its content
  const waiting = new Map(); // name → function that takes the content
  let index = null; // the file "sections", made ready

  function load(name) {
    if (!files.has(name)) {
      files.set(name, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        waiting.set(name, resolve);
        script.src = `${root}search/${name}.js` + (index ? `?v=${index.version}` : "");
        script.onload = () => script.remove();
        script.onerror = () => { files.delete(name); script.remove(); reject(new Error(name)); };
        document.head.append(script);
      }));
    }
    return files.get(name);
  }

  function add(name, content) {
    waiting.get(name)?.(content);
    waiting.delete(name);
  }

  async function open() {
    if (index) return index;
    const content = await load("sections");
    const [old, now] = content.traditional.map((text) => [...text]);
    content.simplified = new Map(old.map((character, place) => [character, now[place]]));
    content.titles = content.sections.map(([, , heading]) => folded(heading, content));
    const asked = content.sections.map((section) => folded(section[6] || "", content));
    content.titleWords = content.titles.map((title) => new Set(words(title)));
    content.askedWords = asked.map((text) => new Set(words(text)));
    content.titlePieces = content.titles.map((title, place) => [
      ...piecesOf(title),
      ...asked[place].split(" ").filter(Boolean).map((text) => new Set(words(text))),
    ]);
    content.shortTitles = content.titles.map((title) => plain(title.replace(NUMBER, "")));
    content.titleChunks = content.titles.map((title) => title.split(CHUNKS).map(plain));
    content.plainTexts = new Map(); // section → its text as `bare` gives it
    content.inTitles = new Map(); // word → how many headings have it
    for (const [place, title] of content.titleWords.entries()) {
      for (const word of new Set([...title, ...content.askedWords[place]])) {
        content.inTitles.set(word, (content.inTitles.get(word) || 0) + 1);
      }
    }
    content.values = new Map();
    const ofTitles = [...content.inTitles].filter(([word, n]) => n >= OFTEN && IS_HAN.test(word));
    content.ours = [
      ...content.terms.flatMap(([, ours]) => ours.match(HAN_RUNS) || []),
      ...ofTitles.map(([word]) => word),
    ].filter((term, place, all) => [...term].length > 1 && all.indexOf(term) === place);
    index = content;
    return index;
  }

  /* A heading and its parts: 填充：别让模型去算空白 → three sets of words. */
  function piecesOf(title) {
    const text = title.replace(NUMBER, "");
    const parts = text.split(CHUNKS).filter((part) => [...part].length > 1);
    return [...new Set([text, ...parts])].map((part) => new Set(words(part)));
  }

  // Words

  function folded(text, content = index) {
    return [...text.normalize("NFKC")].map((each) => content.simplified.get(each) ?? each).join("");
  }

  /* A piece of Latin text: the whole, its parts (from_pretrained), their humps (AutoModel);
     short forms as they are written too, since ECE is not the end of "piece". */
  function latinWords(piece) {
    const whole = piece.toLowerCase();
    const parts = [];
    for (const part of piece.split(/[./'+-]+/)) {
      if (CAPITALS.test(part)) parts.push(part);
      const name = part.replace(/^_+|_+$/g, "").toLowerCase();
      if (name && name !== whole) parts.push(name);
      const humps = (part.match(HUMPS) || []).map((hump) => hump.toLowerCase());
      if (humps.length > 1) parts.push(...humps.filter((hump) => hump !== name));
    }
    return [whole, ...parts];
  }

  function pairs(run) {
    const characters = [...run];
    return characters.slice(1).map((each, place) => characters[place] + each);
  }

  function words(text) {
    return (text.match(PIECES) || []).flatMap((piece) => {
      if (piece[0] === "[") return [piece.toLowerCase(), piece.slice(1, -1).toLowerCase()];
      if (piece[0] === "<") return [piece.toLowerCase(), ...latinWords(piece.replace(/[</>]/g, ""))];
      return IS_HAN.test(piece) ? [...piece, ...pairs(piece)] : latinWords(piece);
    });
  }

  function fileOf(word) {
    if (IS_HAN.test(word)) return `h${word.codePointAt(0) % index.files}`;
    return /^[a-z]/i.test(word) ? word[0].toLowerCase() : "0";
  }

  async function placesOf(word) {
    const name = fileOf(word);
    if (!index.names.includes(name)) return undefined;
    const content = await load(name);
    return Object.hasOwn(content, word) ? content[word] : undefined;
  }

  /* How many letters to change, leave out, put in or swap, to get from one word to the other. */
  function distance(one, other, most) {
    if (Math.abs(one.length - other.length) > most) return most + 1;
    let before = [], last = [...Array(other.length + 1).keys()];
    for (let i = 1; i <= one.length; i++) {
      const row = [i];
      for (let j = 1; j <= other.length; j++) {
        const same = one[i - 1] === other[j - 1];
        row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
        if (i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
          row[j] = Math.min(row[j], before[j - 2] + 1);
        }
      }
      [before, last] = [last, row];
    }
    return last[other.length];
  }

  /* Words of the index that a Latin word may mean: longer ones that begin so, and near ones. */
  async function meant(word, knownHere) {
    const name = fileOf(word);
    if (!index.names.includes(name) || word.length < 2) return [];
    const content = await load(name);
    const most = word.length > 7 ? 2 : word.length > 3 ? 1 : 0;
    const found = [];
    for (const other of Object.keys(content)) {
      if (other === word) continue;
      if (other.startsWith(word) && other.length <= 2 * word.length + 4) {
        found.push([0.75 - 0.02 * (other.length - word.length), other]);
      } else if (!knownHere && most) {
        const changes = distance(word, other, most);
        if (changes <= most) found.push([0.8 - 0.2 * changes, other]);
      }
    }
    found.sort((a, b) => b[0] - a[0] || content[b[1]].length - content[a[1]].length);
    // Of mistyped words the nearest ones.
    const best = found.length ? found[0][0] : 0;
    return found.filter(([weight]) => weight > best - 0.15).slice(0, knownHere ? 3 : 6)
      .map(([weight, other]) => ({ word: other, weight }));
  }

  /* What the book calls the words of the reader: 资料集 → 数据集, attention → 注意力. */
  function otherWords(text) {
    const latin = ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, " ")} `;
    return index.terms
      .filter(([term]) => (IS_HAN.test(term) ? text.includes(term) : latin.includes(` ${term} `)))
      .map(([, ours]) => ours);
  }

  /* Terms of the book that one wrong character of the reader's may have meant: 残茶连接 → 残差连接. */
  async function nearTerms(run) {
    const characters = [...run];
    const there = await Promise.all(pairs(run).map(placesOf));
    // What stands at the wrong character must not be at home in the book itself.
    const stray = (i) => !there[i] || there[i].length <= 2 * STRAY;
    // A word of readers that the book has another name for is no mistake: 快取, 回圈.
    const named = Array(run.length).fill(false);
    for (const [term] of index.terms) {
      const start = IS_HAN.test(term) ? run.indexOf(term) : -1;
      if (start >= 0) named.fill(true, start, start + term.length);
    }
    const found = new Set();
    for (const term of index.ours) {
      const wanted = [...term];
      for (let start = 0; start + wanted.length <= characters.length; start++) {
        const wrong = wanted.map((_, i) => start + i)
          .filter((i) => wanted[i - start] !== characters[i]);
        if (wrong.length !== 1) continue;
        const [place] = wrong;
        const around = [place - 1, place].filter((i) => i >= start && i + 1 < start + wanted.length);
        // Of two characters one says little: neither may be half of a word beside them.
        const alone = wanted.length > 2
          || [start - 1, start, start + 1].every((i) => !there[i] && !named[i]);
        if (alone && around.every(stray)) found.add(term);
      }
    }
    return [...found];
  }

  /* How much two characters are one word: of the sections with the rarer one, how many have both. */
  async function cohesion(pair, places) {
    const both = await Promise.all([...pair].map(placesOf));
    const fewest = Math.min(...both.map((each) => each?.length || Infinity));
    return Number.isFinite(fewest) ? Math.min(1, (1.5 * places.length) / fewest) : 1;
  }

  /* Which characters of a run only ask: 为什么, 的. */
  function questionWords(run) {
    const asks = Array(run.length).fill(false);
    for (const { 0: word, index: start } of run.matchAll(QUESTIONS)) {
      asks.fill(true, start, start + word.length);
    }
    return asks;
  }

  /* What is looked for: groups of words, of which the best counts. */
  async function wanted(query) {
    const groups = [];
    const add = async (word, weight, alternatives = [], part = false) => {
      const all = [{ word, weight: 1 }, ...alternatives];
      const options = [];
      for (const each of all) {
        const places = await placesOf(each.word);
        if (places) options.push({ ...each, places });
      }
      if (options.length) groups.push({ word, weight, options, part });
      return options.length > 0;
    };
    for (const piece of query.match(PIECES) || []) {
      if (piece[0] === "[") {
        if (!(await add(piece.toLowerCase(), 1.5))) await add(piece.slice(1, -1).toLowerCase(), 1);
        else await add(piece.slice(1, -1).toLowerCase(), 0.5);
      } else if (piece[0] === "<" && (await add(piece.toLowerCase(), 1.5))) {
        continue;
      } else if (IS_HAN.test(piece)) {
        const characters = [...piece];
        if (characters.length === 1) await add(piece, 1);
        const known = [];
        const asks = questionWords(piece);
        for (const [i, pair] of pairs(piece).entries()) {
          const places = await placesOf(pair);
          known.push(Boolean(places));
          if (!places) continue;
          const whole = characters.length > 2 ? await cohesion(pair, places) : 1;
          const common = asks[i] || asks[i + 1] || FILLERS.test(pair) ? FILLER : 1;
          const topic = index.inTitles.has(pair) ? 1 : NO_TOPIC;
          await add(pair, common * topic * (NO_WORD + (1 - NO_WORD) * whole));
        }
        // A character alone between them is a word: 轮 in 多少轮, 字 in 和字的区别.
        for (let i = 0; i < characters.length; i++) {
          const alone = !asks[i] && (i === 0 || asks[i - 1]) && (asks[i + 1] ?? true);
          if (characters.length < 3 || !alone || FILLERS.test(characters[i])) continue;
          await add(characters[i], ALONE);
        }
        // A pair that is in no section: one of its characters may be mistyped.
        for (let i = 0; i < characters.length; i++) {
          const alone = (i === 0 || !known[i - 1]) && (i === known.length || !known[i]);
          if (characters.length > 1 && alone) await add(characters[i], 0.35);
        }
      } else {
        const name = piece.replace(/[</>]/g, (mark) => (piece[0] === "<" ? "" : mark));
        const [whole, ...parts] = latinWords(name);
        const known = await placesOf(whole);
        const near = parts.length && /[./'+-]/.test(piece) ? [] : await meant(whole, known);
        await add(whole, 1, near);
        for (const part of new Set(parts)) {
          const there = await placesOf(part);
          // The last says what it is: an AutoTokenizer is a tokenizer.
          const aside = Boolean(known) && part !== parts[parts.length - 1];
          await add(part, known ? PART : 0.7, there ? [] : await meant(part, false), aside);
        }
      }
    }
    return groups;
  }

  // Ranking

  const rarity = (places) => Math.log(1 + (2 * index.sections.length) / places.length);
  const plain = (text) => text.toLowerCase().replace(/[\s\p{P}\p{S}]+/gu, "");
  const bare = (text) => plain(folded(text));

  function scores(groups) {
    const found = new Map(); // section → [score, covered]
    let total = 0;
    for (const group of groups) {
      const { weight, options } = group;
      const best = new Map();
      const rare = Math.max(...options.map((option) => rarity(option.places) * option.weight));
      if (!group.extra) total += weight * rare;
      for (const option of options) {
        let section = 0;
        for (let i = 0; i < option.places.length; i += 2) {
          section += option.places[i];
          const value = option.weight * Math.min(rarity(option.places), rare) * option.places[i + 1];
          if (!(best.get(section)?.[0] >= value)) best.set(section, [value, option.weight]);
        }
      }
      for (const [section, [value, share]] of best) {
        const row = found.get(section) || [0, 0];
        found.set(section, [row[0] + weight * value, row[1] + weight * rare * share]);
      }
    }
    return { found, total };
  }

  /* What a word in a heading is worth: the fewer have it, the more. */
  function valueOf(word) {
    if (!index.values.has(word)) {
      const rare = Math.log(1 + index.titles.length / (1 + (index.inTitles.get(word) || 0)));
      const asks = FILLERS.test(word) || QUESTION.some((question) => question.includes(word));
      index.values.set(word, rare * (asks ? 0.25 : 1) * ([...word].length > 1 ? 1.5 : 1));
    }
    return index.values.get(word);
  }

  /* How much a heading, or a part of it, and a query are the same words: 0 to 1. */
  function likeness(section, asked) {
    const all = [...asked].reduce((sum, word) => sum + valueOf(word), 0);
    let best = 0;
    for (const piece of index.titlePieces[section]) {
      let same = 0, here = 0;
      for (const word of piece) {
        here += valueOf(word);
        if (asked.has(word)) same += valueOf(word);
      }
      best = Math.max(best, same / Math.sqrt(all * here || 1));
      if (piece.size >= 5 && same === here) best = Math.max(best, WHOLE); // three characters
    }
    return best;
  }

  /* How well a heading answers by itself. */
  function headingBonus(section, query, groups, asked) {
    const short = index.shortTitles[section];
    let bonus = 0;
    if (short.includes(query)) {
      bonus = 0.5 + (0.8 * query.length) / short.length;
      if (index.titleChunks[section].includes(query)) bonus += 0.5;
    }
    let sum = 0, covered = 0;
    for (const { weight, options } of groups) {
      const value = weight * rarity(options[0].places);
      sum += value;
      if (options.some((option) => index.titleWords[section].has(option.word))) covered += value;
    }
    return Math.max(bonus, sum ? TITLE * (covered / sum) : 0) + LIKE * likeness(section, asked);
  }

  async function textOf(section) {
    return (await load(`t${index.sections[section][4]}`))[section];
  }

  async function plainTextOf(section) {
    if (!index.plainTexts.has(section)) index.plainTexts.set(section, bare(await textOf(section)));
    return index.plainTexts.get(section);
  }

  /* Of a pasted error the words from its kind on; what stands before is the reader's own code. */
  function gist(query) {
    const last = [...query.matchAll(ERROR)].pop();
    if (!last || !/Traceback|File "|line \d|---->/.test(query.slice(0, last.index))) return query;
    const error = query.slice(last.index);
    return words(error).length > 3 ? error : query; // some say their kind and no more
  }

  /** The best sections for a query: [{section, title, page, uri, text}], best first. */
  async function search(query, limit = 20) {
    await open();
    const text = folded(gist(query)).trim();
    const groups = await wanted(text);
    const near = (await Promise.all((text.match(HAN_RUNS) || []).map(nearTerms))).flat();
    // The parts of a name bring no terms, but for its last: a DataCollator is no 数据.
    const typed = groups.filter((group) => !group.part).map((group) => group.options[0].word);
    const others = [...near, ...otherWords(`${text} ${typed.join(" ")}`)];
    for (const group of await wanted(others.join(" "))) {
      groups.push({ ...group, weight: TERM * group.weight, extra: true });
    }
    if (!groups.length) return [];
    const asked = new Set([text, ...near].flatMap(words));
    const whole = bare(text);
    const { found, total } = scores(groups);
    const ranked = [...found].map(([section, [score, covered]]) => {
      const cover = Math.min(1, covered / total);
      const title = 1 + headingBonus(section, whole, groups, asked);
      const value = score * (0.5 + 0.5 * cover) * title * index.sections[section][5];
      return [section, value];
    });
    ranked.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    // The same words in the same order, in the text itself.
    const first = ranked.slice(0, Math.max(limit, 12));
    await Promise.all(first.map(([section]) => textOf(section)));
    for (const row of first) {
      if (whole.length < 3 || !(await plainTextOf(row[0])).includes(whole)) continue;
      row[1] *= whole.length < SENTENCE ? 1.4 : 2.5;
    }
    first.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const marks = groups.flatMap((group) => group.options.map((option) => option.word));
    return Promise.all(first.slice(0, limit).map(async ([section, value]) => {
      const [page, address, heading, depth] = index.sections[section];
      const [uri, title] = index.pages[page];
      const result = { uri, address, heading, depth, title, value, marks };
      return { ...result, text: await textOf(section) };
    }));
  }

  window.courseSearch = { add, search, open, folded, words };
})();
