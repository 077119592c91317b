// The demos' models, without a page: loads what `make demos` has made, cuts texts, computes.
// Runs in worker.js; the tests call it directly.

const FOLDER = new URL("../../demos/", import.meta.url);
const TOKENIZER = ["tokenizers.js", "tokenizer.json.gz"];
const RUNTIME = ["runtime.js", "runtime.wasm.gz"];
// What each demo needs; the first one that is asked for brings what it shares with others.
const NEEDS = {
  pieces: TOKENIZER,
  headlines: [...TOKENIZER, ...RUNTIME, "headlines.onnx.gz"],
  reader: [...TOKENIZER, ...RUNTIME, "mini-bert-zh.onnx.gz"],
};
const SPECIAL = /(\[(?:PAD|UNK|CLS|SEP|MASK)\])/;

let about; // demos.json
let tokenizer;
let runtime;
const sessions = {};
const downloaded = new Set();

/** The file list and what else `make demos` noted: classes, scores, chapter 3's blanks. */
export async function describe() {
  if (!about) {
    const reply = await fetch(new URL("demos.json", FOLDER), { cache: "no-cache" });
    if (reply.status === 404) throw new Error("missing");
    if (!reply.ok) throw new Error(`demos.json: ${reply.status}`);
    about = await reply.json();
  }
  return about;
}

/** Load what a demo needs and is not there yet; `report` is given the part downloaded, 0 to 1. */
export async function load(part, report = () => {}) {
  await describe();
  const names = NEEDS[part].filter((name) => !downloaded.has(name));
  const total = names.reduce((sum, name) => sum + about.files[name].bytes, 0);
  let done = 0;
  const note = (bytes) => report(Math.min((done += bytes) / total, 1), total);
  if (total) note(0);
  for (const name of names) {
    const content = await fetched(name, note);
    await use[name](content);
    downloaded.add(name);
  }
  return about;
}

// The mark makes a browser take a new file after a new export, not the one it has kept.
const address = (name) => new URL(`${name}?v=${about.files[name].sha256.slice(0, 12)}`, FOLDER).href;

/** A file's bytes, unpacked; a module itself. */
async function fetched(name, note) {
  if (name.endsWith(".js")) {
    const module = await import(address(name));
    note(about.files[name].bytes);
    return module;
  }
  const reply = await fetch(address(name));
  if (!reply.ok) throw new Error(`${name}: ${reply.status}`);
  const counted = reply.body.pipeThrough(
    new TransformStream({
      transform(chunk, out) {
        note(chunk.length);
        out.enqueue(chunk);
      },
    }),
  );
  const bytes = new Uint8Array(await new Response(counted).arrayBuffer());
  // Some servers say that a .gz is an encoding; the browser has unpacked it then.
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

let library; // the tokenizer's module, until it has its vocabulary
const use = {
  "tokenizers.js": (module) => {
    library = module;
  },
  "tokenizer.json.gz": (bytes) => {
    tokenizer = new library.Tokenizer(JSON.parse(new TextDecoder().decode(bytes)), {});
  },
  "runtime.js": (module) => {
    runtime = module;
    runtime.env.wasm.numThreads = 1; // more need headers that a plain server does not send
    runtime.env.wasm.proxy = false; // this is a worker already
  },
  "runtime.wasm.gz": (bytes) => {
    runtime.env.wasm.wasmBinary = bytes.buffer;
  },
  "headlines.onnx.gz": (bytes) => openSession("headlines", bytes),
  "mini-bert-zh.onnx.gz": (bytes) => openSession("reader", bytes),
};

async function openSession(name, bytes) {
  const options = { executionProviders: ["wasm"], graphOptimizationLevel: "all" };
  sessions[name] = await runtime.InferenceSession.create(bytes, options);
}

// In JavaScript a capital sigma at the end of a word becomes a small one of its own, ς.
const plain = (text) => text.replaceAll("Σ", "σ");

/** A text's tokens as Python's tokenizer cuts them with truncation: the last one is [SEP].

    This library's own truncation would cut [SEP] off. */
export function encode(text, limit = about.max_length) {
  const { ids, tokens } = tokenizer.encode(plain(text));
  const isCut = ids.length > limit;
  const ends = (list) => (isCut ? [...list.slice(0, limit - 1), list.at(-1)] : list);
  return { ids: ends(ids), pieces: ends(tokens), isCut };
}

/** Run a model on rows of equal length; gives name -> {dims, data}. */
export async function forward(name, rows) {
  const size = [rows.input_ids.length, rows.input_ids[0].length];
  const feeds = {};
  for (const input of ["input_ids", "attention_mask", "token_type_ids"]) {
    const flat = BigInt64Array.from(rows[input].flat(), BigInt);
    feeds[input] = new runtime.Tensor("int64", flat, size);
  }
  const results = await sessions[name].run(feeds);
  return Object.fromEntries(
    Object.entries(results).map(([key, { dims, data }]) => [key, { dims: [...dims], data }]),
  );
}

function one(ids) {
  return {
    input_ids: [ids],
    attention_mask: [ids.map(() => 1)],
    token_type_ids: [ids.map(() => 0)],
  };
}

function softmax(values) {
  const most = values.reduce((a, b) => Math.max(a, b), -Infinity);
  const weights = Array.from(values, (value) => Math.exp(value - most));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

const likeliest = (chances, names, count) =>
  Array.from(chances, (chance, i) => [i, chance])
    .sort((a, b) => b[1] - a[1])
    .slice(0, count)
    .map(([i, chance]) => [names(i), chance]);

/** The classes of a headline, the likeliest first: [name, chance] each. */
export async function classify(text) {
  const { ids, pieces, isCut } = encode(text);
  const { logits } = await forward("headlines", one(ids));
  const chances = likeliest(softmax(logits.data), (i) => about.classes[i], about.classes.length);
  return { chances, isCut, isUnreadable: pieces.slice(1, -1).every((piece) => piece === "[UNK]") };
}

/** For each [MASK] the likeliest tokens: [token, chance] each. */
export async function fill(text, count = 5) {
  const { ids, pieces, isCut } = encode(text);
  const places = pieces.flatMap((piece, i) => (piece === "[MASK]" ? [i] : []));
  if (!places.length) return { blanks: [], isCut };
  const { logits } = await forward("reader", one(ids));
  const width = logits.dims[2];
  const blanks = places.map((place) => {
    const row = logits.data.subarray(place * width, (place + 1) * width);
    return likeliest(softmax(row), (i) => tokenizer.id_to_token(i), count);
  });
  return { blanks, isCut };
}

/** Attention weights of all layers and heads: flat, [layers, heads, queries, keys]. */
export async function attend(text, limit = 64) {
  const { ids, pieces, isCut } = encode(text, limit);
  const { attentions } = await forward("reader", one(ids));
  return { pieces, isCut, weights: attentions.data, dims: attentions.dims.slice(1) };
}

/** A text's pieces with their ids, and for an [UNK] the word that it stands for, if it is known. */
export async function cut(text) {
  const { ids, pieces: tokens } = encode(text, Infinity);
  const words = plain(text).split(SPECIAL).flatMap((part, i) => {
    if (i % 2) return [[part, 1]];
    if (!part) return [];
    const cutUp = tokenizer.pre_tokenizer(tokenizer.normalizer(part));
    return cutUp.map((word) => [word, tokenizer.model.encode([word]).length]);
  });
  const stands = [null, ...words.flatMap(([word, count]) => Array(count).fill(word)), null];
  const isKnown = stands.length === tokens.length;
  const pieces = tokens.map((piece, i) => ({
    piece,
    id: ids[i],
    word: isKnown && piece === "[UNK]" && stands[i] !== "[UNK]" ? stands[i] : null,
  }));
  return { pieces };
}
