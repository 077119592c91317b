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
    `\\[[A-Za-z]+\\d*\\]|[${LETTERS}]+(?:[./'+-][${LETTERS}]+)*|[${HAN}]+`, "gu"
  );
  const HUMPS = /[A-Z]+(?![a-z])|[A-Z]?[a-z\u00c0-\u024f\u0370-\u03ff]+|\d+/g;
  // Characters that hold a question together and say little: 怎么, 为什么, 的时候.
  const FILLERS = /[的了吗呢么怎什为把在和与是有会能就都也很个这那我你]/;
  const IS_HAN = new RegExp(`^[${HAN}]`, "u");

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
    content.titleWords = content.titles.map((title) => new Set(words(title)));
    index = content;
    return index;
  }

  // Words

  function folded(text, content = index) {
    return [...text.normalize("NFKC")].map((each) => content.simplified.get(each) ?? each).join("");
  }

  /* A piece of Latin text: the whole, its parts (from_pretrained), their humps (AutoModel). */
  function latinWords(piece) {
    const whole = piece.toLowerCase();
    const parts = [];
    for (const part of piece.split(/[./'+-]+/)) {
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
      return IS_HAN.test(piece) ? [...piece, ...pairs(piece)] : latinWords(piece);
    });
  }

  function fileOf(word) {
    if (IS_HAN.test(word)) return `h${word.codePointAt(0) % index.files}`;
    return /^[a-z]/.test(word) ? word[0] : "0";
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
    return found.filter(([weight]) => weight > best - 0.15).slice(0, knownHere ? 3 : 6).map(([weight, other]) => ({ word: other, weight }));
  }

  /* What the book calls the words of the reader: 资料集 → 数据集, attention → 注意力. */
  function otherWords(text) {
    const latin = ` ${text.toLowerCase().replace(/[^a-z0-9]+/g, " ")} `;
    return index.terms
      .filter(([term]) => (IS_HAN.test(term) ? text.includes(term) : latin.includes(` ${term} `)))
      .map(([, ours]) => ours);
  }

  /* What is looked for: groups of words, of which the best counts. */
  async function wanted(query) {
    const groups = [];
    const add = async (word, weight, alternatives = []) => {
      const all = [{ word, weight: 1 }, ...alternatives];
      const options = [];
      for (const each of all) {
        const places = await placesOf(each.word);
        if (places) options.push({ ...each, places });
      }
      if (options.length) groups.push({ word, weight, options });
      return options.length > 0;
    };
    for (const piece of query.match(PIECES) || []) {
      if (piece[0] === "[") {
        if (!(await add(piece.toLowerCase(), 1.5))) await add(piece.slice(1, -1).toLowerCase(), 1);
        else await add(piece.slice(1, -1).toLowerCase(), 0.5);
      } else if (IS_HAN.test(piece)) {
        const characters = [...piece];
        if (characters.length === 1) await add(piece, 1);
        const known = [];
        for (const pair of pairs(piece)) known.push(await add(pair, FILLERS.test(pair) ? 0.6 : 1));
        // A pair that is in no section: one of its characters may be mistyped.
        for (let i = 0; i < characters.length; i++) {
          const alone = (i === 0 || !known[i - 1]) && (i === known.length || !known[i]);
          if (characters.length > 1 && alone) await add(characters[i], 0.35);
        }
      } else {
        const [whole, ...parts] = latinWords(piece);
        const known = await placesOf(whole);
        const near = parts.length && /[./'+-]/.test(piece) ? [] : await meant(whole, known);
        await add(whole, 1, near);
        for (const part of new Set(parts)) {
          const there = await placesOf(part);
          await add(part, known ? 0.3 : 0.7, there ? [] : await meant(part, false));
        }
      }
    }
    return groups;
  }

  // Ranking

  const rarity = (places) => Math.log(1 + (2 * index.sections.length) / places.length);
  const bare = (text) => folded(text).toLowerCase().replace(/[\s\p{P}\p{S}]+/gu, "");

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

  /* How well a heading answers by itself. */
  function headingBonus(section, query, groups) {
    const title = index.titles[section];
    const short = bare(title.replace(/^\d+(\.\d+)?\s+/, ""));
    let bonus = 0;
    if (short.includes(query)) {
      bonus = 0.5 + (0.8 * query.length) / short.length;
      const chunks = title.split(/[\s：:，,、；（）()「」？?→]+/).map(bare);
      if (chunks.includes(query)) bonus += 0.5;
    }
    let sum = 0, covered = 0;
    for (const { weight, options } of groups) {
      const value = weight * rarity(options[0].places);
      sum += value;
      if (options.some((option) => index.titleWords[section].has(option.word))) covered += value;
    }
    return Math.max(bonus, sum ? 1.2 * (covered / sum) : 0);
  }

  async function textOf(section) {
    return (await load(`t${index.sections[section][4]}`))[section];
  }

  /** The best sections for a query: [{section, title, page, uri, text}], best first. */
  async function search(query, limit = 20) {
    await open();
    const text = folded(query).trim();
    const groups = await wanted(text);
    if (!groups.length) return [];
    const typed = groups.map((group) => group.options[0].word).join(" ");
    for (const group of await wanted(otherWords(`${text} ${typed}`).join(" "))) {
      groups.push({ ...group, weight: 0.8 * group.weight, extra: true });
    }
    const whole = bare(query);
    const { found, total } = scores(groups);
    const ranked = [...found].map(([section, [score, covered]]) => {
      const cover = Math.min(1, covered / total);
      const title = 1 + headingBonus(section, whole, groups);
      const value = score * (0.5 + 0.5 * cover) * title * index.sections[section][5];
      return [section, value];
    });
    ranked.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    // The same words in the same order, in the text itself.
    const near = ranked.slice(0, Math.max(limit, 12));
    await Promise.all(near.map(([section]) => textOf(section)));
    for (const row of near) {
      if (whole.length > 2 && bare(await textOf(row[0])).includes(whole)) row[1] *= 1.4;
    }
    near.sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    const marks = groups.flatMap((group) => group.options.map((option) => option.word));
    return Promise.all(near.slice(0, limit).map(async ([section, value]) => {
      const [page, address, heading, depth] = index.sections[section];
      const [uri, title] = index.pages[page];
      const result = { uri, address, heading, depth, title, value, marks };
      return { ...result, text: await textOf(section) };
    }));
  }

  window.courseSearch = { add, search, open, folded, words };
})();
