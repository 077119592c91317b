"""Fill the blanks of a sentence with the model that ships with the course: the shortest run.

python scripts/try_it.py "中国的首都是北[MASK]。"
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")

MASK = "[MASK]"
SENTENCE = "中国的首都是北[MASK]。"


def fill(text: str, best: int = 5) -> list[list[tuple[str, float]]]:
    """The likeliest characters at each blank of a text, with their probabilities.

    Args:
        text: A sentence with at least one [MASK].
        best: How many for each blank.
    """
    import torch
    from transformers import AutoModelForMaskedLM
    from transformers.utils.logging import disable_progress_bar

    from utils.models import check_folder, from_pretrained, load_tokenizer

    disable_progress_bar()
    folder = ROOT / "models/mini-bert-zh"
    check_folder(folder)
    tokenizer = load_tokenizer(folder)
    model = from_pretrained(AutoModelForMaskedLM, folder, dtype=torch.float32)
    batch = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
    with torch.no_grad():
        logits = model.eval()(**batch).logits[0]
    places = (batch["input_ids"][0] == tokenizer.mask_token_id).nonzero()[:, 0]
    found = logits[places].softmax(-1).topk(best)
    return [
        list(zip(tokenizer.convert_ids_to_tokens(ids), chances.tolist(), strict=True))
        for ids, chances in zip(found.indices.tolist(), found.values, strict=True)
    ]


def main() -> None:
    """Print the sentence, and a line for each blank."""
    text = sys.argv[1] if len(sys.argv) > 1 and sys.argv[1] else SENTENCE
    if MASK not in text:
        sys.exit(f"error: no {MASK} in {text!r}; write one where a character is missing")
    print(text)
    for number, answers in enumerate(fill(text), start=1):
        shown = "  ".join(f"{token} {chance:.1%}" for token, chance in answers)
        print(f"第 {number} 个空：{shown}")


if __name__ == "__main__":
    main()
