/* Sphinx indexes Chinese word by word (jieba) but takes the reader's query apart at spaces
   only, so that a phrase such as 预训练语言模型 would find nothing. Cut each run of Chinese
   into the longest words that the index knows. Sphinx uses this function where it exists. */
window.splitQuery = function (query) {
  // Search is a constant of another script, not a property of window.
  const index = typeof Search !== "undefined" && Search._index;
  const known = (word) =>
    index && (Object.hasOwn(index.terms, word) || Object.hasOwn(index.titleterms, word));

  function cutChinese(run) {
    const words = [];
    let start = 0;
    while (start < run.length) {
      let end = Math.min(run.length, start + 12);
      while (end > start + 1 && !known(run.slice(start, end))) end -= 1;
      // A single character is never in the index: skip it, unless it is the whole query.
      if (end > start + 1) words.push(run.slice(start, end));
      start = end;
    }
    return words.length ? words : [run];
  }

  const words = query
    .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
    .flatMap((part) => part.match(/\p{Script=Han}+|[^\p{Script=Han}]+/gu) || [])
    .flatMap((run) => (/\p{Script=Han}/u.test(run) ? cutChinese(run) : [run]));

  /* Every word must be on a page, so one that cannot be found hides the page that is wanted.
     Leave out, unless nothing else is left: what has one or two letters ("t" of a pasted
     "couldn't" is in no index), and what the index holds as it is but the page's own stemmer,
     another than the index's, would look up under a shorter name ("https" as "http"). */
  const stemmer = typeof Stemmer === "undefined" ? null : new Stemmer();
  const astray = (word) => known(word) && stemmer && stemmer.stemWord(word) !== word;
  const sure = words.filter(
    (word) => !/^[a-z]{1,2}$/i.test(word) && !astray(word.toLowerCase())
  );
  return sure.length ? sure : words;
};
