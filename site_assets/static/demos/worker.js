// Computes beside the page, which stays quick: one call after the other, each answered once.
import * as models from "./models.js";

let last = Promise.resolve();

self.onmessage = ({ data: { number, call, given } }) => {
  const report = (part, total) => self.postMessage({ number, part, total });
  const further = call === "load" ? [report] : [];
  last = last.then(async () => {
    try {
      self.postMessage({ number, answer: await models[call](given, ...further) });
    } catch (error) {
      self.postMessage({ number, error: error.message });
    }
  });
};
