"""BERT's relatives at mini size, trained on equal terms: which way of pretraining is good for what?

    python scripts/family.py prepare --data ../shared/data   # texts to arrays, once (a minute or two)
    python scripts/family.py train                           # train and score what is missing
    python scripts/family.py train --arms token rtd --seeds 0 --tokens 25e6
    python scripts/family.py train --at-once 6               # six arms side by side on one GPU

Arms (same 4 × 256 model, texts, rows and number of tokens; what differs is the question asked):

    token     single tokens are hidden and filled in (BERT's MLM)
    word      whole words, as jieba sees them, are hidden together (BERT-wwm)
    span      runs of random length are hidden (the masks of SpanBERT, not its boundary objective)
    rtd       a small generator replaces tokens, the model finds which (ELECTRA)
    nsp       token, and with weight 0.2 whether B follows A (what mini-bert-zh was trained with)
    nsp_full  the same with weight 1, as in BERT
    running   token, on running text in one segment instead of two segments
    untrained random weights: the control

Every arm is scored on the same held-out blanks, on news titles and on pairs of sentences, and its
row is written to results/family.jsonl or results/nsp_mini.jsonl as soon as it is known, its loss at
every 50 steps to results/family_losses.jsonl; recorded arms are not measured again. An arm that was
interrupted carries on from its last checkpoint.

One more arm, run by name, asks why rtd did not start: in rtd_begun generator and discriminator begin
as a trained token arm (--begin FILE). Its row is in results/replaced_tokens.jsonl.

On a processor an arm of 40 million tokens takes about an hour and a half, on a GPU a minute or two.
"""

import sys

from relatives.arms import main

if __name__ == "__main__":
    sys.exit(main(__doc__))
